"""Euclidean distances between every video and every class: exact, and as fast as a matrix product."""

from __future__ import annotations

import torch
from torch import Tensor

AT_A_TIME = 2**17
"""Numbers in double precision at a time, 1 MiB: few enough for a processor's cache."""


def euclidean_distances(videos: Tensor, classes: Tensor) -> Tensor:
    """Compute `|x - y|` of every video `x` with every class `y`, as `sqrt(|x|^2 + |y|^2 - 2 x.y)`.

    The sum is taken in double precision: in single it loses the digits of a distance that is short beside its
    vectors, which is why programs fall back on differences, many times slower and less exact than this. Devices
    without double precision take differences.

    Args:
        videos: float `[N, d]`.
        classes: float `[K, d]`.

    Returns:
        `[N, K]`, in the precision of `videos`.
    """
    if videos.device.type == "mps":
        return torch.cdist(videos, classes, compute_mode="donot_use_mm_for_euclid_dist")
    y = classes.double()
    rows = max(AT_A_TIME // max(y.shape), 1)
    square = torch.linalg.vecdot(y, y)
    distances = videos.new_empty(len(videos), len(classes))
    for into, part in zip(torch.split(distances, rows), torch.split(videos, rows), strict=True):
        x = part.double()
        squares = torch.linalg.vecdot(x, x).unsqueeze(1) + square
        into.copy_(squares.addmm_(x, y.T, alpha=-2))
    return distances.clamp_(min=0).sqrt_()
