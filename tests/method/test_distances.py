"""Distances of videos and classes against differences in double precision."""

from __future__ import annotations

import pytest
import torch

from avgzsl_bench.method.distances import AT_A_TIME, euclidean_distances


def by_differences(videos: torch.Tensor, classes: torch.Tensor) -> torch.Tensor:
    return (videos.double().unsqueeze(1) - classes.double()).square().sum(2).sqrt()


ROWS = AT_A_TIME // 30


@pytest.mark.parametrize("videos", [0, 1, 7, ROWS, ROWS + 1])
def test_distances_are_those_of_differences(videos: int) -> None:
    random = torch.Generator().manual_seed(0)
    x = torch.randn(videos, 30, generator=random)
    y = torch.randn(5, 30, generator=random)
    found = euclidean_distances(x, y)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found.double(), by_differences(x, y), rtol=2e-7, atol=0)


def test_short_distances_between_long_vectors_keep_their_digits() -> None:
    random = torch.Generator().manual_seed(0)
    y = 100 * torch.randn(4, 64, generator=random)
    x = y[[0, 1, 2, 3, 0]] + 0.01 * torch.randn(5, 64, generator=random)
    found, wanted = euclidean_distances(x, y).double(), by_differences(x, y)
    assert wanted.min() < 0.2
    torch.testing.assert_close(found, wanted, rtol=1e-5, atol=0)


def test_a_video_at_a_class_has_distance_zero_and_a_finite_score() -> None:
    y = torch.randn(3, 8, generator=torch.Generator().manual_seed(1))
    found = euclidean_distances(y, y)
    assert bool(found.isfinite().all())
    assert float(found.diagonal().max()) < 1e-6


@pytest.mark.parametrize("outlier", [1e4, 1e6])
def test_a_class_far_off_costs_the_others_nothing(outlier: float) -> None:
    random = torch.Generator().manual_seed(3)
    y = torch.randn(60, 64, generator=random)
    x = y + torch.randn(60, 64, generator=random)
    y[-1] += outlier
    torch.testing.assert_close(euclidean_distances(x, y).double(), by_differences(x, y), rtol=2e-7, atol=0)


def test_classes_close_together_are_told_apart() -> None:
    random = torch.Generator().manual_seed(4)
    y = torch.nn.functional.normalize(torch.randn(20, 64, generator=random), dim=1).repeat(2, 1)
    y[20:] += 3e-5 * torch.randn(20, 64, generator=random)
    x = y + 1e-6 * torch.randn(40, 64, generator=random)
    assert euclidean_distances(x, y).argmin(dim=1).tolist() == list(range(40))


def test_a_mixture_of_precisions_gives_that_of_the_videos() -> None:
    x = torch.randn(3, 8, generator=torch.Generator().manual_seed(2))
    assert euclidean_distances(x, x.double()).dtype == torch.float32
    assert euclidean_distances(x.double(), x).dtype == torch.float64


def test_double_precision_stays_double() -> None:
    x = torch.randn(3, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    assert euclidean_distances(x, x).dtype == torch.float64
