"""The detector of AV-OOD-GZSL, which tells seen from unseen by entropy, and what it decides.

See `avgzsl_baselines.avood` for the paper. `H` is the entropy of a softmax over the seen classes, in nats.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F


def entropy(logits: Tensor) -> Tensor:
    """Compute `H = -sum_c p_c ln p_c`, `[B]`, of the softmax p of logits `[B, C]`."""
    log_p = logits.log_softmax(dim=1)
    return -(log_p.exp() * log_p).sum(dim=1)


def detector_loss(real: Tensor, label: Tensor, synthetic: Tensor) -> Tensor:
    """Compute mean H(real) + CE(real, y) - mean H(synthetic), a scalar.

    Args:
        real: logits of videos of seen classes, `[B, C]`.
        label: their classes y, int64 `[B]`.
        synthetic: logits of features made for unseen classes, `[S, C]`.
    """
    return entropy(real).mean() + F.cross_entropy(real, label) - entropy(synthetic).mean()


def entropy_threshold(total: Tensor, shown: int, videos: int, rule: Literal["half", "mean"]) -> Tensor:
    """Compute the entropy tau below which a video is taken for one of a seen class, a scalar.

    Args:
        total: sum of the entropies of the real rows of a pass, a scalar.
        shown: number of these rows.
        videos: training videos, N.
        rule: `half` divides by N, `mean` by the rows shown, which are about half as many.
    """
    return total / (videos if rule == "half" else shown)


def expert_scores(threshold: Tensor, entropies: Tensor, log_p: Tensor, distances: Tensor) -> Tensor:
    """Put the detector's and both experts' decisions into one matrix, `[N, S + U]`, seen classes first.

        F[i, c seen]   = tau - H(x_i) + log p_c(x_i) - max_c' log p_c'(x_i)
        F[i, c unseen] = min_c' d(i, c') - d(i, c)

    So the best seen class scores `tau - H`, the best unseen one 0.

    Args:
        threshold: tau, a scalar.
        entropies: H of the detector, `[N]`.
        log_p: of the seen classes, from the seen expert, `[N, S]`; S may be 0.
        distances: of the unseen classes, from the unseen expert, `[N, U]`; U may be 0.
    """
    parts = []
    if log_p.shape[1]:
        behind = log_p - log_p.amax(dim=1, keepdim=True)
        parts.append((threshold - entropies).unsqueeze(1) + behind)
    if distances.shape[1]:
        parts.append(distances.amin(dim=1, keepdim=True) - distances)
    return torch.cat(parts, dim=1)
