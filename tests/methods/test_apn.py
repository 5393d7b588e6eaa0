"""APN against numbers obtained with the published program, and what its losses and scores must satisfy."""

from __future__ import annotations

import math
from typing import Any

import pytest
import reference_values
import torch
from built_methods import CLS, MAIN, build, values
from reference_values import PRINTED_8, PRINTED_10, doubles
from released import random_state
from torch import Tensor
from torch.nn import functional as F

from avgzsl_baselines.apn import APN, classification_loss
from avgzsl_bench import Batch, CheckpointError, FeatureDims, Videos, load_official
from avgzsl_bench.method.registry import method_spec

SPEC = method_spec("apn")
SMALL = FeatureDims(6, 5, {"word2vec": 300})


def fixture_method(**settings: Any) -> APN:
    """Fixture F in double precision."""
    method = build(APN, SMALL, reference_values.T(4, 0), **settings)
    net = method.module.double()
    reference_values.fill(net.global_map, net.prototype_map)
    return method


def fixture_batch() -> Batch:
    return Batch(reference_values.X(4, 6, 0), reference_values.X(4, 5, 5), torch.arange(4))


def unit_vectors(count: int) -> Tensor:
    generator = torch.Generator().manual_seed(count)
    return F.normalize(torch.randn(count, 300, generator=generator, dtype=torch.float64), dim=1)


def test_initial_weights_are_small_and_not_negative() -> None:
    state = build(APN, MAIN).state_dict()
    assert list(state) == ["global_map.weight", "prototype_map.weight"]
    for weight in state.values():
        assert weight.min() >= 0
        assert weight.max() < 2e-4
        assert weight.mean().item() == pytest.approx(1e-4, rel=0.01)


# --- losses ---


def test_losses_of_fixed_tensors() -> None:
    label = torch.tensor([0, 1])
    target = doubles([0.6, 0, 0.8], [0, 1, 0])
    branches = [
        ([[0.2, 1.0, -0.5], [0.7, 0.1, 0.0]], [[0.1, -0.2, 0.3], [0, 0.5, -0.1]], 1.1763289571, 0.1333333333),
        ([[1.5, 0.3, -0.2], [-0.4, 0.8, 0.1]], [[0.2, 0.1, 0], [-0.3, 0.4, 0.2]], 0.8391423005, 0.2166666667),
    ]
    total = 0.0
    for logits, embedded, ce, mse in branches:
        classification = classification_loss(
            torch.tensor(logits, dtype=torch.float64), label, softmax_twice=True
        ).item()
        regression = F.mse_loss(torch.tensor(embedded, dtype=torch.float64), target).item()
        assert classification == pytest.approx(ce, abs=PRINTED_10)
        assert regression == pytest.approx(mse, abs=PRINTED_10)
        total += classification + regression
    assert total == pytest.approx(2.3654712576, abs=PRINTED_10)


@pytest.mark.parametrize("classes", [4, 30, 138])
def test_loss_of_nothing(classes: int) -> None:
    method = build(APN, SMALL, unit_vectors(classes))
    method.module.double()
    nothing = Batch(torch.zeros(3, 6).double(), torch.zeros(3, 5).double(), torch.arange(3))
    total = method.losses(nothing)["total"].item()
    assert total == pytest.approx(2 * math.log(classes) + 2 / 300, abs=1e-12)
    if classes == 4:
        assert total == pytest.approx(2.7792553889, abs=PRINTED_10)


@pytest.mark.parametrize("classes", [3, 30])
def test_cross_entropy_of_probabilities_is_bounded(classes: int) -> None:
    floor = math.log(math.e + classes - 1) - 1
    right, wrong = torch.full((2, 1, classes), -50.0, dtype=torch.float64)
    right[0, 1], wrong[0, 2] = 50, 50
    label = torch.tensor([1])
    assert classification_loss(right, label, softmax_twice=True).item() == pytest.approx(floor, abs=1e-12)
    assert classification_loss(wrong, label, softmax_twice=True).item() == pytest.approx(floor + 1, abs=1e-12)
    assert classification_loss(right, label, softmax_twice=False).item() == pytest.approx(0, abs=1e-12)


# --- fixture F ---


def test_fixture_forward() -> None:
    method, batch = fixture_method(normalize_input=True), fixture_batch()
    x = F.normalize(torch.cat([batch.visual, batch.audio], dim=1), dim=1)
    in_global, in_prototype = method.module(x)
    assert in_global.shape == in_prototype.shape == (4, 300)
    first = [-0.15427618, 0.18786092, 0.01459690, -0.05079247]
    assert in_global[0, :4].tolist() == pytest.approx(first, abs=PRINTED_8)
    assert in_global.sum().item() == pytest.approx(0.5614227820, abs=PRINTED_10)
    assert in_prototype.sum().item() == pytest.approx(-0.8559629617, abs=PRINTED_10)
    for embedded, expected in [
        (in_global, [0.25451761, 0.23478829, 0.25344692, 0.25724718]),
        (in_prototype, [0.28445936, 0.27263940, 0.17327016, 0.26963109]),
    ]:
        q = (embedded @ method.train_text.T).softmax(dim=1)
        assert q[0].tolist() == pytest.approx(expected, abs=PRINTED_8)
    torch.testing.assert_close(method.embed_videos(Videos(batch.audio, batch.visual)), in_global)


@pytest.mark.parametrize(("normalize_input", "expected"), [(True, 2.8388014464), (False, 2.9873975404)])
def test_fixture_loss(normalize_input: bool, expected: float) -> None:
    losses = values(fixture_method(normalize_input=normalize_input).losses(fixture_batch()))
    assert losses["total"] == pytest.approx(expected, abs=PRINTED_10)
    terms = ["global_ce", "global_mse", "prototype_ce", "prototype_mse"]
    assert sum(losses[term] for term in terms) == pytest.approx(expected, abs=PRINTED_10)
    for term in ("global_ce", "prototype_ce"):
        assert math.log(math.e + 3) - 1 <= losses[term] <= math.log(math.e + 3)


ADAM_TRACE = {
    True: [2.83880145, 2.83348314, 2.82815494, 2.82281717, 2.81747007, 2.81211382],
    False: [2.9873975404, 2.97683030, 2.96625815, 2.95568325, 2.94510740, 2.93453209],
}


@pytest.mark.parametrize("normalize_input", [False, True])
def test_fixture_losses_under_adam(normalize_input: bool) -> None:
    method = fixture_method(normalize_input=normalize_input)
    trace = [method.train_step(fixture_batch())["total"].item() for _ in range(6)]
    assert trace == pytest.approx(ADAM_TRACE[normalize_input], abs=PRINTED_8)


# --- the method ---


def test_the_prototype_map_changes_no_prediction() -> None:
    free, frozen = fixture_method(), fixture_method()
    frozen.module.prototype_map.weight.requires_grad_(False)
    for _ in range(5):
        free.train_step(fixture_batch())
        frozen.train_step(fixture_batch())
    assert not torch.equal(free.module.prototype_map.weight, frozen.module.prototype_map.weight)
    videos = Videos(fixture_batch().audio, fixture_batch().visual)
    assert torch.equal(free.score(videos, free.classes), frozen.score(videos, frozen.classes))


def test_scores_are_minus_the_distances_of_the_global_map() -> None:
    method, batch = fixture_method(), fixture_batch()
    videos = Videos(batch.audio, batch.visual)
    # The global map is DeViSE's map of the same fixture.
    expected = [-5.32298961, -5.34777798, -5.32428759, -5.31970372]
    assert method.score(videos, method.classes)[0].tolist() == pytest.approx(expected, abs=PRINTED_8)
    dot = fixture_method(scoring="dot")
    expected = [-0.11719030, -0.24944579, -0.12410027, -0.09970494]
    assert dot.score(videos, dot.classes)[0].tolist() == pytest.approx(expected, abs=PRINTED_8)


def test_one_softmax_is_a_switch() -> None:
    twice, once = fixture_method(), fixture_method(softmax_twice=False)
    by_default, other = values(twice.losses(fixture_batch())), values(once.losses(fixture_batch()))
    assert by_default["global_mse"] == other["global_mse"]
    assert abs(by_default["global_ce"] - other["global_ce"]) > 0.01
    embedded = once.embed_videos(Videos(fixture_batch().audio, fixture_batch().visual))
    expected = F.cross_entropy(embedded @ once.train_text.T, fixture_batch().label)
    assert other["global_ce"] == pytest.approx(expected.item(), abs=1e-12)


def test_joined_text_encoders_get_unit_norm() -> None:
    vectors = torch.cat([F.normalize(torch.randn(4, width), dim=1) for width in (10, 14)], dim=1)
    method = build(APN, FeatureDims(6, 5, {"clip": 10, "clap": 14}), vectors)
    torch.testing.assert_close(method.train_text, vectors / 2**0.5)
    torch.testing.assert_close(method.embed_classes(method.classes), method.train_text)


# --- settings ---


# --- released checkpoints ---


@pytest.mark.parametrize(("shape", "normalize"), [(MAIN, False), (CLS, True)])
def test_reads_a_released_checkpoint(shape: FeatureDims, normalize: bool) -> None:
    inputs = shape.visual + shape.audio
    released = {"ALE_vector": (300, inputs, 1, 1), "prototype_vectors.layer4": (300, inputs, 1, 1)}
    state, vectors = random_state(released), unit_vectors(5).float()
    method = load_official(SPEC, state)
    assert isinstance(method, APN)
    assert method.shape == shape
    method.train_text = vectors
    classes = build(APN, shape, vectors).classes
    videos = Videos(torch.randn(4, shape.audio), torch.randn(4, shape.visual))
    x = torch.cat([videos.visual, videos.audio], dim=1)
    if normalize:
        x = x / x.norm(dim=1, keepdim=True)
    maps = x[:, :, None, None]
    final = F.conv2d(maps, state["ALE_vector"]).flatten(1)
    layer4 = F.max_pool2d(F.conv2d(maps, state["prototype_vectors.layer4"]), 1).flatten(1)
    torch.testing.assert_close(method.embed_videos(videos), final, rtol=1e-4, atol=1e-4)
    distance = (final.unsqueeze(1) - vectors).norm(dim=2)
    torch.testing.assert_close(method.score(videos, classes), -distance, rtol=1e-4, atol=1e-4)
    label = torch.tensor([0, 1, 2, 4])
    expected = sum(
        F.nll_loss((branch @ vectors.T).softmax(1).log_softmax(1), label)
        + (branch - vectors[label]).square().mean()
        for branch in (final, layer4)
    )
    loss = method.losses(Batch(videos.audio, videos.visual, label))["total"]
    torch.testing.assert_close(loss, expected, rtol=1e-4, atol=1e-4)


def test_contradictory_checkpoints_are_refused() -> None:
    state = {"ALE_vector": torch.zeros(300, 1024, 1, 1), "prototype_vectors.layer4": torch.zeros(300, 4224, 1, 1)}
    with pytest.raises(CheckpointError, match="ALE_vector"):
        load_official(SPEC, state)
    with pytest.raises(CheckpointError, match=r"missing: prototype_vectors\.layer4"):
        load_official(SPEC, {"ALE_vector": state["ALE_vector"]})
