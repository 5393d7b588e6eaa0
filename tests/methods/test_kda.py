"""KDA against numbers obtained with the published program's classes, and its losses on their worked example."""

from __future__ import annotations

from functools import partial
from itertools import pairwise
from typing import Any

import pytest
import torch
from avca_family import fill_token_layer
from built_methods import build, passes, rates, values
from joint_space import fixture_batch
from paired_cases import random_batch
from reference_values import AUDIO, PRINTED_8, VISUAL, T, doubles, fill
from torch.nn import functional as F

from avgzsl_baselines.families.kda_losses import (
    adaptive_margin,
    class_similarity,
    constant_margin,
    margin_cross_entropy,
)
from avgzsl_baselines.kda import KDA, KDAConfig
from avgzsl_bench import Batch, Classes, ConfigError, FeatureDims, Videos
from avgzsl_bench.execution.selection import Selection
from avgzsl_bench.execution.stages import run_stage1
from avgzsl_bench.gzsl.calibration import parse_calibration
from avgzsl_bench.method.registry import method_spec
from avgzsl_bench.method.settings import build_config
from avgzsl_bench.testing.trial import Trial

SPEC = method_spec("kda")
KNOWLEDGE = {"knowledge": 512}
make = partial(build, KDA)


def fixture_method(**settings: Any) -> KDA:
    method = make(FeatureDims(AUDIO, VISUAL, KNOWLEDGE), 8 * T(5, 0, 512), attention_dropout=0.0, **settings)
    net = method.module.double()
    fill(*net.audio_encoder, *net.visual_encoder)
    fill(*net.audio_projection, *net.visual_projection, first=7)
    fill_token_layer(net.transformer, first=13)
    fill(net.class_map, first=17)
    with torch.no_grad():
        for t in range(2):
            net.positions[t] = (((5 * torch.arange(512) + 3 * t) % 11) - 5).double() / 50
    return method


def random_method(**settings: Any) -> KDA:
    torch.manual_seed(0)
    return make(FeatureDims(9, 11, {"knowledge": 12}), 3 * torch.randn(7, 12), **settings)


@pytest.mark.parametrize(
    ("normalize", "total", "alignment", "classification"),
    [(False, 320.03370095, 20.57312707, 1.72180147), (True, 8.19693042, 0.63728107, 1.67602949)],
)
def test_fixture_in_evaluation_mode(
    normalize: bool, total: float, alignment: float, classification: float
) -> None:
    method, batch = fixture_method(normalize_fused=normalize), fixture_batch()
    method.module.eval()
    encoded = method.module.encode(batch.audio, batch.visual)
    assert encoded.sum(dim=(1, 2)).tolist() == pytest.approx([163.24276285, 274.19374347], abs=PRINTED_8)
    embedded = method.module(batch.audio, batch.visual)
    assert embedded.shape == (4, 512)
    assert embedded.sum().item() == pytest.approx(total, abs=PRINTED_8)
    losses = values(method.losses(batch))
    assert 5 * losses["alignment"] == pytest.approx(alignment, abs=PRINTED_8)
    assert losses["classification"] == pytest.approx(classification, abs=PRINTED_8)
    scores = method.score(Videos(batch.audio, batch.visual), method.classes)
    torch.testing.assert_close(scores, -(embedded[:, None] - method.train_text).norm(dim=2))


@pytest.mark.parametrize(
    ("settings", "totals", "scale"),
    [
        ({"loss": "released"}, [8.90022481, 8.26071671, 6.68267187, 5.42141253], 1.0),
        ({"loss": "paper"}, [10.60940358, 9.95992692, 7.70608871, 6.39770526], 1.00385414),
        ({"loss": "released", "normalize_fused": True}, [0.64118251, 0.61155035, 0.56616583, 0.52624398], 1.0),
        ({"loss": "paper", "normalize_fused": True}, [2.31476102, 2.08099663, 1.68177480, 1.52755758], 1.00386934),
    ],
)
def test_fixture_over_four_updates(settings: dict[str, Any], totals: list[float], scale: float) -> None:
    method = fixture_method(**settings)
    trace = [method.train_step(fixture_batch())["total"].item() for _ in range(4)]
    assert trace == pytest.approx(totals, abs=PRINTED_8)
    assert method.module.margin_scale.item() == pytest.approx(scale, abs=PRINTED_8)


def test_encodings_enter_twice_and_positions_once() -> None:
    """With a silent transformer the projections get `2 phi + pos`; the visual embedding comes first."""
    method = random_method(normalize_fused=True)
    net = method.module.eval()
    with torch.no_grad():
        for output in (net.transformer.attention.output, net.transformer.feed_forward.output):
            output.weight.zero_()
            output.bias.zero_()
    audio, visual = torch.randn(5, 9), torch.randn(5, 11)
    encoded = net.encode(audio, visual)
    theta_a = net.audio_projection(2 * encoded[0] + net.positions[0])
    theta_v = net.visual_projection(2 * encoded[1] + net.positions[1])
    fused = torch.cat((theta_v, theta_a), dim=1)
    expected = fused / fused.norm(dim=1, keepdim=True) @ net.class_map.weight.T
    torch.testing.assert_close(net(audio, visual), expected)


def test_the_first_class_map_is_small_and_positive() -> None:
    weight = make(FeatureDims(9, 11, KNOWLEDGE)).module.class_map.weight
    assert weight.min() >= 0
    assert 1.9e-4 < weight.max() < 2e-4
    assert weight.mean().item() == pytest.approx(1e-4, abs=1e-6)


def test_passes_and_momentum() -> None:
    method = random_method(momentum=0.99)
    method.train_step(random_batch(method.shape, 7, negatives=False))
    norms = {name: norm for name, norm in method.module.named_modules() if isinstance(norm, torch.nn.BatchNorm1d)}
    assert {name: norm.momentum for name, norm in norms.items()} == {
        f"{part}.{number}.norm": momentum
        for part in ("audio_encoder", "visual_encoder", "audio_projection", "visual_projection")
        for number, momentum in enumerate((0.1, 0.99))
    }
    assert {passes(norm) for norm in norms.values()} == {1}


def test_dropout_rates() -> None:
    net = random_method(encoder_dropout=0.2, projection_dropout=0.3).module
    assert rates(net.audio_encoder) == rates(net.visual_encoder) == {0.2}
    assert rates(net.audio_projection) == rates(net.visual_projection) == {0.3}
    assert rates(net.transformer) == {0.1}


def test_a_learned_margin_only_grows() -> None:
    """By about a learning rate a step; the classification stays above its floor."""
    method, batch = random_method(), random_batch(FeatureDims(9, 11, {}), 7, size=32, negatives=False)
    scales = [1.0]
    for _ in range(6):
        floor = (scales[-1] * (method.similarity[batch.label] - 1)).logsumexp(dim=1).mean()
        assert method.train_step(batch)["classification"] > floor
        scales.append(method.module.margin_scale.item())
    assert all(later > earlier for earlier, later in pairwise(scales))
    assert scales[-1] == pytest.approx(1 + 6e-3, abs=1e-3)


@pytest.mark.parametrize(
    "settings", [{"margin_scale": "fixed"}, {"margin": "none"}, {"margin": "constant"}, {"loss": "released"}]
)
def test_a_margin_that_is_not_learned_stays(settings: dict[str, str]) -> None:
    method = random_method(**settings)
    for _ in range(3):
        method.train_step(random_batch(method.shape, 7, negatives=False))
    assert method.module.margin_scale.item() == 1


def test_learning_rate_on_a_plateau() -> None:
    """As with the published floor of 1e-8."""
    method = random_method()
    floored = torch.optim.lr_scheduler.ReduceLROnPlateau(
        torch.optim.Adam(method.module.parameters(), lr=1e-3), mode="max", patience=4, factor=0.1, min_lr=1e-8
    )
    rates = []
    for _ in range(50):
        method.after_validation(0.5)
        floored.step(0.5)
        rates.append(method.learning_rate)
        assert method.learning_rate == pytest.approx(floored.get_last_lr()[0], rel=1e-6)
    assert rates[4:6] == pytest.approx([1e-3, 1e-4])
    assert rates[-1] == pytest.approx(1e-8)


def test_scores_feel_the_weights_alone() -> None:
    method, other = random_method(), random_method(alignment_weight=0.5, margin_on="logit", loss="released")
    other.load_state_dict(method.state_dict())
    with torch.no_grad():
        other.module.margin_scale.fill_(3.0)
    videos = Videos(torch.randn(5, 9), torch.randn(5, 11))
    assert torch.equal(method.score(videos, method.classes), other.score(videos, other.classes))


def test_which_class_vectors_are_read() -> None:
    text = {"clip": torch.randn(3, 2), "knowledge": 10 * torch.randn(3, 5), "clap": torch.randn(3, 4)}
    classes = Classes(("a", "b", "c"), text, torch.tensor([True, False, True]))
    shape = FeatureDims(6, 7, {name: vectors.shape[1] for name, vectors in text.items()})
    for settings, expected in (({}, text["knowledge"]), ({"knowledge": "names"}, text["clip"])):
        method = KDA(KDAConfig(**settings), shape, classes, seed=0, device=torch.device("cpu"))
        assert torch.equal(method.embed_classes(classes), expected)
        assert torch.equal(method.train_text, expected[[0, 2]])
        assert method.module(torch.randn(2, 6), torch.randn(2, 7)).shape == (2, expected.shape[1])
        torch.testing.assert_close(method.similarity.diagonal(), torch.ones(2))


def test_names_are_read_from_all_encoders_where_clip_is_not_among_them() -> None:
    text = {"word2vec": torch.randn(2, 2), "knowledge": torch.randn(2, 5), "clap": torch.randn(2, 4)}
    classes = Classes(("a", "b"), text, torch.tensor([True, True]))
    shape = FeatureDims(6, 7, {name: vectors.shape[1] for name, vectors in text.items()})
    method = KDA(KDAConfig(knowledge="names"), shape, classes, seed=0, device=torch.device("cpu"))
    assert torch.equal(method.train_text, torch.cat([text["word2vec"], text["clap"]], dim=1))


def test_positions_start_from_a_standard_normal() -> None:
    positions = make(FeatureDims(512, 512, KNOWLEDGE)).module.positions
    assert positions.shape == (2, 512)
    assert positions.std().item() == pytest.approx(1, abs=0.1)
    assert positions.mean().item() == pytest.approx(0, abs=0.15)


def test_missing_descriptions_are_refused() -> None:
    shape = FeatureDims(6, 5, {"word2vec": 300})
    with pytest.raises(
        ConfigError, match=r"'knowledge'.*avbench data add-text DATASET FILE.*--set knowledge=names"
    ):
        KDA.check(KDAConfig(), shape)
    KDA.check(KDAConfig(knowledge="names"), shape)
    KDA.check(KDAConfig(), FeatureDims(6, 5, {"word2vec": 300} | KNOWLEDGE))


def test_official_preset_changes_losses_scores_and_bias() -> None:
    trial = Trial.of(SPEC)
    short = {"epochs": 1, "batches_per_epoch": 10, "batch_size": 32}

    def stage_one(preset: str | None) -> Selection:
        config = build_config(SPEC, KDAConfig, "ucf", "simulated", short, preset)
        return run_stage1(
            lambda task: KDA(config, trial.shape, task.classes, seed=0, device=trial.device),
            trial.task,
            epochs=1,
            calibration=parse_calibration(config.calibration),
            seed=0,
            report=lambda _: None,
        )

    own, official = stage_one(None), stage_one("official")
    assert set(own.epochs[0].losses) - set(official.epochs[0].losses) == {"classification"}
    assert own.epochs[0].losses["total"] > official.epochs[0].losses["total"] + 0.1
    assert official.bias * 5 == pytest.approx(round(official.bias * 5), abs=1e-9)
    assert abs(own.bias * 5 - round(own.bias * 5)) > 1e-3


# --- losses of the worked example ---


SINGLE = 2.1e-7
"""The example of the losses was worked out in single precision, whose last digits it prints."""


CLASS_VECTORS = doubles([1, 0, 2, -1], [0.5, 1.5, -0.5, 0], [-1, 0.25, 0.75, 1])
EMBEDDED = doubles([0.2, -0.4, 0.6, 0.1], [0.3, 0.8, -0.2, -0.5])
LABEL = torch.tensor([0, 2])
SIMILARITY = class_similarity(CLASS_VECTORS)


class Embeddings(KDA):
    """The worked example, where features are embeddings already."""

    def build(self) -> torch.nn.Module:
        net = super().build()
        net.forward = lambda audio, _: audio
        return net


def example(**settings: Any) -> Embeddings:
    return build(Embeddings, FeatureDims(4, 1, {"knowledge": 4}), CLASS_VECTORS, **settings)


def example_losses(**settings: Any) -> dict[str, float]:
    return values(example(**settings).losses(Batch(EMBEDDED, EMBEDDED[:, :1], LABEL)))


def test_margin_of_the_example() -> None:
    cosines = SIMILARITY[[0, 0, 1], [1, 2, 2]]
    assert cosines.tolist() == pytest.approx([-0.1230915, -0.1259882, -0.1860969], abs=SINGLE)
    logits = EMBEDDED @ CLASS_VECTORS.T
    expected = doubles([1.30, -0.80, 0.25], [0.40, 1.45, -0.75])
    torch.testing.assert_close(logits, expected)
    probabilities = logits.softmax(dim=1)
    for row, printed in zip(
        (*probabilities, *(probabilities + adaptive_margin(SIMILARITY, LABEL, 1.0))),
        (
            [0.6791660, 0.0831682, 0.2376658],
            [0.2395618, 0.6845841, 0.0758541],
            [0.6791658, -0.0399233, 0.1116777],
            [0.1135737, 0.4984873, 0.0758541],
        ),
        strict=True,
    ):
        assert row.tolist() == pytest.approx(printed, abs=SINGLE)


@pytest.mark.parametrize(
    ("settings", "classification"),
    [
        ({}, 0.9954294),
        ({"margin_scale": "fixed"}, 0.9954294),
        ({"margin": "none"}, 1.0880212),
        ({"margin": "constant"}, 0.9037610),
        ({"margin_on": "logit"}, 1.3855720),
        ({"margin_on": "logit", "margin": "none"}, 1.4829168),
    ],
)
def test_losses_of_the_example(settings: dict[str, Any], classification: float) -> None:
    losses = example_losses(**settings)
    assert losses["classification"] == pytest.approx(classification, abs=SINGLE)
    assert losses["alignment"] == pytest.approx(5.696875 / 5, abs=1e-12)
    assert losses["total"] == pytest.approx(losses["classification"] + 5.696875, abs=1e-12)


def test_released_loss_is_the_alignment_alone() -> None:
    losses = example_losses(loss="released")
    assert set(losses) == {"total", "alignment"}
    assert losses["total"] == pytest.approx(5.696875, abs=1e-12)
    assert example_losses(loss="released", alignment_weight=2.0)["total"] == pytest.approx(5.696875 * 0.4)


def test_distances_of_the_example() -> None:
    method = example()
    scores = method.score(Videos(EMBEDDED, EMBEDDED[:, :1]), method.classes)
    expected = [[1.9924859, 2.2181072, 1.6416456], [2.4939928, 0.9327379, 2.2682591]]
    for row, printed in zip(scores.neg().tolist(), expected, strict=True):
        assert row == pytest.approx(printed, abs=SINGLE)


@pytest.mark.parametrize("scale", [1.0, 2.5])
def test_margin_matrix(scale: float) -> None:
    margin = adaptive_margin(SIMILARITY, torch.arange(3), scale)
    torch.testing.assert_close(margin, margin.T)
    torch.testing.assert_close(margin.diagonal(), torch.full((3,), scale - 1, dtype=torch.float64))
    constant = constant_margin(SIMILARITY, LABEL)
    assert constant.tolist() == [[0, -0.3, -0.3], [-0.3, -0.3, 0]]
    assert constant.dtype == torch.float64


def test_an_offset_of_the_margin_has_no_effect() -> None:
    logits, margin = EMBEDDED @ CLASS_VECTORS.T, adaptive_margin(SIMILARITY, LABEL, 1.0)
    for on in ("probability", "logit"):
        without, with_offset = (margin_cross_entropy(logits, LABEL, margin + b, on).item() for b in (0.0, 0.7))
        assert with_offset == pytest.approx(without, abs=1e-12)


def test_floor_of_the_classification() -> None:
    """Where probabilities are one-hot: `ln(1 + sum exp(-a (1 - s)))`, sum over the other classes."""
    sure = 1e4 * F.one_hot(LABEL, 3).double()
    floor = margin_cross_entropy(sure, LABEL, adaptive_margin(SIMILARITY, LABEL, 1.0), "probability").item()
    assert floor == pytest.approx(0.4944789, abs=SINGLE)
    alike = torch.full((60, 60), 0.75, dtype=torch.float64).fill_diagonal_(1.0)
    label = torch.arange(60)
    for scale in (1.0, 2.0):
        margin = adaptive_margin(alike, label, scale)
        floor = margin_cross_entropy(1e4 * torch.eye(60).double(), label, margin, "probability")
        assert floor.item() == pytest.approx((1 + 59 * torch.tensor(-scale / 4).double().exp()).log().item())
        if scale == 1.0:
            assert floor.item() == pytest.approx(3.85, abs=0.005)
