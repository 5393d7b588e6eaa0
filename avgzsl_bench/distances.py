"""Euclidean distances between every video and every class, as fast as a matrix product."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor


def euclidean_distances(videos: Tensor, classes: Tensor) -> Tensor:
    """`|x - y|` of every video `x` with every class `y`, as `sqrt(|x|^2 - 2 x.y + |y|^2)`.

    The sum loses digits where a distance is short beside its two vectors, so both are taken from the middle of
    the classes. What is left is rounding of the classes' own spread: squared distances are off by some 1e-7 of
    its square, hence the distance of a video on top of a class by up to 1e-3 of the spread, others by about 1e-6;
    which class is nearest does not change.

    Args:
        videos: float `[N, d]`.
        classes: float `[K, d]`.

    Returns:
        `[N, K]`, in the precision of `videos`.
    """
    middle = classes.mean(dim=0)
    x, y = videos - middle, classes - middle
    squares: Tensor = torch.linalg.vecdot(x, x).unsqueeze(1) + torch.linalg.vecdot(y, y)
    return squares.addmm_(x, y.T, alpha=-2).clamp_(min=0).sqrt_()
