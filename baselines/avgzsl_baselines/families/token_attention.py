"""The transformer of AVCA: each video is a sequence of two tokens, one audio and one visual.

After the program of Mercea, Riesch, Koepke, Akata: "Audio-visual Generalised Zero-shot Learning with Cross-modal
Attention and Language", CVPR 2022. Tokens are kept as `[2, N, D]`, so that those of a modality lie together. The
same weights work on more tokens than two, `[K, N, D]`.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from avgzsl_bench import Dropout


def attend(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Compute `softmax(q k / sqrt(head width)) v`, the softmax over the tokens that are attended to.

    Of queries `[Q, ..., head width]`, and keys and values `[K, ..., head width]`; returns `[Q, ..., head width]`.
    """
    score = (query.unsqueeze(1) * key).sum(dim=-1, keepdim=True) * query.shape[-1] ** -0.5  # [Q, K, ..., 1]
    return (torch.softmax(score, dim=1) * value).sum(dim=1)


def attend_in_pairs(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Compute `attend` of two tokens to both, all `[2, ..., head width]`, in fewer operations.

    A softmax over two scores is a logistic function of their difference. With `p` the weight of token 0,
    `p = sigmoid(q (k_0 - k_1) / sqrt(head width))`, a head's output is `v_1 + p (v_0 - v_1)`.
    """
    (key_0, key_1), (value_0, value_1) = key, value
    score = (query * (key_0 - key_1)).sum(dim=-1, keepdim=True)
    weight = torch.sigmoid(score * query.shape[-1] ** -0.5)
    return torch.lerp(value_1, value_0, weight.to(value_0.dtype))  # autocast sums in single precision


class TokenAttention(nn.Module):
    """Multi-head self-attention among the tokens of a video; each attends to all, itself included.

    Dropout is after the output map; attention weights have none.
    """

    def __init__(self, width: int, heads: int, head_width: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.query_key_value = nn.Linear(width, 3 * heads * head_width, bias=False)
        self.output = nn.Linear(heads * head_width, width)
        self.dropout = Dropout(dropout)

    def forward(self, tokens: Tensor) -> Tensor:
        """Map K tokens, `[K, ..., D]`, to `[K, ..., D]`."""
        query, key, value = self.mapped(tokens)
        return self.merged((attend_in_pairs if len(tokens) == 2 else attend)(query, key, value))

    def mapped(self, tokens: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Compute queries, keys and values of tokens `[K, ..., D]`: `[K, ..., heads, head width]` each."""
        mapped = self.query_key_value(tokens).unflatten(-1, (3, self.heads, -1))
        query, key, value = mapped.unbind(dim=-3)  # whose gradients are put together at once
        return query, key, value

    def merged(self, attended: Tensor) -> Tensor:
        """Map what the heads give, `[..., heads, head width]`, to `[..., D]`."""
        output: Tensor = self.dropout(self.output(attended.flatten(-2)))
        return output


class FeedForward(nn.Module):
    """Linear, GELU, dropout, linear, dropout, on each token by itself."""

    def __init__(self, width: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.hidden = nn.Linear(width, hidden)
        self.output = nn.Linear(hidden, width)
        self.dropout = Dropout(dropout)

    def forward(self, tokens: Tensor) -> Tensor:
        """Map `[..., D]` to `[..., D]`."""
        output: Tensor = self.dropout(self.output(self.dropout(F.gelu(self.hidden(tokens)))))
        return output


class TokenLayer(nn.Module):
    """`X <- X + Attention(LayerNorm(X))`, then `X <- X + FeedForward(LayerNorm(X))`."""

    def __init__(self, width: int, heads: int, head_width: int, feed_forward: int, dropout: float) -> None:
        super().__init__()
        self.attention_norm = nn.LayerNorm(width)
        self.attention = TokenAttention(width, heads, head_width, dropout)
        self.feed_forward_norm = nn.LayerNorm(width)
        self.feed_forward = FeedForward(width, feed_forward, dropout)

    def forward(self, tokens: Tensor) -> Tensor:
        """Map K tokens, `[K, ..., D]`, to `[K, ..., D]`."""
        tokens = tokens + self.attention(self.attention_norm(tokens))
        output: Tensor = tokens + self.feed_forward(self.feed_forward_norm(tokens))
        return output
