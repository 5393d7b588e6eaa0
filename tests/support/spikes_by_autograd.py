"""The spike as PyTorch's own differentiation takes it: a step forwards, the slope of a sigmoid backwards."""

from __future__ import annotations

import torch
from torch import Tensor


def spike(excess: Tensor) -> Tensor:
    """`s = 1` where `excess >= 0`, else 0, with the slope of `sigmoid(4 excess)`."""
    smooth = torch.sigmoid(4 * excess)
    return (excess >= 0).to(excess.dtype) + (smooth - smooth.detach())
