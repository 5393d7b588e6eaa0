"""The spike of an integrate-and-fire neuron: a step forwards, the slope of a sigmoid backwards.

AVMST and STFT build their spiking branches on it. A neuron fires when its membrane potential reaches the
threshold; equality counts. The step has no useful derivative, so training takes that of a steep sigmoid in its
place (surrogate gradient), here as in the program of AVMST (Li, Ma, Deng, Man, Fan, ICME 2023), which has it from
SpikingJelly (Fang et al., Science Advances 2023).
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


class _Spike(torch.autograd.Function):
    """The step, with the slope of `sigmoid(alpha x)` for its derivative."""

    generate_vmap_rule = True

    @staticmethod
    def forward(excess: Tensor, alpha: float) -> Tensor:
        return (excess >= 0).to(excess.dtype)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, float], output: Tensor) -> None:
        excess, ctx.alpha = inputs
        ctx.save_for_backward(excess)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        (excess,) = ctx.saved_tensors
        return spike_gradient(gradients[0], excess, ctx.alpha), None


def spike_gradient(of_spikes: Tensor, excess: Tensor, alpha: float = 4.0) -> Tensor:
    """Compute the gradient of the excess from that of the spikes; arguments as in `spike`."""
    slope: Tensor = torch.ops.aten.sigmoid_backward(of_spikes * alpha, torch.sigmoid(excess * alpha))
    return slope


def spike(excess: Tensor, alpha: float = 4.0) -> Tensor:
    """`s = 1` where `excess >= 0`, else 0, with `ds/dx = alpha sigma(alpha x) (1 - sigma(alpha x))`.

    Args:
        excess: membrane potential minus threshold, float of any shape.
        alpha: steepness of the surrogate gradient, whose peak is `alpha / 4`.

    Returns:
        Spikes, 0 or 1, of the shape and type of `excess`.
    """
    spikes: Tensor = _Spike.apply(excess, alpha)  # type: ignore[no-untyped-call]
    return spikes
