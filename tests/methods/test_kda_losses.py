"""The losses of KDA on its worked example."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from built_methods import build, values
from torch.nn import functional as F

from avgzsl_baselines.families.kda_losses import (
    adaptive_margin,
    class_similarity,
    constant_margin,
    margin_cross_entropy,
)
from avgzsl_baselines.kda import KDA
from avgzsl_bench import Batch, FeatureDims, Videos

SINGLE = 2.1e-7
"""The example of the losses was worked out in single precision, whose last digits it prints."""


CLASS_VECTORS = torch.tensor([[1, 0, 2, -1], [0.5, 1.5, -0.5, 0], [-1, 0.25, 0.75, 1]], dtype=torch.float64)
EMBEDDED = torch.tensor([[0.2, -0.4, 0.6, 0.1], [0.3, 0.8, -0.2, -0.5]], dtype=torch.float64)
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
    expected = torch.tensor([[1.30, -0.80, 0.25], [0.40, 1.45, -0.75]], dtype=torch.float64)
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
