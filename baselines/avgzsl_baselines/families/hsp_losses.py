"""The losses that keep the geometry of raw features, of HSP-MoE.

After the authors' program (`XPX-LQL/HSP-MoE-AVGZSL`). `z` `[B, d]` are directions of videos, `z_c` `[K, d]` of
classes, `x` `[B, D]` and `w` `[K, D]` raw features and texts; all rows have unit norm, so that products are
cosines.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

_LARGEST_SQUARE = 4.0
"""Largest squared distance on the unit sphere."""


def dp_loss(z: Tensor, z_c: Tensor, x: Tensor, w: Tensor, temperature: float) -> Tensor:
    """Compute `T^2 mean_i KL(q_i || p_i)`: p, q are softmaxes over classes of learnt and raw cosines over T."""
    learnt = F.log_softmax(z @ z_c.T / temperature, dim=1)
    raw = F.log_softmax(x @ w.T / temperature, dim=1)
    return temperature**2 * F.kl_div(learnt, raw, log_target=True, reduction="batchmean")


def rp_loss(z: Tensor, x: Tensor) -> Tensor:
    """Compute the mean over ordered pairs `i != j` of `(cos(z_i, z_j) - cos(x_i, x_j))^2`."""
    square = (z @ z.T - x @ x.T).square()
    pairs = len(z) * (len(z) - 1)
    return (square.sum() - square.diagonal().sum()) / pairs


def hup_loss(z: Tensor, label: Tensor, scale: float) -> Tensor:
    """Compute `max(0, log mean exp(-s D) + 4 s)` over pairs of different classes; 0 without such a pair.

    D is the squared distance; the last term, the largest that `s D` can be, has no gradient.
    """
    distance = (2 - 2 * z @ z.T).clamp(min=0)
    apart = label.unsqueeze(1) != label
    pairs = apart.sum()
    mean = torch.where(apart, torch.exp(-scale * distance), 0).sum() / pairs.clamp(min=1)
    loss = F.relu(torch.where(pairs > 0, mean, 1).log() + _LARGEST_SQUARE * scale)
    return loss * (pairs > 0)
