"""The spiking branches of STFT: leaky neurons over time, one branch for audio and one for the visual side.

After Li, Wang, Xiong, Fan: "Spiking Tucker Fusion Transformer for Audio-Visual Zero-Shot Learning", IEEE
Transactions on Image Processing 33, 2024, arXiv 2407.08130 (its Eq. 5 to 9), as reconstructed in
`avgzsl_baselines.stft`. The two branches have equal widths behind their first layer, and are computed side by
side: the first axis, of 2, is audio before visual. `N` are videos, `T` time steps, `H` the width of the first
block and `D` that of the other two.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from avgzsl_baselines.families.stft_recurrence import BlockParameters, Neurons, last_spikes, pool


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
    pooled = pool(current, beta)[2]
    return current * (1 + torch.sigmoid(pooled)), pooled


def time_step_weights(spikes: Tensor, offset: Tensor) -> Tensor:
    """Compute the time-step factor (TSF, Eq. 8): `w_t = softmax_t(sum_d O_t / sqrt(D) + lambda_t)`.

    Of O, `[T, ..., D]`, and lambda, broadcast against `[T, ...]`: `[T, ...]`, positive, of sum 1 over time.
    """
    return torch.softmax(spikes.sum(dim=-1) / spikes.shape[-1] ** 0.5 + offset, dim=0)


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
        self.neurons = Neurons(threshold, 1 / time_constant, steps)
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
        spikes = last_spikes(*self.recurrence(audio, visual))
        weights = time_step_weights(spikes, self.step_offset)
        summary = (weights.unsqueeze(-1) * spikes).sum(dim=0)
        return F.layer_norm(summary, summary.shape[-1:])

    def recurrence(self, audio: Tensor, visual: Tensor) -> tuple[Tensor, tuple[BlockParameters, ...], Neurons]:
        """Return the first block's currents, the other blocks and the neurons; arguments as in `forward`."""
        audio, visual = audio.transpose(0, 1), visual.transpose(0, 1)
        mapped = torch.stack((self.audio_input(audio), self.visual_input(visual)))  # [2, T or 1, N, H]
        current, _ = self.input_norm(mapped.flatten(1, 2))
        blocks = []
        for linear, norm in zip(self.maps, self.norms, strict=True):
            assert isinstance(linear, PairLinear)
            assert isinstance(norm, GatedNorm)
            beta = torch.sigmoid(norm.balance)
            blocks.append(BlockParameters(linear.weight, linear.bias, norm.weight, norm.bias, beta))
        return current.view_as(mapped), tuple(blocks), self.neurons
