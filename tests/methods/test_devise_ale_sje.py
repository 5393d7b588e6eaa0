"""DeViSE, ALE and SJE against numbers obtained with the published programs, and what they must satisfy."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from built_methods import CLS, MAIN, build
from reference_values import T, X, doubles, weight
from released import random_state
from torch import Tensor
from torch.nn import functional as F

from avgzsl_baselines.ale import ALE
from avgzsl_baselines.devise import DeViSE
from avgzsl_baselines.families.bilinear import BilinearMethod
from avgzsl_baselines.families.ranking import ale_loss, devise_loss, hinge_terms, sje_loss
from avgzsl_baselines.sje import SJE
from avgzsl_bench import Batch, CheckpointError, FeatureDims, Samples, Videos, load_official
from avgzsl_bench.method.registry import method_spec
from avgzsl_bench.records.record import read_record

RECORDS = Path(__file__).resolve().parents[2] / "leaderboards" / "simulated" / "results"
Loss = Callable[[Tensor, Tensor, float], Tensor]
MARGIN = 0.1
LABEL = torch.tensor([0, 1, 2])
FIXTURE_LABEL = torch.arange(4)
FIXTURE_VIDEOS = Videos(audio=X(4, 6, 0), visual=X(4, 5, 5))
MATRIX = doubles([0.50, 0.45, 0.20, 0.57], [0.10, 0.30, 0.26, 0.05], [0.33, 0.36, 0.40, 0.31])
every_method = pytest.mark.parametrize("cls", [DeViSE, ALE, SJE])
every_loss = pytest.mark.parametrize("loss", [devise_loss, ale_loss, sje_loss])


def fixture_method(cls: type[BilinearMethod], *, normalize_input: bool) -> BilinearMethod:
    """The published network on fixture F, in double precision."""
    shape = FeatureDims(audio=6, visual=5, text={"word2vec": 300})
    method = build(cls, shape, T(4, 0), dropout=0.0, normalize_input=normalize_input)
    method.module.double()
    method.load_state_dict({"map.weight": weight(300, 11, 1)})
    return method


def random_matrix() -> tuple[Tensor, Tensor]:
    """Compatibilities `[16, 9]` with many violations of the margin, and labels."""
    generator = torch.Generator().manual_seed(1)
    matrix = torch.randn(16, 9, generator=generator, dtype=torch.float64) / 4
    return matrix, torch.randint(9, (16,), generator=generator)


# --- the losses on a matrix ---


def test_hinge_terms() -> None:
    expected = [[0, 0.05, 0, 0.17], [0, 0, 0.06, 0], [0.03, 0.06, 0, 0.01]]
    torch.testing.assert_close(hinge_terms(MATRIX, LABEL, MARGIN), doubles(*expected))


@pytest.mark.parametrize(
    ("loss", "value", "within", "gradient"),
    [
        (devise_loss, 0.1266666667, 1e-10, [[-2, 1, 0, 1], [0, -1, 1, 0], [1, 1, -3, 1]]),
        # The published program adds 1e-8 to a rank.
        (
            ale_loss,
            0.0953703704,
            1e-9,
            [[-1.5, 0.75, 0, 0.75], [0, -1, 1, 0], [11 / 18, 11 / 18, -11 / 6, 11 / 18]],
        ),
        (sje_loss, 0.0966666667, 1e-10, [[-1, 0, 0, 1], [0, -1, 1, 0], [0, 1, -1, 0]]),
    ],
)
def test_loss_and_gradient(loss: Loss, value: float, within: float, gradient: list[list[float]]) -> None:
    """To the printed digits; gradients are given times 3."""
    matrix = MATRIX.clone().requires_grad_()
    worked = loss(matrix, LABEL, MARGIN)
    assert worked.item() == pytest.approx(value, abs=within)
    (actual,) = torch.autograd.grad(worked, matrix)
    torch.testing.assert_close(actual, doubles(*gradient) / 3, atol=1e-8, rtol=0)


@every_loss
def test_gradient_rows_sum_to_zero(loss: Loss) -> None:
    for matrix, label in ((MATRIX.clone(), LABEL), random_matrix()):
        (gradient,) = torch.autograd.grad(loss(matrix.requires_grad_(), label, MARGIN), matrix)
        assert gradient.sum(dim=1).abs().max() < 1e-15


@every_loss
def test_a_constant_on_a_row_and_the_orders_of_videos_and_classes_change_nothing(loss: Loss) -> None:
    matrix, label = random_matrix()
    generator = torch.Generator().manual_seed(2)
    value = loss(matrix, label, MARGIN)
    shift = torch.randn(16, 1, generator=generator, dtype=torch.float64)
    torch.testing.assert_close(loss(matrix + shift, label, MARGIN), value)
    rows = torch.randperm(16, generator=generator)
    torch.testing.assert_close(loss(matrix[rows], label[rows], MARGIN), value)
    columns = torch.randperm(9, generator=generator)
    torch.testing.assert_close(loss(matrix[:, columns], torch.argsort(columns)[label], MARGIN), value)


@every_loss
def test_loss_is_zero_where_the_true_class_leads_by_the_margin(loss: Loss) -> None:
    matrix = torch.full((3, 5), 0.2, dtype=torch.float64)
    matrix[range(3), LABEL] = 0.3 + 1e-9
    assert loss(matrix, LABEL, MARGIN) == 0
    matrix[1, 4] = 0.25
    assert loss(matrix, LABEL, MARGIN) > 0


@pytest.mark.parametrize("loss", [ale_loss, sje_loss])
def test_never_above_devise_and_equal_at_one_violation(loss: Loss) -> None:
    matrix, label = random_matrix()
    assert loss(matrix, label, MARGIN) < devise_loss(matrix, label, MARGIN)
    for row, y in zip(matrix.split(1), label.split(1), strict=True):
        other, devise = loss(row, y, MARGIN), devise_loss(row, y, MARGIN)
        assert other <= devise
        if (hinge_terms(row, y, MARGIN) > 0).sum() == 1:
            torch.testing.assert_close(other, devise)
    one = MATRIX[1:2], LABEL[1:2], MARGIN
    torch.testing.assert_close(loss(*one), devise_loss(*one))


@pytest.mark.parametrize(("violations", "weight"), [(0, 0.0), (1, 1.0), (2, 0.75), (3, 0.6111111), (4, 25 / 48)])
def test_weight_of_ale_falls_with_the_number_of_violations(violations: int, weight: float) -> None:
    matrix = torch.zeros(1, 9, dtype=torch.float64)
    matrix[0, 0] = 1
    matrix[0, 1 : 1 + violations] = 0.95
    loss = ale_loss(matrix, torch.tensor([0]), MARGIN)
    assert loss.item() == pytest.approx(weight * violations * 0.05, abs=1e-8)


def test_every_class_may_violate_in_ale_however_many_there_are() -> None:
    matrix = torch.zeros(2, 1001, dtype=torch.float64)
    harmonic = sum(1 / rank for rank in range(1, 1001))
    loss = ale_loss(matrix, torch.tensor([0, 1000]), MARGIN)
    assert loss.item() == pytest.approx(harmonic * MARGIN, rel=1e-9)


def test_one_wrong_class_per_video_gets_gradient_in_sje_even_where_two_are_equal() -> None:
    matrix, label = random_matrix()
    matrix[:, 3] = matrix[:, 4]
    (gradient,) = torch.autograd.grad(sje_loss(matrix.requires_grad_(), label, MARGIN), matrix)
    assert ((gradient > 0).sum(dim=1) <= 1).all()
    assert ((gradient > 0).sum(dim=1) == (gradient < 0).sum(dim=1)).all()
    assert gradient.sum(dim=1).abs().max() < 1e-15


# --- fixture F: a network of the published code with fixed weights ---


@pytest.mark.parametrize(
    ("normalize_input", "embedded", "compatibility"),
    [
        (
            False,
            ([-0.25288048, 0.30793062, 0.02392638, -0.08325604], 1.0212481026),
            ([-0.11719030, -0.24944579, -0.12410027, -0.09970494], -3.3275320725),
        ),
        (
            True,
            ([-0.15427618, 0.18786092, 0.01459690, -0.05079247], 0.5614227820),
            ([-0.07149493, -0.15218076, -0.07571053, -0.06082754], -1.8457672839),
        ),
    ],
)
def test_fixture_embedding_and_compatibility(normalize_input: bool, embedded: Any, compatibility: Any) -> None:
    method, videos = fixture_method(DeViSE, normalize_input=normalize_input), FIXTURE_VIDEOS
    matrix = method.module(videos.audio, videos.visual, method.train_text)
    assert matrix.shape == (4, 4)
    for actual, (first, total) in ((method.embed_videos(videos), embedded), (matrix, compatibility)):
        assert actual[0, :4].tolist() == pytest.approx(first, abs=5e-9)
        assert actual.sum().item() == pytest.approx(total, abs=5e-10)


@pytest.mark.parametrize(
    ("cls", "normalize_input", "first", "trace"),
    [
        (DeViSE, False, 0.8539079072, [0.85390791, 0.76613222, 0.68381942, 0.61279978, 0.54137236, 0.49478905]),
        (DeViSE, True, 0.5525624569, [0.55256246, 0.50456550, 0.45715706, 0.41727603, 0.38564768, 0.35496154]),
        (ALE, False, 0.5291442534, [0.52914425, 0.47303303, 0.42459783, 0.37595549, 0.33280151, 0.31100839]),
        (ALE, True, 0.3376770559, [0.33767706, 0.30834559, 0.28273060, 0.26187402, 0.24276676, 0.22089830]),
        (SJE, False, 0.3569614452, [0.35696145, 0.32313700, 0.29623041, 0.26842328, 0.24363130, 0.22098316]),
        (SJE, True, 0.2253646435, [0.22536464, 0.20650118, 0.19139448, 0.17572712, 0.16099116, 0.15040359]),
    ],
)
def test_fixture_losses_under_adam(
    cls: type[BilinearMethod], normalize_input: bool, first: float, trace: list[float]
) -> None:
    """The loss of one batch to ten digits, and the losses before each of six updates of Adam on it to eight."""
    method = fixture_method(cls, normalize_input=normalize_input)
    batch = Batch(FIXTURE_VIDEOS.audio, FIXTURE_VIDEOS.visual, FIXTURE_LABEL)
    assert method.losses(batch)["total"].item() == pytest.approx(first, abs=5e-11)
    assert [method.train_step(batch)["total"].item() for _ in range(6)] == pytest.approx(trace, abs=5.1e-9)


@every_method
def test_scoring_is_a_switch(cls: type[BilinearMethod]) -> None:
    """Distances and dot products put the same class first and differ in their gaps, which the bias acts on."""
    method = fixture_method(cls, normalize_input=False)
    assert list(method.state_dict()) == ["map.weight"]
    distance = method.score(FIXTURE_VIDEOS, method.classes)
    assert distance[0].tolist() == pytest.approx([-5.32298961, -5.34777798, -5.32428759, -5.31970372], abs=5e-9)
    method.config = method.config.model_copy(update={"scoring": "dot"})
    dot = method.score(FIXTURE_VIDEOS, method.classes)
    assert dot[0].tolist() == pytest.approx([-0.11719030, -0.24944579, -0.12410027, -0.09970494], abs=5e-9)
    assert torch.equal(dot.argsort(dim=1), distance.argsort(dim=1))
    gap, dot_gap = distance[:, 0] - distance[:, 1], dot[:, 0] - dot[:, 1]
    torch.testing.assert_close(gap, 2 * dot_gap / -(distance[:, 0] + distance[:, 1]))
    assert (gap.abs() < dot_gap.abs() / 5).all()


@every_method
def test_losses_do_not_depend_on_the_order_of_the_batch(cls: type[BilinearMethod]) -> None:
    method, (audio, visual) = fixture_method(cls, normalize_input=True), (X(4, 6, 0), X(4, 5, 5))
    order = torch.tensor([2, 0, 3, 1])
    first = method.losses(Batch(audio, visual, FIXTURE_LABEL))
    torch.testing.assert_close(first, method.losses(Batch(audio[order], visual[order], FIXTURE_LABEL[order])))


# --- the methods ---


def test_initial_weights_are_uniform_within_the_default_bound() -> None:
    weight, bound = build(DeViSE, MAIN).state_dict()["map.weight"], 1024**-0.5
    assert weight.abs().max() <= bound
    assert weight.std().item() == pytest.approx(bound / 3**0.5, rel=0.02)


def two_encoder_method(**settings: Any) -> DeViSE:
    generator = torch.Generator().manual_seed(3)
    text = torch.cat([F.normalize(torch.randn(7, width, generator=generator), dim=1) for width in (10, 14)], dim=1)
    return build(DeViSE, FeatureDims(8, 6, {"clip": 10, "clap": 14}), text, (5, 6), **{"dropout": 0.0} | settings)


def test_joined_text_encoders_get_unit_norm() -> None:
    method = two_encoder_method()
    embedded = method.embed_classes(method.classes)
    torch.testing.assert_close(embedded.norm(dim=1), torch.ones(7))
    torch.testing.assert_close(embedded, method.classes.embedding() / 2**0.5)
    torch.testing.assert_close(method.train_text, embedded[:5])


def test_class_vectors_are_taken_as_they_come_on_request() -> None:
    method = two_encoder_method(normalize_classes=False)
    assert torch.equal(method.embed_classes(method.classes), method.classes.embedding())
    assert torch.equal(method.train_text, method.classes.embedding()[:5])


@every_method
def test_settings_of_committed_records_mean_unit_norm(cls: type[BilinearMethod]) -> None:
    paths = list(RECORDS.rglob(f"{cls.__name__.lower()}/*.json"))
    assert paths
    for path in paths:
        given = read_record(path).method.config
        config = cls.Config.model_validate({"normalize_classes": True} | dict(given))
        assert cls.Config.model_validate(given) == config
        assert config.normalize_classes is True  # type: ignore[attr-defined]


@every_method
def test_released_weights_give_class_vectors_unit_norm_on_request(cls: type[BilinearMethod]) -> None:
    state = random_state({"bilinear.weight": (300, 1024)})
    classes = build(cls, MAIN, torch.randn(5, 300)).classes
    method = load_official(cls.__name__.lower(), state, normalize_classes=True)
    assert isinstance(method, cls)
    torch.testing.assert_close(method.embed_classes(classes), F.normalize(classes.embedding(), dim=1))
    as_they_come = load_official(cls.__name__.lower(), state)
    assert isinstance(as_they_come, cls)
    assert torch.equal(as_they_come.embed_classes(classes), classes.embedding())


def test_nearest_class_has_the_largest_dot_product() -> None:
    method = two_encoder_method()
    generator = torch.Generator().manual_seed(4)
    videos = Videos(torch.randn(50, 8, generator=generator), torch.randn(50, 6, generator=generator))
    dot = method.embed_videos(videos) @ method.embed_classes(method.classes).T
    assert torch.equal(method.score(videos, method.classes).argmax(dim=1), dot.argmax(dim=1))


def test_dropout_acts_only_in_training_and_on_classes_too() -> None:
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


@every_method
def test_dropout_on_classes_is_a_switch(cls: type[BilinearMethod]) -> None:
    """With dropout only on the videos, classes with equal embeddings stay equal."""

    def compatibility(**settings: Any) -> Tensor:
        torch.manual_seed(0)
        method = build(cls, FeatureDims(6, 5, {"word2vec": 300}), torch.ones(5, 300), dropout=0.5, **settings)
        method.module.train()
        matrix: Tensor = method.module(torch.ones(3, 6), torch.ones(3, 5), method.train_text)
        return matrix

    alike = compatibility(dropout_classes=False)
    torch.testing.assert_close(alike, alike[:, :1].expand(3, 5))
    by_default = compatibility()
    assert torch.equal(by_default, compatibility(dropout_classes=True))
    assert (by_default - by_default[:, :1]).abs().max() > 0.01


def test_learns_separable_classes() -> None:
    generator = torch.Generator().manual_seed(0)
    text = F.normalize(torch.randn(6, 20, generator=generator), dim=1)
    label = torch.arange(6).repeat_interleave(30)
    centre = torch.randn(6, 24, generator=generator)
    features = centre[label] + 0.3 * torch.randn(180, 24, generator=generator)
    videos = Videos(features[:, :10].contiguous(), features[:, 10:].contiguous())
    settings = {"dropout": 0.0, "batches_per_epoch": 300, "normalize_input": True}
    method = build(DeViSE, FeatureDims(10, 14, {"hashed": 20}), text, **settings)
    before, after = (method.train_epoch(Samples(videos, label))["total"] for _ in range(2))
    assert after < before
    accuracy = (method.score(videos, method.classes).argmax(dim=1) == label).float().mean()
    assert accuracy > 0.95


# --- released checkpoints ---


@every_method
@pytest.mark.parametrize(("shape", "normalize"), [(MAIN, False), (CLS, True)])
def test_reads_a_released_checkpoint(cls: type[BilinearMethod], shape: FeatureDims, normalize: bool) -> None:
    state = random_state({"bilinear.weight": (300, shape.visual + shape.audio)})
    text = torch.randn(5, 300)  # of any norm: the published program takes it as it is
    method = load_official(method_spec(cls.__name__.lower()), state)
    assert isinstance(method, cls)
    method.module.eval()
    assert method.shape == shape
    videos = Videos(torch.randn(4, shape.audio), torch.randn(4, shape.visual))
    x = torch.cat([videos.visual, videos.audio], dim=1)
    if normalize:
        x = x / x.norm(dim=1, keepdim=True)
    embedded = x @ state["bilinear.weight"].T
    torch.testing.assert_close(method.embed_videos(videos), embedded, rtol=1e-4, atol=1e-4)
    distance = (embedded.unsqueeze(1) - text).norm(dim=2)
    classes = build(cls, shape, text).classes
    torch.testing.assert_close(method.score(videos, classes), -distance, rtol=1e-4, atol=1e-4)


def test_a_width_that_does_not_tell_audio_from_visual_is_refused() -> None:
    with pytest.raises(CheckpointError, match=r"224 inputs.*1024 and 4224"):
        load_official(method_spec("devise"), {"bilinear.weight": torch.zeros(300, 224)})
    with pytest.raises(CheckpointError, match=r"missing: bilinear\.weight"):
        load_official(method_spec("devise"), {})
