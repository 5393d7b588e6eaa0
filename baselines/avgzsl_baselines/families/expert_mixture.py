"""A soft mixture of three experts, on both modalities and on each, that gives a video a direction (HSP-MoE)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from avgzsl_bench import Dropout


class Expert(nn.Sequential):
    """Linear, layer normalisation, GELU, dropout, linear: `[N, inputs]` to `[N, outputs]`."""

    def __init__(self, inputs: int, hidden: int, outputs: int, dropout: float) -> None:
        super().__init__(
            nn.Linear(inputs, hidden),
            nn.LayerNorm(hidden),
            nn.GELU(),
            Dropout(dropout),
            nn.Linear(hidden, outputs),
        )


class ExpertMixture(nn.Module):
    """Experts on `[v; a]`, `v` and `a`, and a router that weighs them by what it reads of `v` and `a`.

    Args:
        audio, visual: widths Da and Dv of raw features.
        width: d of directions, and of what the router reads of a modality.
        expert_hidden: width of the experts' hidden layer.
        router_hidden: widths of the router's two.
        dropout: rate, in experts and router.
        temperature: of the router's softmax.
    """

    def __init__(
        self,
        audio: int,
        visual: int,
        width: int,
        expert_hidden: int,
        router_hidden: tuple[int, int],
        dropout: float,
        temperature: float,
    ) -> None:
        super().__init__()
        first, second = router_hidden
        self.temperature = temperature
        self.visual_projection = nn.Linear(visual, width)  # P_v
        self.audio_projection = nn.Linear(audio, width)  # P_a
        self.experts = nn.ModuleList(
            Expert(inputs, expert_hidden, width, dropout) for inputs in (visual + audio, visual, audio)
        )
        self.router = nn.Sequential(
            nn.Linear(2 * width, first),
            nn.ReLU(),
            Dropout(dropout),
            nn.Linear(first, second),
            nn.ReLU(),
            nn.Linear(second, len(self.experts)),
        )

    def weights(self, audio: Tensor, visual: Tensor) -> Tensor:
        """Compute the weights of the experts, `[N, 3]`; they sum to 1."""
        parts = (self.visual_projection(visual), self.audio_projection(audio))
        routed = self.router(torch.cat([F.normalize(part, dim=1) for part in parts], dim=1))
        return F.softmax(routed / self.temperature, dim=1)

    def forward(self, audio: Tensor, visual: Tensor) -> Tensor:
        """Compute `n(sum_k pi_k n(e_k))` of audio `[N, Da]` and visual `[N, Dv]`: `[N, d]`."""
        read = (torch.cat([visual, audio], dim=1), visual, audio)
        directions = [
            F.normalize(expert(inputs), dim=1) for expert, inputs in zip(self.experts, read, strict=True)
        ]
        mixed = (self.weights(audio, visual).unsqueeze(2) * torch.stack(directions, dim=1)).sum(dim=1)
        return F.normalize(mixed, dim=1)
