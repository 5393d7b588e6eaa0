"""The two losses MFT adds: a KL divergence of distributions and a cosine similarity within a class.

Yang et al., "An Audio-visual Generalized Zero-Shot Learning Method Based on Multimodal Fusion Transformer",
JEIT 47(7), 2025, names both; its formulas were not available. The defaults are those of a public program by
the same authors for a sister method (LSC-AVZSL); the alternatives are other readings of the abstract.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

KLMode = Literal["embedding", "class_smooth", "class_semantic"]
KLDirection = Literal["forward", "reverse"]
CosMode = Literal["text", "pairwise", "both"]

_SMALLEST_NORM = 1e-8


def kl_loss(log_target: Tensor, log_prediction: Tensor, direction: KLDirection) -> Tensor:
    """Compute KL(q || p), or KL(p || q) for `reverse`: summed over a row, averaged over rows.

    The target is ln q and the prediction ln p, both `[B, M]` and finite.
    """
    if direction == "reverse":
        log_target, log_prediction = log_prediction, log_target
    # To the last bit `F.kl_div(..., reduction="batchmean", log_target=True)`, which `vmap` does seed by seed.
    return (log_target.exp() * (log_target - log_prediction)).sum() / len(log_target)


def smoothed_one_hot(classes: int, eps: float, like: Tensor) -> Tensor:
    """Compute ln((1 - eps) onehot(c) + eps / K) of each class c, `[K, K]`; ln 0 is the smallest finite number."""
    target = torch.eye(classes, dtype=like.dtype, device=like.device) * (1 - eps) + eps / classes
    return target.log().clamp(min=torch.finfo(target.dtype).min)


def semantic_neighbours(text: Tensor, tau: float) -> Tensor:
    """Compute ln of softmax_j(cos(w_c, w_j) / tau) for each class c, `[K, K]`, from raw class texts `[K, Dw]`."""
    direction = F.normalize(text, dim=1, eps=_SMALLEST_NORM)
    return F.log_softmax(direction @ direction.T / tau, dim=1)


def text_cosine_loss(video: Tensor, text: Tensor) -> Tensor:
    """Compute the mean of 1 - cos(theta_o,i, theta_w,i), of `[B, d]` each; a zero row counts 1."""
    return 1 - F.cosine_similarity(video, text, dim=1, eps=_SMALLEST_NORM).mean()


def pairwise_cosine_loss(video: Tensor, label: Tensor) -> Tensor:
    """Compute the mean of 1 - cos(theta_o,i, theta_o,j) over the pairs i < j of one class; 0 if there are none.

    theta_o is `[B, d]`, and the labels int64 `[B]`.
    """
    direction = F.normalize(video, dim=1, eps=_SMALLEST_NORM)
    same = (label.unsqueeze(0) == label.unsqueeze(1)).triu(diagonal=1).to(video.dtype)
    return ((1 - direction @ direction.T) * same).sum() / same.sum().clamp(min=1)
