"""Distances of videos and classes against differences in double precision."""

from __future__ import annotations

import pytest
import torch

from avgzsl_bench.distances import euclidean_distances


def by_differences(videos: torch.Tensor, classes: torch.Tensor) -> torch.Tensor:
    return (videos.double().unsqueeze(1) - classes.double()).square().sum(2).sqrt()


@pytest.mark.parametrize("videos", [0, 1, 7, 300])
def test_distances_are_those_of_differences(videos: int) -> None:
    random = torch.Generator().manual_seed(0)
    x = torch.randn(videos, 30, generator=random)
    y = torch.randn(5, 30, generator=random)
    found = euclidean_distances(x, y)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found.double(), by_differences(x, y), rtol=2e-6, atol=0)


@pytest.mark.parametrize("offset", [0, 10, 1000])
def test_what_all_vectors_have_in_common_costs_no_digits(offset: float) -> None:
    random = torch.Generator().manual_seed(0)
    y = torch.randn(50, 64, generator=random) + offset
    x = y.repeat(10, 1) + torch.randn(500, 64, generator=random)
    torch.testing.assert_close(euclidean_distances(x, y).double(), by_differences(x, y), rtol=2e-6, atol=0)


@pytest.mark.parametrize("near", [0.0, 1e-3, 0.1])
def test_a_video_on_top_of_a_class_is_nearest_to_it(near: float) -> None:
    random = torch.Generator().manual_seed(1)
    y = torch.randn(50, 64, generator=random)
    x = y + near * torch.randn(50, 64, generator=random)
    found, wanted = euclidean_distances(x, y), by_differences(x, y)
    assert bool(found.isfinite().all())
    assert found.argmin(dim=1).tolist() == list(range(50))
    spread = float((y - y.mean(dim=0)).norm(dim=1).max())
    torch.testing.assert_close(found.double(), wanted, rtol=0, atol=1e-3 * spread)


def test_double_precision_stays_double() -> None:
    x = torch.randn(3, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    assert euclidean_distances(x, x).dtype == torch.float64
