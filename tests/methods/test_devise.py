"""DeViSE against the worked numbers of the published code, and what its loss and score must satisfy."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
import torch
from bilinear_cases import (
    LABEL,
    MARGIN,
    check_fixture_losses,
    check_invariances,
    check_loss_and_gradient,
    check_zero_at_the_margin,
    compatibility_matrix,
    fixture_videos,
    make_classes,
)
from bilinear_cases import fixture_method as bilinear_fixture
from bilinear_cases import make_method as bilinear_method

from avgzsl_baselines.devise import DeViSE
from avgzsl_baselines.families.ranking import devise_loss, hinge_terms
from avgzsl_bench import FeatureDims, Samples, Videos

make_method = partial(bilinear_method, DeViSE)
fixture_method = partial(bilinear_fixture, DeViSE)


# --- the loss on a matrix ---


def test_hinge_terms() -> None:
    expected = [[0, 0.05, 0, 0.17], [0, 0, 0.06, 0], [0.03, 0.06, 0, 0.01]]
    terms = hinge_terms(compatibility_matrix(), LABEL, MARGIN)
    torch.testing.assert_close(terms, torch.tensor(expected, dtype=torch.float64))


def test_loss_and_gradient() -> None:
    rows = [[-2 / 3, 1 / 3, 0, 1 / 3], [0, -1 / 3, 1 / 3, 0], [1 / 3, 1 / 3, -1, 1 / 3]]
    check_loss_and_gradient(devise_loss, 0.1266666667, rows)


def test_loss_is_zero_when_the_true_class_leads_by_the_margin() -> None:
    check_zero_at_the_margin(devise_loss)


def test_loss_invariances() -> None:
    check_invariances(devise_loss)


# --- fixture F: a network of the published code with fixed weights ---

EMBEDDED = {
    False: ([-0.25288048, 0.30793062, 0.02392638, -0.08325604], 1.0212481026),
    True: ([-0.15427618, 0.18786092, 0.01459690, -0.05079247], 0.5614227820),
}
COMPATIBILITY = {
    False: ([-0.11719030, -0.24944579, -0.12410027, -0.09970494], -3.3275320725),
    True: ([-0.07149493, -0.15218076, -0.07571053, -0.06082754], -1.8457672839),
}
ADAM_TRACE = {
    False: [0.85390791, 0.76613222, 0.68381942, 0.61279978, 0.54137236, 0.49478905],
    True: [0.55256246, 0.50456550, 0.45715706, 0.41727603, 0.38564768, 0.35496154],
}


@pytest.mark.parametrize("normalize_input", [False, True])
def test_fixture_embedding_and_compatibility(normalize_input: bool) -> None:
    method, videos = fixture_method(normalize_input=normalize_input), fixture_videos()
    embedded = method.embed_videos(videos)
    first, total = EMBEDDED[normalize_input]
    assert embedded.shape == (4, 300)
    assert embedded[0, :4].tolist() == pytest.approx(first, abs=5e-9)
    assert embedded.sum().item() == pytest.approx(total, abs=5e-10)
    matrix = method.module(videos.audio, videos.visual, method.train_text)
    first, total = COMPATIBILITY[normalize_input]
    assert matrix.shape == (4, 4)
    assert matrix[0].tolist() == pytest.approx(first, abs=5e-9)
    assert matrix.sum().item() == pytest.approx(total, abs=5e-10)


@pytest.mark.parametrize(("normalize_input", "first"), [(False, 0.8539079072), (True, 0.5525624569)])
def test_fixture_losses_under_adam(normalize_input: bool, first: float) -> None:
    check_fixture_losses(DeViSE, first, ADAM_TRACE[normalize_input], normalize_input=normalize_input)


def test_fixture_scores_are_minus_the_distances() -> None:
    method = fixture_method(normalize_input=False)
    scores = method.score(fixture_videos(), method.classes)
    expected = [-5.32298961, -5.34777798, -5.32428759, -5.31970372]
    assert scores[0].tolist() == pytest.approx(expected, abs=5e-9)


# --- the method ---


def test_initial_weights_are_uniform_within_the_default_bound() -> None:
    method = make_method(FeatureDims(512, 512, {"word2vec": 300}), make_classes({"word2vec": torch.eye(3, 300)}))
    weight, bound = method.state_dict()["map.weight"], 1024**-0.5
    assert weight.abs().max() <= bound
    assert weight.std().item() == pytest.approx(bound / 3**0.5, rel=0.02)


def two_encoder_method(**settings: Any) -> DeViSE:
    generator = torch.Generator().manual_seed(3)
    text = {
        name: torch.nn.functional.normalize(torch.randn(7, width, generator=generator), dim=1)
        for name, width in (("clip", 10), ("clap", 14))
    }
    return make_method(
        FeatureDims(8, 6, {"clip": 10, "clap": 14}), make_classes(text, [True] * 5 + [False] * 2), **settings
    )


def test_joined_text_encoders_get_unit_norm() -> None:
    method = two_encoder_method()
    embedded = method.embed_classes(method.classes)
    torch.testing.assert_close(embedded.norm(dim=1), torch.ones(7))
    torch.testing.assert_close(embedded, method.classes.embedding() / 2**0.5)
    torch.testing.assert_close(method.train_text, embedded[:5])


def test_nearest_class_has_the_largest_dot_product() -> None:
    method = two_encoder_method()
    generator = torch.Generator().manual_seed(4)
    videos = Videos(torch.randn(50, 8, generator=generator), torch.randn(50, 6, generator=generator))
    dot = method.embed_videos(videos) @ method.embed_classes(method.classes).T
    assert torch.equal(method.score(videos, method.classes).argmax(dim=1), dot.argmax(dim=1))


def test_dropout_acts_in_training_alone_and_on_classes_too() -> None:
    torch.manual_seed(0)
    method = two_encoder_method(dropout=0.5)
    videos = Videos(torch.ones(3, 8), torch.ones(3, 6))
    assert torch.equal(method.score(videos, method.classes), method.score(videos, method.classes))
    method.module.train()
    method.module.map.weight.data.fill_(1.0)
    text = torch.ones(5, 24)
    kept_inputs = method.module.embed(videos.audio, videos.visual)[:, :1] / 2  # inverted dropout doubles
    kept_text = method.module(videos.audio, videos.visual, text) / 2
    assert kept_inputs.max() < 14
    # Every class loses entries of its own: rows of E differ in how many are kept, alike for all videos.
    torch.testing.assert_close(kept_text / kept_text[:, :1], (kept_text / kept_text[:, :1])[:1].expand(3, -1))
    assert len(kept_text[0].unique()) > 1


def test_learns_separable_classes() -> None:
    generator = torch.Generator().manual_seed(0)
    text = torch.nn.functional.normalize(torch.randn(6, 20, generator=generator), dim=1)
    label = torch.arange(6).repeat_interleave(30)
    centre = torch.randn(6, 24, generator=generator)
    features = centre[label] + 0.3 * torch.randn(180, 24, generator=generator)
    videos = Videos(features[:, :10].contiguous(), features[:, 10:].contiguous())
    classes = make_classes({"hashed": text})
    method = make_method(FeatureDims(10, 14, {"hashed": 20}), classes, batches_per_epoch=300, normalize_input=True)
    before = method.train_epoch(Samples(videos, label))["total"]
    after = method.train_epoch(Samples(videos, label))["total"]
    assert after < before
    accuracy = (method.score(videos, classes).argmax(dim=1) == label).float().mean()
    assert accuracy > 0.95
