"""Ranking losses over all training classes, shared by the bilinear methods.

A compatibility matrix `L`, float `[B, C]`, holds the score of each of `B` videos with each of `C` training
classes; labels `y`, int64 `[B]`, are positions in those classes. The margin is how far the true class should lead.
Each loss is a scalar.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def hinge_terms(compatibility: Tensor, label: Tensor, margin: float) -> Tensor:
    """Compute by how much each wrong class comes within `margin` of the true one: float `[B, C]`, not negative.

    `h_ic = max(0, margin + L_ic - L_i,y_i)` for `c != y_i`, and `h_i,y_i = 0`.
    """
    column = label.unsqueeze(1)
    terms = F.relu(compatibility - compatibility.gather(1, column) + margin)
    return terms.scatter(1, column, 0.0)


def devise_loss(compatibility: Tensor, label: Tensor, margin: float) -> Tensor:
    """Sum the hinge terms of all wrong classes, mean over videos: `(1/B) sum_i sum_c h_ic`.

    Frome et al., NeurIPS 2013, equation 1, with every wrong class in place of sampled ones, as the AVCA
    benchmark's code has it.
    """
    return hinge_terms(compatibility, label, margin).sum(dim=1).mean()


def ale_loss(compatibility: Tensor, label: Tensor, margin: float) -> Tensor:
    """Sum the hinge terms, weighted less the more of them there are, mean over videos.

    `(1/B) sum_i H(r_i) / (r_i + 1e-8) sum_c h_ic` with `r_i` the number of classes that violate the margin and
    `H(r) = 1 + 1/2 + ... + 1/r`. Akata et al., TPAMI 2016, weighted approximate ranking; the rank is counted
    over all classes, as the AVCA benchmark's code has it. The weight is a constant to the gradient.
    """
    terms = hinge_terms(compatibility, label, margin)
    count = torch.arange(terms.shape[1], dtype=terms.dtype, device=terms.device)
    harmonic = F.pad(count[1:].reciprocal().cumsum(dim=0), (1, 0))
    weight = (harmonic / (count + 1e-8))[(terms > 0).sum(dim=1)]
    return (weight * terms.sum(dim=1)).mean()


def sje_loss(compatibility: Tensor, label: Tensor, margin: float) -> Tensor:
    """Take the largest hinge term, mean over videos: `(1/B) sum_i max_c h_ic`.

    Akata et al., CVPR 2015, the structured hinge with a constant margin for every wrong class, as the AVCA
    benchmark's code has it. Of equal terms only one gets the gradient.
    """
    return hinge_terms(compatibility, label, margin).max(dim=1).values.mean()
