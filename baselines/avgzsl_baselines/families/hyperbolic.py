"""Maps of the Poincaré ball, and the alignment of two modalities by similarities within a batch.

Hong, Hayder, Han, Fang, Harandi, Petersson: "Hyperbolic Audio-visual Zero-shot Learning", ICCV 2023, arXiv
2308.12558, as the authors' program has it, whose maps derive from Khrulkov et al., "Hyperbolic Image Embeddings",
CVPR 2020. A ball of curvature `-c` has radius `1 / sqrt(c)`; `c` is positive and broadcasts against points
`[..., D]`: `[1]` for all, `[..., 1]` for one curvature per point.
"""

from __future__ import annotations

from typing import Any, Literal

import torch
from torch import Tensor
from torch.nn import functional as F

Gram = Literal["cosine", "norm_product", "poincare"]

_SMALLEST_NORM = 1e-5
_RIM = 1e-3
"""How far from the rim of the ball, as a share of its radius, points are kept."""


class _Artanh(torch.autograd.Function):
    """`artanh` within `±(1 - 1e-5)`, where it stays finite; beyond, value and slope of the nearer bound."""

    generate_vmap_rule = True

    @staticmethod
    def forward(u: Tensor) -> Tensor:
        inside = _clamped(u)
        return 0.5 * ((1 + inside).log() - (1 - inside).log())

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor], output: Tensor) -> None:
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        (u,) = ctx.saved_tensors
        slope: Tensor = gradients[0] / (1 - _clamped(u) ** 2)
        return slope


def _clamped(u: Tensor) -> Tensor:
    return u.clamp(-1 + 1e-5, 1 - 1e-5)


def artanh(u: Tensor) -> Tensor:
    """Compute the inverse hyperbolic tangent of `u` clamped to `±(1 - 1e-5)`, whose gradient passes the clamp."""
    value: Tensor = _Artanh.apply(u)  # type: ignore[no-untyped-call]
    return value


def _norm(points: Tensor) -> Tensor:
    norm: Tensor = torch.linalg.vector_norm(points, dim=-1, keepdim=True)
    return norm


def project(points: Tensor, c: Tensor) -> Tensor:
    """Leave points `[..., D]` within 0.999 of the ball's radius where they are; draw others in to there."""
    norm, limit = _norm(points), (1 - _RIM) / c.sqrt()
    return points * torch.where(norm <= limit, 1.0, limit / norm.clamp_min(_SMALLEST_NORM))


def logmap0(points: Tensor, c: Tensor) -> Tensor:
    """Map points of the ball to tangent vectors at its centre: `artanh(sqrt(c) ||y||) / sqrt(c) * y / ||y||`."""
    norm, root = _norm(points).clamp_min(_SMALLEST_NORM), c.sqrt()
    return points * (artanh(root * norm) / (root * norm))


def to_tangent(points: Tensor, c: Tensor) -> Tensor:
    """Compute `h_c(x) = logmap0(project(x))`: along `x` itself, with another length."""
    return logmap0(project(points, c), c)


def cosine(points: Tensor, c: Tensor) -> Tensor:
    """Compute `G_ij = cos(h_c(x_i), h_c(x_j))` of points `[..., B, D]`: `[..., B, B]`, whatever `c`.

    `h_c(x)` is a positive multiple of `x`, which a cosine does not feel. The multiple here is `c`, which is cheap
    and leaves a learnt curvature the gradient that it has, zero but for rounding. Products of points are the same
    for every curvature, and are scaled once there are only `B` numbers a row.
    """
    scale = c / (c * _norm(points)).clamp_min(1e-12)
    return (points @ points.mT) * scale * scale.mT


def norm_product(points: Tensor, c: Tensor) -> Tensor:
    """Compute `G_ij = ||h_c(x_i)|| ||h_c(x_j)||` of points `[..., B, D]`: `[..., B, B]`."""
    norm = _norm(to_tangent(points, c))
    return norm * norm.mT


def poincare(points: Tensor, c: Tensor) -> Tensor:
    """Compute distances `[..., B, B]` in the ball, of points `[..., B, D]` that enter it by the exponential map.

    Ours, not the authors'. `u_i = x_i / r`, with `r` the batch's mean norm, is a tangent vector at the centre and
    becomes `y_i = tanh(s ||u_i||) / (s ||u_i||) u_i`, `s = sqrt(c)`. In a pair, the row's `c` is that of both:

        G_ij = 2/s artanh(s sqrt(||y_i - y_j||^2 / (1 - 2 c <y_i, y_j> + c^2 ||y_i||^2 ||y_j||^2))),  G_ii = 0

    Without the division by `r`, encodings lie so far out that all distances are nearly the same.
    """
    norm, s = _norm(points), c.sqrt()
    length = norm / norm.mean(dim=-2, keepdim=True).detach().clamp_min(_SMALLEST_NORM)
    direction = F.normalize(points, dim=-1, eps=1e-12)
    row, column = torch.tanh(s * length) / s, torch.tanh(s * length.mT) / s  # ||y_i||, and ||y_j|| in row i
    product = row * column
    inner = product * (direction @ direction.mT)
    apart = (row - column).square() + 2 * (product - inner)
    quotient = apart / (1 - 2 * c * inner + (c * product).square())
    distance = 2 / s * artanh(s * quotient.clamp_min(1e-12).sqrt())
    return distance.masked_fill(torch.eye(points.shape[-2], dtype=torch.bool, device=points.device), 0)


_GRAMS = {"cosine": cosine, "norm_product": norm_product, "poincare": poincare}


def alignment(modalities: Tensor, c: Tensor, gram: Gram) -> Tensor:
    """Compute `A_c`, `[...]`: mean squared difference of two modalities' similarities within a batch.

    The modalities are `[2, ..., B, D]`, and the curvatures `c` the same for both.
    """
    one, other = _GRAMS[gram](modalities, c)
    aligned: Tensor = (one - other).square().mean(dim=(-2, -1))
    return aligned
