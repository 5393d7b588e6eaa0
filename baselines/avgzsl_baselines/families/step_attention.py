"""The transformer of TCAF: a class token, audio steps and visual steps, and rules for who attends to whom.

After the program of Mercea, Hummel, Koepke, Akata: "Temporal and cross-modal attention for audio-visual zero-shot
learning", ECCV 2022, arXiv 2207.09966. `N` is the number of videos, `Ta` and `Tv` their audio and visual steps
with padding, `L = 1 + Ta + Tv` the tokens, in that order, `D` their width.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from avgzsl_baselines.families.token_attention import FeedForward
from avgzsl_bench import Dropout

AttentionKind = Literal["cross", "self", "both"]


def permitted_keys(audio: Tensor, visual: Tensor, kind: AttentionKind) -> Tensor:
    """Decide which token may attend to which: bool `[N, L, L]`, query by key.

    The class token and every real step may attend to each other; a real step also to the real steps of the
    other modality (`cross`), of its own (`self`), or of both. Padded steps neither attend nor are attended to:
    those that are false in `audio`, bool `[N, Ta]`, and `visual`, bool `[N, Tv]`.
    """
    real = torch.cat((audio.new_ones(len(audio), 1), audio, visual), dim=1)
    real_pairs = real.unsqueeze(2) & real.unsqueeze(1)
    if kind == "both":
        return real_pairs
    part = torch.arange(real.shape[1], device=real.device)
    part = (part > 0).long() + (part > audio.shape[1]).long()  # 0 class token, 1 audio, 2 visual
    query, key = part.unsqueeze(1), part.unsqueeze(0)
    related = (query == key) if kind == "self" else (query != key)
    return real_pairs & (related | (query == 0) | (key == 0))


def score_bias(permitted: Tensor, dtype: torch.dtype) -> Tensor:
    """Make the bias of the attention scores: 0 where it is permitted, else a huge negative number.

    Of bool `[N, L, L]`: `[N, 1, L, L]`, the same for all heads. The number swallows any score, so that a query
    without a permitted key attends evenly to all. A quarter of the largest: kernels that work with powers of two
    multiply it, and it must stay finite.
    """
    forbidden = torch.finfo(dtype).min / 4
    return torch.zeros_like(permitted, dtype=dtype).masked_fill(~permitted, forbidden).unsqueeze(1)


class Attention(nn.Module):
    """Multi-head attention with a bias on its scores; dropout is after the output map, the weights have none."""

    def __init__(self, width: int, heads: int, head_width: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        inner = heads * head_width
        self.query = nn.Linear(width, inner, bias=False)
        self.key = nn.Linear(width, inner, bias=False)
        self.value = nn.Linear(width, inner, bias=False)
        self.output = nn.Linear(inner, width)
        self.dropout = Dropout(dropout)

    def forward(self, queries: Tensor, tokens: Tensor, bias: Tensor) -> Tensor:
        """Attend from `queries` `[N, Q, D]` to `tokens` `[N, L, D]`: `[N, Q, D]`; `bias` `[N, 1, Q, L]`."""
        mapped = self._mapped(queries, tokens)
        query, key, value = (torch.unflatten(part, -1, (self.heads, -1)).transpose(1, 2) for part in mapped)
        attended = F.scaled_dot_product_attention(query, key, value, attn_mask=bias)
        output: Tensor = self.dropout(self.output(attended.transpose(1, 2).flatten(2)))
        return output

    def _mapped(self, queries: Tensor, tokens: Tensor) -> tuple[Tensor, ...]:
        """Compute queries, keys and values, by one matrix product where all are of the same tokens."""
        if queries is not tokens:
            return self.query(queries), self.key(tokens), self.value(tokens)
        weight = torch.cat((self.query.weight, self.key.weight, self.value.weight))
        return torch.chunk(F.linear(tokens, weight), 3, dim=-1)


class TransformerLayer(nn.Module):
    """`x <- x + Attention(LN(x))`, then `x <- x + FeedForward(LN(x))`, with one and the same LN."""

    def __init__(self, width: int, heads: int, head_width: int, feed_forward: int, dropout: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.attention = Attention(width, heads, head_width, dropout)
        self.feed_forward = FeedForward(width, feed_forward, dropout)

    def forward(self, tokens: Tensor, bias: Tensor, first: int | None = None) -> Tensor:
        """Compute the next layer's tokens `[N, L, D]`, or only the `first` of them; `bias` `[N, 1, L, L]`."""
        normed = queries = self.norm(tokens)
        if first is not None:  # a slice of all would cost a copy in the backward pass
            tokens, queries, bias = tokens[:, :first], normed[:, :first], bias[:, :, :first]
        tokens = tokens + self.attention(queries, normed, bias)
        output: Tensor = tokens + self.feed_forward(self.norm(tokens))
        return output
