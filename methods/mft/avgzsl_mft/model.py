"""The fusion transformer of MFT: audio and visual tokens exchange information before the joint space.

Yang, Li, Ruan, Li, Tang, Xu: "An Audio-visual Generalized Zero-Shot Learning Method Based on Multimodal
Fusion Transformer", Journal of Electronics & Information Technology 47(7), 2375-2384, 2025, doi
10.11999/JEIT241090. A reconstruction: no program was published. Layers as in a public program by the same
authors for a sister method (LSC-AVZSL), tokens and pooling our own; see the README beside the package.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from avgzsl_baselines.clipclap import VideoEncoder
from avgzsl_bench import Dropout
from avgzsl_mft.attention import attend

MODALITY_DEVIATION = 0.02
"""Standard deviation of the modality embeddings at the start: next to nothing beside tokens of order 1."""


class SelfAttention(nn.Module):
    """The first line of a layer: `x + Drop(W_o concat(softmax(Q K^T / sqrt(h)) V))`, Q, K, V from LN(x).

    The attention weights have no dropout. Only the first `queries` tokens are updated and handed on; None: all.
    """

    def __init__(
        self, width: int, heads: int, head_width: int, dropout: float, queries: int | None = None
    ) -> None:
        super().__init__()
        self.heads = heads
        self.queries = queries
        self.inner = heads * head_width
        self.norm = nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * self.inner, bias=False)
        self.out = nn.Linear(self.inner, width)
        self.dropout = Dropout(dropout)

    def forward(self, tokens: Tensor) -> Tensor:
        """Map tokens `[B, T, D]` to `[B, queries, D]`."""
        normed: Tensor = self.norm(tokens)
        kept = tokens[:, : self.queries]
        attended = self._values(normed) if tokens.shape[1] == 1 else self._attend(normed)
        updated: Tensor = kept + self.dropout(self.out(attended))
        return updated

    def _values(self, normed: Tensor) -> Tensor:
        """Compute V, `[B, 1, heads * h]`: the attention of one token, whose only weight is 1 whatever Q and K."""
        return F.linear(normed, self.qkv.weight[2 * self.inner :])

    def _attend(self, normed: Tensor) -> Tensor:
        """Attend from the first `queries` tokens to all, `[B, queries, heads * h]`."""
        if self.queries is None:
            query, key, value = self._split(self.qkv(normed), 3)
        else:
            weight_q, weight_kv = torch.split(self.qkv.weight, [self.inner, 2 * self.inner])
            (query,) = self._split(F.linear(normed[:, : self.queries], weight_q), 1)
            key, value = self._split(F.linear(normed, weight_kv), 2)
        return attend(query, key, value)[0].flatten(2)

    def _split(self, joined: Tensor, parts: int) -> tuple[Tensor, ...]:
        """Projections side by side, each head-major: `[B, T, parts * heads * h]` to `[B, T, heads, h]`."""
        return joined.view(*joined.shape[:2], parts, self.heads, -1).unbind(2)


class FeedForward(nn.Module):
    """The second line of a layer: `x + Drop(W_2 Drop(GELU(W_1 LN(x))))`, with the exact GELU."""

    def __init__(self, width: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.map = nn.Sequential(
            nn.LayerNorm(width),
            nn.Linear(width, hidden),
            nn.GELU(),
            Dropout(dropout),
            nn.Linear(hidden, width),
            Dropout(dropout),
        )

    def forward(self, tokens: Tensor) -> Tensor:
        """Map tokens `[B, T, D]` to the same shape, each by itself."""
        updated: Tensor = tokens + self.map(tokens)
        return updated


class FusionTransformer(nn.Module):
    """Encodes each token by its encoder, adds its modality embedding, runs the layers, and pools: `[B, D]`."""

    def __init__(self, encoders: Sequence[VideoEncoder], layers: nn.Module, width: int) -> None:
        super().__init__()
        self.encoders = nn.ModuleList(encoders)
        self.modality = nn.Parameter(torch.randn(len(encoders), width) * MODALITY_DEVIATION)
        self.layers = layers

    def forward(self, audio: Tensor, visual: Tensor) -> Tensor:
        """Fuse audio `[B, Da]` and visual `[B, Dv]`: the mean over the layers' output tokens, `[B, D]`."""
        tokens = torch.stack([encode(audio, visual) for encode in self.encoders], dim=1)
        fused: Tensor = self.layers(tokens + self.modality)
        return fused.mean(1) if fused.shape[1] > 1 else fused.squeeze(1)
