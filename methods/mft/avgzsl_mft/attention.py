"""Attention among a few tokens, without matrix products.

Products of matrices of two or three rows, one for each video and head, take most of their time to begin, and more
to put their operands in order. Here all is done entry by entry, for all videos and heads at once.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


def attend(query: Tensor, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
    """Compute `softmax(Q K^T / sqrt(h)) V` and the weights, which pass no gradient on.

    Args:
        query: `[..., Q, heads, h]`.
        key: `[..., T, heads, h]`.
        value: likewise.

    Returns:
        `[..., Q, heads, h]`, and the weights `[..., T, Q, heads, 1]`.
    """
    attended, weights = _Attention.apply(query, key, value)  # type: ignore[no-untyped-call]
    return attended, weights


class _Attention(torch.autograd.Function):
    """`attend`, with gradients from the weights, as autograd would not compute them."""

    generate_vmap_rule = True

    @staticmethod
    def forward(query: Tensor, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        weights = (_dots(query, key) * query.shape[-1] ** -0.5).softmax(dim=-4)
        return _weighted_sum(weights, value), weights

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, ...], output: tuple[Tensor, Tensor]) -> None:
        ctx.mark_non_differentiable(output[1])
        ctx.save_for_backward(*inputs, output[1])

    @staticmethod
    def backward(ctx: Any, gradient: Tensor, _: Tensor) -> tuple[Tensor, ...]:
        query, key, value, weights = ctx.saved_tensors
        of_weights = _dots(gradient, value)
        centred = of_weights - (weights * of_weights).sum(dim=-4, keepdim=True)
        of_scores = weights * centred * query.shape[-1] ** -0.5
        of_query = _weighted_sum(of_scores, key)
        of_key = _weighted_sum(of_scores.transpose(-4, -3), query)
        return of_query, of_key, _weighted_sum(weights.transpose(-4, -3), gradient)


def _dots(queries: Tensor, keys: Tensor) -> Tensor:
    """Multiply each of Q tokens by each of T, head by head: `[..., T, Q, heads, 1]`."""
    return (queries.unsqueeze(-4) * keys.unsqueeze(-3)).sum(dim=-1, keepdim=True)


def _weighted_sum(weights: Tensor, tokens: Tensor) -> Tensor:
    """Add up T tokens for each of Q, by weights `[..., T, Q, heads, 1]`: `[..., Q, heads, h]`."""
    pairs = zip(weights.unbind(-4), torch.split(tokens, 1, dim=-3), strict=True)
    weight, token = next(pairs)
    total = weight * token
    for weight, token in pairs:
        total = torch.addcmul(total, weight, token)
    return total
