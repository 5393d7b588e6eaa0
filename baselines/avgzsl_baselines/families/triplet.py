"""The triplet loss of CJME, AVGZSLNet and AVCA: Euclidean distances, one negative for each positive.

As in the AVCA benchmark (Mercea et al., CVPR 2022), whose program uses PyTorch's `TripletMarginLoss`: distances
are not squared, and a small constant is added to each coordinate of a difference before its norm is taken.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

EPSILON = 1e-6
"""What is added to every coordinate of a difference; it makes `distance` slightly asymmetric."""


def distance(x: Tensor, y: Tensor) -> Tensor:
    """Compute `d(x, y) = ||x - y + 1e-6||_2`, `[...]`, along the last axis of x, `[..., d]`, and y, broadcast."""
    return length(x - y)


def length(difference: Tensor) -> Tensor:
    """Compute `||difference + 1e-6||_2`, `[...]`, along the last axis of `[..., d]`."""
    norm: Tensor = torch.linalg.vector_norm(difference + EPSILON, dim=-1)
    return norm


def hinge(near: Tensor, far: Tensor, margin: float) -> Tensor:
    """Compute `max(0, near - far + margin)` by element: how far `far` is from leading `near` by the margin."""
    return F.relu(near - far + margin)


def triplet_terms(anchor: Tensor, positive: Tensor, negative: Tensor, margin: float = 1.0) -> Tensor:
    """Compute `max(0, d(anchor, positive) - d(anchor, negative) + margin)`, `[B]`, of three `[B, d]`."""
    return hinge(distance(anchor, positive), distance(anchor, negative), margin)


def triplet_loss(anchor: Tensor, positive: Tensor, negative: Tensor, margin: float = 1.0) -> Tensor:
    """Compute `tri`: the mean of `triplet_terms` over the batch, a scalar."""
    return triplet_terms(anchor, positive, negative, margin).mean()
