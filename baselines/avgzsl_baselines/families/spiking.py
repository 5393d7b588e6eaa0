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


def fired(charged: Tensor, threshold: Tensor | float) -> Tensor:
    """Return 1 where `charged >= threshold`, else 0, at once in the type of both: truth values cost more."""
    return torch.ge(charged, torch.as_tensor(threshold), out=torch.empty_like(charged))


def reset(charged: Tensor, spikes: Tensor) -> Tensor:
    """Compute the potential after spikes, `v <- u (1 - s)`."""
    return torch.addcmul(charged, charged, spikes, value=-1)


def spike_gradient(of_spikes: Tensor, excess: Tensor, alpha: float = 4.0) -> Tensor:
    """Compute the gradient of the excess: `ds/dx = alpha sigma(alpha x) (1 - sigma(alpha x))` times the spikes'.

    Args:
        of_spikes: gradient of the spikes.
        excess: membrane potential minus threshold, float of any shape.
        alpha: steepness of the surrogate gradient, whose peak is `alpha / 4`.
    """
    slope: Tensor = torch.ops.aten.sigmoid_backward(of_spikes * alpha, torch.sigmoid(excess * alpha))
    return slope


def fire_gradient(
    of_spikes: Tensor, of_potential: Tensor, charged: Tensor, spikes: Tensor, threshold: Tensor | float
) -> Tensor:
    """Compute the gradient of u from those of s and of the potential after it; the reset passes gradients."""
    of_spikes = torch.addcmul(of_spikes, of_potential, charged, value=-1)
    return spike_gradient(of_spikes, charged - threshold).add_(reset(of_potential, spikes))


class _IntegrateAndFire(torch.autograd.Function):
    """Spikes `[T, ...]`, the last potential, and u of each step, or of the last where nothing is learnt."""

    @staticmethod
    def forward(
        currents: Tensor, potential: Tensor, steps: int, threshold: float, learnt: bool
    ) -> tuple[Tensor, Tensor, Tensor]:
        spikes = currents.new_empty((steps, *potential.shape))
        charged = currents.new_empty((steps if learnt else 1, *potential.shape))
        limit = torch.as_tensor(threshold)
        for t in range(steps):
            after = torch.add(potential, currents[t % len(currents)], out=charged[t % len(charged)])
            potential = reset(after, torch.ge(after, limit, out=spikes[t]))
        return spikes, potential, charged

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
        ctx.shape, ctx.threshold = inputs[0].shape, inputs[3]
        spikes, _, charged = output
        ctx.mark_non_differentiable(charged)
        ctx.save_for_backward(spikes, charged)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        spikes, charged = ctx.saved_tensors
        of_spikes, of_potential, _ = gradients
        of_currents = spikes.new_zeros(ctx.shape)
        for t in reversed(range(len(spikes))):
            of_potential = fire_gradient(of_spikes[t], of_potential, charged[t], spikes[t], ctx.threshold)
            of_currents[t % len(of_currents)] += of_potential
        return of_currents, of_potential, None, None, None

    @staticmethod
    def vmap(
        info: Any,
        in_dims: tuple[int | None, ...],
        currents: Tensor,
        potential: Tensor,
        steps: int,
        threshold: float,
        learnt: bool,
    ) -> tuple[tuple[Tensor, ...], tuple[int, int, int]]:
        """Put what is stacked behind time: neurons have nothing in common."""

        def stacked(tensor: Tensor, axis: int | None, to: int) -> Tensor:
            return tensor.unsqueeze(to) if axis is None else tensor.movedim(axis, to)

        start = stacked(potential, in_dims[1], 0)
        start = start.expand(info.batch_size, *start.shape[1:])
        found = _IntegrateAndFire.apply(stacked(currents, in_dims[0], 1), start, steps, threshold, learnt)  # type: ignore[no-untyped-call]
        return found, (1, 0, 1)


def integrate_and_fire(
    currents: Tensor, potential: Tensor | None, steps: int, threshold: float = 1.0
) -> tuple[Tensor, Tensor]:
    """Run neurons without leak over time: `v <- v + x`, `s = [v >= threshold]`, `v <- (1 - s) v`.

    Gradients flow through the reset; that of the spike is `spike_gradient`.

    Args:
        currents: x of each step, `[T, ...]`, or of all, `[1, ...]`.
        potential: v before the first step, `[...]`; None: 0.
        steps: T.
        threshold: potential at which a neuron fires.

    Returns:
        Spikes `[T, ...]`, and v after the last step.
    """
    start = torch.zeros_like(currents[0]) if potential is None else potential
    found = _IntegrateAndFire.apply(currents, start, steps, threshold, torch.is_grad_enabled())  # type: ignore[no-untyped-call]
    return found[0], found[1]
