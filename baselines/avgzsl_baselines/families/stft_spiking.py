"""The spiking branches of STFT: leaky neurons over time, one branch for audio and one for the visual side.

After Li, Wang, Xiong, Fan: "Spiking Tucker Fusion Transformer for Audio-Visual Zero-Shot Learning", IEEE
Transactions on Image Processing 33, 2024, arXiv 2407.08130 (its Eq. 5 to 9), as reconstructed in
`avgzsl_baselines.stft`. The two branches have equal widths behind their first layer, and are computed side by
side: the first axis, of 2, is audio before visual. `N` are videos, `T` time steps, `H` the width of the first
block and `D` that of the other two.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from avgzsl_baselines.families.spiking import spike

_CERTAIN = 1e-6
"""How near to 0 and 1 a firing rate comes in an entropy."""


class PairLinear(nn.Module):
    """Two linear maps, `[2, N, inputs]` to `[2, N, outputs]`, initialised as `torch.nn.Linear` is."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        bound = inputs**-0.5
        self.weight = nn.Parameter(torch.empty(2, outputs, inputs).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(2, 1, outputs).uniform_(-bound, bound))

    def forward(self, inputs: Tensor) -> Tensor:
        """Map each half of `inputs` by its own map."""
        return torch.baddbmm(self.bias, inputs, self.weight.transpose(1, 2))


class GatedNorm(nn.Module):
    """LayerNorm, then global-local pooling (GLP, Eq. 7) that turns up a current by what is pooled from it.

    P = (max_d I + mean_d I) / 2 + beta max_d I + (1 - beta) mean_d I,  beta = sigmoid(b)
    I <- (1 + sigmoid(P)) I
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(2, 1, width))
        self.bias = nn.Parameter(torch.zeros(2, 1, width))
        self.balance = nn.Parameter(torch.zeros(2, 1, 1))  # b

    def forward(self, mapped: Tensor) -> tuple[Tensor, Tensor]:
        """Compute the current I, `[2, N, D]`, of mapped inputs, `[2, N, D]`, and the pooled P, `[2, N, 1]`."""
        normed = torch.addcmul(self.bias, F.layer_norm(mapped, mapped.shape[-1:]), self.weight)
        return pooled_gate(normed, torch.sigmoid(self.balance))


def pooled_gate(current: Tensor, beta: Tensor) -> tuple[Tensor, Tensor]:
    """Compute the gated current, `[..., D]`, and P, `[..., 1]`; `beta` is broadcast against P."""
    pooled = (0.5 + beta) * current.amax(dim=-1, keepdim=True) + (1.5 - beta) * current.mean(dim=-1, keepdim=True)
    return current * (1 + torch.sigmoid(pooled)), pooled


def fire(potential: Tensor, current: Tensor, threshold: Tensor | float, decay: float) -> tuple[Tensor, Tensor]:
    """Run one step of leaky integrate-and-fire neurons (Eq. 5), whose hard reset to 0 passes gradients.

        u = v + (I - v) / tau,  s = 1 where u >= V_th, else 0,  v <- u (1 - s)

    V_th is broadcast against v and I, and the decay is 1 / tau. Returns the spikes s and the potential after them.
    """
    charged = torch.lerp(potential, current, decay)
    spikes = spike(charged - threshold)
    return spikes, charged * (1 - spikes)


@torch.no_grad()
def next_threshold(threshold: Tensor, spikes: Tensor, pooled: Tensor) -> Tensor:
    """Compute the dynamic threshold (Eq. 9): half its last value, half what activity and input call for.

        q = mean_d O,  H = -q log2 q - (1 - q) log2(1 - q)
        V_th <- V_th / 2 + clamp(sigmoid(P) / 2 + H, 0.25, 2) / 2

    Args:
        threshold: V_th, `[..., 1]`.
        spikes: O of a branch's last block, `[..., D]`.
        pooled: P of the same block, `[..., 1]`.

    Returns:
        `[..., 1]`; a constant to the gradient.
    """
    rate = spikes.mean(dim=-1, keepdim=True).clamp(_CERTAIN, 1 - _CERTAIN)
    entropy = -(torch.xlogy(rate, rate) + torch.xlogy(1 - rate, 1 - rate)) / math.log(2)
    return (threshold + (torch.sigmoid(pooled) / 2 + entropy).clamp(0.25, 2)) / 2


def time_step_weights(spikes: Tensor, offset: Tensor) -> Tensor:
    """Compute the time-step factor (TSF, Eq. 8): `w_t = softmax_t(sum_d O_t / sqrt(D) + lambda_t)`.

    Of O, `[T, ..., D]`, and lambda, broadcast against `[T, ...]`: `[T, ...]`, positive, of sum 1 over time.
    """
    return torch.softmax(spikes.sum(dim=-1) / spikes.shape[-1] ** 0.5 + offset, dim=0)


@dataclass(frozen=True)
class Step:
    """What both branches did at a time step.

    Attributes:
        spikes: of the three blocks, `[2, N, H]` and twice `[2, N, D]`.
        potentials: v after the spikes, likewise.
        threshold: V_th of the next step, `[2, N, 1]`.
    """

    spikes: tuple[Tensor, ...]
    potentials: tuple[Tensor, ...]
    threshold: Tensor


class SpikingBranches(nn.Module):
    """Two branches of three spiking blocks, summarised over time by the time-step factor.

    A block is a linear map, `GatedNorm` and neurons; the neurons of a branch share a threshold, which is each
    video's own. No state outlives a call.

    Args:
        audio, visual: widths of the vectors.
        hidden, width: H and D.
        steps: T.
        time_constant: tau of the neurons.
        threshold: V_th of the first step.
    """

    def __init__(
        self, audio: int, visual: int, hidden: int, width: int, steps: int, time_constant: float, threshold: float
    ) -> None:
        super().__init__()
        self.steps = steps
        self.widths = (hidden, width, width)
        self.decay = 1 / time_constant
        self.first_threshold = threshold
        self.audio_input = nn.Linear(audio, hidden)
        self.visual_input = nn.Linear(visual, hidden)
        self.input_norm = GatedNorm(hidden)
        self.maps = nn.ModuleList((PairLinear(hidden, width), PairLinear(width, width)))
        self.norms = nn.ModuleList((GatedNorm(width), GatedNorm(width)))
        self.step_offset = nn.Parameter(torch.zeros(steps, 2, 1))  # lambda

    def forward(self, audio: Tensor, visual: Tensor) -> Tensor:
        """Compute S of both branches, `[2, N, D]`: the last block's spikes, weighted over time and normalised.

        Each step reads its own of `[N, T, Da]` and `[N, T, Dv]`, or all the same of `[N, 1, Da]` and `[N, 1, Dv]`.
        """
        spikes = torch.stack([step.spikes[-1] for step in self.run(audio, visual)])
        weights = time_step_weights(spikes, self.step_offset)
        summary = torch.einsum("tmn,tmnd->mnd", weights, spikes)
        return F.layer_norm(summary, summary.shape[-1:])

    def run(self, audio: Tensor, visual: Tensor) -> Iterator[Step]:
        """Run the T steps, from rest; arguments as in `forward`."""
        currents = self._input_currents(audio, visual)
        rest = currents[0]
        threshold = rest.new_full((*rest.shape[:2], 1), self.first_threshold)
        potentials = [rest.new_zeros((*rest.shape[:2], width)) for width in self.widths]
        for current in currents * (self.steps // len(currents)):
            spikes, potentials[0] = fire(potentials[0], current, threshold, self.decay)
            fired = [spikes]
            for block, (linear, norm) in enumerate(zip(self.maps, self.norms, strict=True), start=1):
                driven, pooled = norm(linear(spikes))
                spikes, potentials[block] = fire(potentials[block], driven, threshold, self.decay)
                fired.append(spikes)
            threshold = next_threshold(threshold, spikes, pooled)
            yield Step(tuple(fired), tuple(potentials), threshold)

    def _input_currents(self, audio: Tensor, visual: Tensor) -> tuple[Tensor, ...]:
        """Compute the first block's currents, `[2, N, H]`: one for each step, or a single one for all."""
        mapped = torch.stack((self.audio_input(audio), self.visual_input(visual)))  # [2, N, T or 1, H]
        current, _ = self.input_norm(mapped.flatten(1, 2))
        return torch.unbind(current.view_as(mapped), dim=2)
