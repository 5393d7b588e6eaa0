"""The triplet loss against PyTorch's and by hand."""

from __future__ import annotations

import pytest
import torch
from reference_values import doubles
from torch.nn import functional as F

from avgzsl_baselines.families.triplet import distance, triplet_loss, triplet_terms


def test_by_hand() -> None:
    loss = triplet_loss(doubles([0, 0]), doubles([3, 4]), doubles([0, 1]))
    assert loss.item() == pytest.approx(4.9999996, abs=5e-8)
    assert loss.item() != 5


def test_equal_vectors_cost_the_margin() -> None:
    x = torch.randn(5, 3, dtype=torch.float64)
    assert triplet_terms(x, x, x).tolist() == [1.0] * 5
    assert triplet_loss(x, x, x, margin=0.25) == 0.25


def test_as_in_pytorch() -> None:
    generator = torch.Generator().manual_seed(0)
    anchor, positive, negative = torch.randn(3, 64, 5, generator=generator, dtype=torch.float64)
    for margin in (0.3, 1.0):
        expected = F.triplet_margin_loss(anchor, positive, negative, margin=margin, reduction="none")
        torch.testing.assert_close(triplet_terms(anchor, positive, negative, margin), expected)
        torch.testing.assert_close(triplet_loss(anchor, positive, negative, margin), expected.mean())


def test_distances_broadcast() -> None:
    x, y = torch.randn(4, 3), torch.randn(2, 4, 3)
    both = distance(x, y)
    assert both.shape == (2, 4)
    torch.testing.assert_close(both[1], distance(x, y[1]))


def test_gradient_is_finite_where_all_coincide() -> None:
    x = torch.zeros(2, 3, requires_grad=True)
    triplet_loss(x, x.detach() - 1e-6, x.detach()).backward()
    assert torch.isfinite(x.grad).all()
