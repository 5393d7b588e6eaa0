"""Ranking losses over all training classes, shared by the bilinear methods.

A compatibility matrix `[B, C]` holds the score of each of `B` videos with each of `C` training classes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch.nn import functional as F

if TYPE_CHECKING:
    from torch import Tensor


def hinge_terms(compatibility: Tensor, label: Tensor, margin: float) -> Tensor:
    """By how much each wrong class comes within `margin` of the true one.

    `h_ic = max(0, margin + L_ic - L_i,y_i)` for `c != y_i`, and `h_i,y_i = 0`.

    Args:
        compatibility: `L`, float `[B, C]`.
        label: `y`, int64 `[B]`, positions in the `C` classes.
        margin: how far the true class should lead.

    Returns:
        `h`, float `[B, C]`, not negative.
    """
    column = label.unsqueeze(1)
    terms = F.relu(compatibility - compatibility.gather(1, column) + margin)
    return terms.scatter(1, column, 0.0)


def devise_loss(compatibility: Tensor, label: Tensor, margin: float) -> Tensor:
    """Sum of the hinge terms of all wrong classes, mean over videos: `(1/B) sum_i sum_c h_ic`.

    Frome et al., NeurIPS 2013, equation 1, with every wrong class in place of sampled ones, as the AVCA
    benchmark's code has it.

    Args:
        compatibility: `L`, float `[B, C]`.
        label: `y`, int64 `[B]`, positions in the `C` classes.
        margin: how far the true class should lead.

    Returns:
        The loss, a scalar.
    """
    return hinge_terms(compatibility, label, margin).sum(dim=1).mean()
