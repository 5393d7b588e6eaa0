"""The two attentions of STEN: of the features of a vector over time and channels, and among the modalities.

After the program of Wang et al.: "Spiking Temporal-Enhanced Network for Zero-Shot Audio-Visual Learning", ICASSP
2026. What it calls spikes are the outputs of ReLUs: none of its neurons ever fires. `N` are videos, `D` is the
width of the encodings.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from avgzsl_baselines.families.token_attention import FeedForward
from avgzsl_bench import Dropout


class TemporalChannelAttention(nn.Module):
    """The mean over `T` equal steps of a vector h that is gated by what mixes its steps and its channels.

        r = 1/T sum_t h * sigmoid( k_t h * (C h) ),   k_t = sum_t' K_tt'

    `*` is by element. K and C are without bias: `steps^2 + width^2` parameters.
    """

    def __init__(self, steps: int, width: int) -> None:
        super().__init__()
        self.over_steps = nn.Linear(steps, steps, bias=False)  # K
        self.over_channels = nn.Linear(width, width, bias=False)  # C

    def forward(self, inputs: Tensor) -> Tensor:
        """Map `[..., D]` to `[..., D]`."""
        product = inputs * self.over_channels(inputs)
        of_step = self.over_steps.weight.sum(dim=1)  # k
        gates = torch.sigmoid(of_step.view(-1, *[1] * product.ndim) * product)
        return inputs * gates.mean(dim=0)


class RectifiedAttention(nn.Module):
    """Multi-head self-attention without a softmax, of ReLUs of queries, keys and values.

        (q, k, v) = split( W_qkv ReLU(x) );   q, k, v <- ReLU( BN( W_c . ) ) each
        output = dropout( W_o ReLU( q k^T v / sqrt(head width) ) )

    One W_c and one batch normalisation serve all three, in turn.
    """

    def __init__(self, width: int, heads: int, head_width: int, dropout: float) -> None:
        super().__init__()
        inner = heads * head_width
        self.heads = heads
        self.query_key_value = nn.Linear(width, 3 * inner, bias=False)
        self.channels = nn.Linear(inner, inner, bias=False)  # W_c
        self.norm = nn.BatchNorm1d(inner)
        self.output = nn.Linear(inner, width)
        self.dropout = Dropout(dropout)

    def forward(self, tokens: Tensor, sizes: list[int]) -> Tensor:
        """Map K tokens of several passes, `[K, N, D]`, to `[K, N, D]`; `sizes` are the videos of each pass."""
        mapped = self.channels(self.query_key_value(F.relu(tokens)).unflatten(-1, (3, -1)))  # [K, N, 3, inner]
        rectified = torch.unflatten(F.relu(self._normed(mapped, sizes)), -1, (self.heads, -1))
        query, key, value = rectified.unbind(dim=2)  # [K, N, heads, head width]
        score = (query.unsqueeze(1) * key).sum(dim=-1, keepdim=True) * query.shape[-1] ** -0.5
        attended = F.relu((score * value).sum(dim=1))  # of a score of each token with each, [K, K, N, heads, 1]
        output: Tensor = self.dropout(self.output(attended.flatten(-2)))
        return output

    def _normed(self, mapped: Tensor, sizes: list[int]) -> Tensor:
        """Normalise `[K, N, 3, inner]`: queries, keys and values of a pass in turn, then the next pass."""
        return torch.cat(
            [
                torch.stack([self.norm(one.flatten(0, 1)).view_as(one) for one in part.unbind(dim=2)], dim=2)
                for part in torch.split(mapped, sizes, dim=1)
            ],
            dim=1,
        )


class RectifiedLayer(nn.Module):
    """`X <- X + RectifiedAttention(LayerNorm(X))`, then `X <- X + FeedForward(LayerNorm(X))`."""

    def __init__(self, width: int, heads: int, head_width: int, feed_forward: int, dropout: float) -> None:
        super().__init__()
        self.attention_norm = nn.LayerNorm(width)
        self.attention = RectifiedAttention(width, heads, head_width, dropout)
        self.feed_forward_norm = nn.LayerNorm(width)
        self.feed_forward = FeedForward(width, feed_forward, dropout)

    def forward(self, tokens: Tensor, sizes: list[int]) -> Tensor:
        """Map K tokens of several passes, `[K, N, D]`, to `[K, N, D]`; `sizes` are the videos of each pass."""
        tokens = tokens + self.attention(self.attention_norm(tokens), sizes)
        output: Tensor = tokens + self.feed_forward(self.feed_forward_norm(tokens))
        return output
