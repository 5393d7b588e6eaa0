"""The spiking blocks of STFT over time, with a backward pass of their own.

After Li, Wang, Xiong, Fan: "Spiking Tucker Fusion Transformer for Audio-Visual Zero-Shot Learning", IEEE
Transactions on Image Processing 33, 2024, arXiv 2407.08130 (its Eq. 5, 7 and 9), as reconstructed in
`avgzsl_baselines.stft`. A threshold depends on the spikes of the step before, so steps run one after another; its
value is a constant to the gradient. So gradients of a block need nothing of a later one but those of its spikes:
they are computed block by block, and the products of all steps as one. `P` are branches side by side, `N` videos,
`T` time steps, `H` the width of the first block and `D` that of the other two.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from avgzsl_baselines.families.spiking import fire_gradient, fired, reset

_CERTAIN = 1e-6
"""How near to 0 and 1 a firing rate comes in an entropy."""

_EPSILON = 1e-5
"""Added to the variance in LayerNorm."""


class BlockParameters(NamedTuple):
    """Parameters of the second or third block.

    Attributes:
        weight: `[P, D, inputs]`.
        bias: `[P, 1, D]`.
        scale: of LayerNorm, `[P, 1, D]`.
        shift: likewise.
        beta: share of the maximum in pooling, `[P, 1, 1]`.
    """

    weight: Tensor
    bias: Tensor
    scale: Tensor
    shift: Tensor
    beta: Tensor


class Neurons(NamedTuple):
    """What all neurons have in common.

    Attributes:
        threshold: V_th of the first step.
        decay: 1 / tau.
        steps: T.
    """

    threshold: float
    decay: float
    steps: int


class Block(NamedTuple):
    """What the second or third block did at a time step.

    Attributes:
        standard: the linear map's output with mean 0 and variance 1, `[P, N, D]`.
        inverse: what it was multiplied by to have it, `[P, N, 1]`.
        gate: sigmoid(P), `[P, N, 1]`.
        charged: u, `[P, N, D]`.
        spikes: s.
    """

    standard: Tensor
    inverse: Tensor
    gate: Tensor
    charged: Tensor
    spikes: Tensor


class Step(NamedTuple):
    """What the blocks did at a time step.

    Attributes:
        threshold: V_th of this step, `[P, N, 1]`.
        charged: u of the first block, `[P, N, H]`.
        spikes: s of the first block.
        second, third: the other blocks.
    """

    threshold: Tensor
    charged: Tensor
    spikes: Tensor
    second: Block
    third: Block


def fire(potential: Tensor, current: Tensor, threshold: Tensor | float, decay: float) -> tuple[Tensor, Tensor]:
    """Run one step of leaky integrate-and-fire neurons (Eq. 5).

        u = v + (I - v) / tau,  s = 1 where u >= V_th, else 0

    V_th is broadcast against v and I, and the decay is 1 / tau. Returns u and s; `reset` gives the next v.
    """
    charged = torch.lerp(potential, current, decay)
    return charged, fired(charged, threshold)


def pool(current: Tensor, beta: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Compute maximum, mean and P of currents `[..., D]`, `[..., 1]` each (Eq. 7).

    P = (max_d I + mean_d I) / 2 + beta max_d I + (1 - beta) mean_d I
    """
    maximum, mean = current.amax(dim=-1, keepdim=True), current.mean(dim=-1, keepdim=True)
    return maximum, mean, (0.5 + beta) * maximum + (1.5 - beta) * mean


@torch.no_grad()
def next_threshold(threshold: Tensor, spikes: Tensor, gate: Tensor) -> Tensor:
    """Compute the dynamic threshold (Eq. 9): half its last value, half what activity and input call for.

        q = mean_d O,  H = -q log2 q - (1 - q) log2(1 - q)
        V_th <- V_th / 2 + clamp(sigmoid(P) / 2 + H, 0.25, 2) / 2

    Args:
        threshold: V_th, `[..., 1]`.
        spikes: O of a branch's last block, `[..., D]`.
        gate: sigmoid(P) of the same block, `[..., 1]`.

    Returns:
        `[..., 1]`; a constant to the gradient.
    """
    rate = spikes.mean(dim=-1, keepdim=True).clamp(_CERTAIN, 1 - _CERTAIN)
    entropy = -(torch.xlogy(rate, rate) + torch.xlogy(1 - rate, 1 - rate)) / math.log(2)
    return (threshold + (gate / 2 + entropy).clamp(0.25, 2)) / 2


@torch.no_grad()
def run(currents: Tensor, blocks: Sequence[BlockParameters], neurons: Neurons) -> Iterator[Step]:
    """Run the steps, from rest, without gradients.

    Args:
        currents: of the first block, `[P, T, N, H]`, or `[P, 1, N, H]` where they are always the same.
        blocks: the second and the third.
        neurons: threshold, decay and number of steps.
    """
    every = torch.unbind(currents, dim=1)
    rest = every[0]
    threshold = rest.new_full((*rest.shape[:2], 1), neurons.threshold)
    potential = torch.zeros_like(rest)
    potentials = [rest.new_zeros((*rest.shape[:2], block.weight.shape[1])) for block in blocks]
    for current in every * (neurons.steps // len(every)):
        charged, spikes = fire(potential, current, threshold, neurons.decay)
        potential = reset(charged, spikes)
        done: list[Block] = []
        for i, parameters in enumerate(blocks):
            block = _run_block(parameters, done[-1].spikes if done else spikes, potentials[i], threshold, neurons)
            potentials[i] = reset(block.charged, block.spikes)
            done.append(block)
        yield Step(threshold, charged, spikes, *done)
        threshold = next_threshold(threshold, done[-1].spikes, done[-1].gate)


def _run_block(
    parameters: BlockParameters, inputs: Tensor, potential: Tensor, threshold: Tensor, neurons: Neurons
) -> Block:
    mapped = torch.baddbmm(parameters.bias, inputs, parameters.weight.transpose(1, 2))
    standard, _, inverse = torch.native_layer_norm(mapped, mapped.shape[-1:], None, None, _EPSILON)
    normed = torch.addcmul(parameters.shift, standard, parameters.scale)
    gate = torch.sigmoid(pool(normed, parameters.beta)[2])
    charged, spikes = fire(potential, normed.mul_(1 + gate), threshold, neurons.decay)
    return Block(standard, inverse, gate, charged, spikes)


def _neurons_gradient(
    of_spikes: Tensor, charged: Sequence[Tensor], spikes: Tensor, thresholds: Sequence[Tensor], decay: float
) -> Iterator[tuple[int, Tensor]]:
    """Yield each step and the gradient of its current, `[P, N, D]`, from the last to the first.

    Gradients of spikes, and spikes, are `[P, T, N, D]`.
    """
    of_potential = torch.zeros_like(charged[0])
    for t in reversed(range(len(charged))):
        of_charged = fire_gradient(of_spikes[:, t], of_potential, charged[t], spikes[:, t], thresholds[t])
        of_potential = of_charged * (1 - decay)
        yield t, of_charged.mul_(decay)


def _current_gradient(
    own: BlockParameters, of_current: Tensor, standard: Tensor, inverse: Tensor, gate: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Compute the gradients of what was mapped, `[P, N, D]`, and of scale, shift and beta, from the current's."""
    normed = torch.addcmul(own.shift, standard, own.scale)
    maximum, mean, _ = pool(normed, own.beta)
    of_pooled = (of_current * normed).sum(dim=-1, keepdim=True) * (gate * (1 - gate))
    largest = torch.eq(normed, maximum, out=normed)
    of_largest = of_pooled * (0.5 + own.beta) / largest.sum(dim=-1, keepdim=True)
    of_normed = of_current.mul_(1 + gate).add_(largest.mul_(of_largest))
    of_normed += of_pooled * ((1.5 - own.beta) / normed.shape[-1])
    of_scale, of_shift, of_beta = (
        each.sum(dim=1, keepdim=True) for each in (of_normed * standard, of_normed, of_pooled * (maximum - mean))
    )
    of_standard: Tensor = torch.ops.aten.native_layer_norm_backward(
        of_normed.mul_(own.scale),
        standard,  # its own LayerNorm: mean 0, variance 1
        standard.shape[-1:],
        torch.zeros_like(inverse),
        torch.ones_like(inverse),
        None,
        None,
        [True, False, False],
    )[0]
    return of_standard.mul_(inverse), of_scale, of_shift, of_beta


def _block_gradient(
    own: BlockParameters,
    currents: Iterator[tuple[int, Tensor]],
    inputs: Tensor,
    normed: Sequence[tuple[Tensor, Tensor, Tensor]],
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Compute the gradients of a block's inputs, `[P, T, N, inputs]`, and of its parameters.

    Products of all steps are one.
    """
    of_mapped = inputs.new_empty((*inputs.shape[:3], own.weight.shape[1]))
    sums: list[Tensor] = [torch.zeros_like(own.scale), torch.zeros_like(own.shift), torch.zeros_like(own.beta)]
    for t, of_current in currents:
        of_mapped[:, t], *others = _current_gradient(own, of_current, *normed[t])
        for total, each in zip(sums, others, strict=True):
            total += each
    rows = of_mapped.flatten(1, 2)
    of_weight = torch.bmm(rows.transpose(1, 2), inputs.flatten(1, 2))
    return torch.bmm(rows, own.weight).view_as(inputs), (of_weight, rows.sum(dim=1, keepdim=True), *sums)


class _Recurrence(torch.autograd.Function):
    """Spikes of the third block, `[T, P, N, D]`, and behind them all that the backward pass reads."""

    @staticmethod
    def forward(currents: Tensor, neurons: Neurons, *parameters: Tensor) -> tuple[Tensor, ...]:
        spikes, saved = [], []
        for step in run(currents, _blocks(parameters), neurons):
            spikes.append(step.third.spikes)
            saved += [step.threshold, step.charged, *step.second[:-1], *step.third[:-1]]
        return (torch.stack(spikes), *saved)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
        currents, ctx.neurons, *parameters = inputs
        ctx.shape, ctx.count = currents.shape, len(parameters)
        ctx.mark_non_differentiable(*output[1:])
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(*parameters, *output[1:])

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor | None) -> tuple[Tensor | None, ...]:
        of_spikes = gradients[0]
        assert of_spikes is not None
        neurons, saved = ctx.neurons, ctx.saved_tensors
        parameters, recorded = saved[: ctx.count], saved[ctx.count :]
        length = len(recorded) // neurons.steps
        thresholds, charged, *normed = [list(recorded[i::length]) for i in range(length)]
        third, second = normed[4:], normed[:4]
        spikes = [_all_fired(each, thresholds) for each in (charged, second[3], third[3])]
        of_fired = of_spikes.transpose(0, 1)
        of_parameters: tuple[Tensor, ...] = ()
        for own, (*of_norm, potentials), block in zip(
            reversed(_blocks(parameters)), (third, second), (2, 1), strict=True
        ):
            currents = _neurons_gradient(of_fired, potentials, spikes[block], thresholds, neurons.decay)
            of_fired, found = _block_gradient(own, currents, spikes[block - 1], list(zip(*of_norm, strict=True)))
            of_parameters = (*found, *of_parameters)
        of_currents = of_spikes.new_zeros(ctx.shape)
        for t, of_current in _neurons_gradient(of_fired, charged, spikes[0], thresholds, neurons.decay):
            of_currents[:, t % ctx.shape[1]] += of_current
        return of_currents, None, *of_parameters

    @staticmethod
    def vmap(
        info: Any, in_dims: tuple[int | None, ...], currents: Tensor, neurons: Neurons, *parameters: Tensor
    ) -> tuple[tuple[Tensor, ...], tuple[int, ...]]:
        """Put what is stacked beside the branches, which have nothing in common."""
        size = info.batch_size

        def beside(tensor: Tensor, axis: int | None) -> Tensor:
            moved = tensor.expand(size, *tensor.shape) if axis is None else tensor.movedim(axis, 0)
            return moved.flatten(0, 1)

        folded = [beside(tensor, axis) for tensor, axis in zip(parameters, in_dims[2:], strict=True)]
        spikes, *others = _Recurrence.apply(beside(currents, in_dims[0]), neurons, *folded)  # type: ignore[no-untyped-call]
        apart = [tensor.unflatten(0, (size, -1)) for tensor in others]
        return (spikes.unflatten(1, (size, -1)), *apart), (1, *(0 for _ in apart))


def _all_fired(charged: Sequence[Tensor], thresholds: Sequence[Tensor]) -> Tensor:
    """Compute the spikes of all steps, `[P, T, N, D]`."""
    return torch.stack([fired(*step) for step in zip(charged, thresholds, strict=True)], dim=1)


def _blocks(parameters: Sequence[Tensor]) -> tuple[BlockParameters, BlockParameters]:
    width = len(BlockParameters._fields)
    return BlockParameters(*parameters[:width]), BlockParameters(*parameters[width:])


def last_spikes(currents: Tensor, blocks: Sequence[BlockParameters], neurons: Neurons) -> Tensor:
    """Compute the spikes of the third block, `[T, P, N, D]`; arguments as in `run`.

    Without gradients nothing else of a step is kept.
    """
    if not torch.is_grad_enabled():
        return torch.stack([step.third.spikes for step in run(currents, blocks, neurons)])
    parameters = [tensor for block in blocks for tensor in block]
    spikes: Tensor = _Recurrence.apply(currents, neurons, *parameters)[0]  # type: ignore[no-untyped-call]
    return spikes
