"""Maps of the Poincaré ball, and the alignment of two modalities."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from reference_values import doubles
from torch import Tensor
from torch.nn import functional as F

from avgzsl_baselines.families.hyperbolic import alignment, artanh, cosine, poincare, project, to_tangent

CURVATURES = (1e-4, 0.01, 0.2, 0.5, 1.0, 4.0)


def at(c: float | list[float]) -> Tensor:
    """A curvature for all points, or one a point."""
    values = torch.tensor(c, dtype=torch.float64)
    return values.reshape(1) if values.ndim == 0 else values.unsqueeze(1)


def points(*size: int, scale: float = 1.0) -> Tensor:
    return scale * torch.randn(size, generator=torch.Generator().manual_seed(3), dtype=torch.float64)


@pytest.mark.parametrize(
    ("c", "projected", "near", "far"),
    [
        (1.0, (0.599400, 0.799200), (0.3295837, -0.4394449), (2.280125, 3.040166)),
        (0.25, (1.198800, 1.598400), (0.3064954, -0.4086605), (4.560249, 6.080332)),
    ],
)
def test_maps(c: float, projected: Any, near: Any, far: Any) -> None:
    curvature = torch.tensor([c])
    inside, outside = torch.tensor([0.3, -0.4]), torch.tensor([3.0, 4.0])
    assert torch.equal(project(inside, curvature), inside)
    assert project(outside, curvature).tolist() == pytest.approx(projected, abs=5.1e-7)
    assert to_tangent(inside, curvature).tolist() == pytest.approx(near, abs=5.1e-8)
    # Near the rim a last bit of the norm moves the seventh digit.
    assert to_tangent(outside, curvature).tolist() == pytest.approx(far, rel=5e-7)


@pytest.mark.parametrize(
    ("u", "value", "slope"),
    [
        (0.5, 0.5493062, 1.3333334),
        (0.999, 3.8002076, 500.2599),
        (0.9999999, 6.1023550, 49932.19),
        (3.0, 6.1023550, 49932.19),
        (-3.0, -6.1023550, 49932.19),
    ],
)
def test_artanh_passes_gradients_where_it_is_clamped(u: float, value: float, slope: float) -> None:
    x = torch.tensor(u, requires_grad=True)
    y = artanh(x)
    y.backward()
    assert y.item() == pytest.approx(value, rel=1e-7)
    assert x.grad.item() == pytest.approx(slope, rel=1e-6)


@pytest.mark.parametrize(
    ("x", "expected"), [((3.0, 4.0), (0.4864257, -0.3648193)), ((0.3, -0.4), (1.1831119, -0.1126661))]
)
def test_gradient_of_the_first_coordinate(x: Any, expected: Any) -> None:
    for dtype, tolerance in ((torch.float64, 5.1e-8), (torch.float32, 5e-6)):
        point = torch.tensor(x, dtype=dtype, requires_grad=True)
        to_tangent(point, torch.ones(1, dtype=dtype))[0].backward()
        assert point.grad.tolist() == pytest.approx(expected, abs=tolerance)


@pytest.mark.parametrize("c", CURVATURES)
def test_maps_keep_directions_and_stay_in_the_ball(c: float) -> None:
    x = points(20, 7, scale=2.0)
    inside = project(x, at(c))
    assert (inside.norm(dim=1) <= 0.999 / c**0.5 + 1e-12).all()
    torch.testing.assert_close(project(inside, at(c)), inside, rtol=1e-12, atol=0)
    for mapped in (inside, to_tangent(x, at(c))):
        torch.testing.assert_close(F.cosine_similarity(mapped, x), torch.ones(20, dtype=torch.float64))
    zero = torch.zeros(2, 7, dtype=torch.float64, requires_grad=True)
    tangent = to_tangent(zero, at(c))
    tangent.sum().backward()
    assert not tangent.any()
    assert torch.isfinite(zero.grad).all()


def test_without_curvature_the_maps_change_nothing() -> None:
    x = points(5, 7)
    torch.testing.assert_close(to_tangent(x, at(1e-9)), x, rtol=1e-6, atol=0)


def test_a_curvature_a_point() -> None:
    x, c = points(3, 7, scale=2.0), [0.1, 0.5, 2.0]
    rows = torch.stack([to_tangent(row, at(value)) for row, value in zip(x, c, strict=True)])
    torch.testing.assert_close(to_tangent(x, at(c)), rows)


V = doubles([1, 0, 2], [0.5, 1.5, 0], [2, 1, 1])
A = doubles([0.2, 0.1, 0.4], [1, 0, 1], [0, 2, 0.5])


def upper(matrix: Tensor) -> list[float]:
    return [matrix[i, j].item() for i, j in ((0, 1), (0, 2), (1, 2))]


@pytest.mark.parametrize("c", [*CURVATURES, [0.1, 0.2, 0.36]])
def test_alignment_is_the_same_for_every_curvature(c: Any) -> None:
    assert upper(cosine(V, at(c))) == pytest.approx([0.1414214, 0.7302967, 0.6454972], abs=5.1e-8)
    assert upper(cosine(A, at(c))) == pytest.approx([0.9258201, 0.4234049, 0.1714986], abs=5.1e-8)
    assert alignment(torch.stack((V, A)), at(c), "cosine").item() == pytest.approx(0.2075864, abs=5.1e-8)


@pytest.mark.parametrize("c", [0.01, 4.0, [0.1, 0.2, 0.36]])
def test_gradients_do_not_depend_on_the_curvature(c: Any) -> None:
    gradients = []
    for curvature in (at(1e-6), at(c).requires_grad_()):
        v = V.clone().requires_grad_()
        alignment(torch.stack((v, A)), curvature, "cosine").backward()
        gradients.append(v.grad)
    torch.testing.assert_close(*gradients, rtol=1e-6, atol=1e-9)
    assert curvature.grad.abs().max() < 1e-12


@pytest.mark.parametrize(("c", "expected"), [(0.01, 10.316581), (0.36, 567.61237)])
def test_norm_product(c: float, expected: float) -> None:
    # Single precision, in which the figures were printed; the bound of artanh is that of its numbers.
    aligned = alignment(torch.stack((V, A)).float(), at(c).float(), "norm_product")
    assert aligned.item() == pytest.approx(expected, rel=5e-7)


def test_norm_product_vanishes_beyond_the_rim() -> None:
    both = points(2, 8, 30).add(3)
    assert alignment(both, at(0.15), "norm_product") < 1e-15
    assert alignment(both, at(1e-4), "norm_product") > 1


@pytest.mark.parametrize(
    ("c", "expected"), [(0.01, 1.1887637), (0.36, 1.3624605), (1.0, 1.3978702), ([0.1, 0.2, 0.36], 1.3274609)]
)
def test_poincare(c: Any, expected: float) -> None:
    assert upper(poincare(V, at(0.36))) == pytest.approx([2.6535946, 2.0653027, 2.0252604], abs=5.1e-8)
    assert alignment(torch.stack((V, A)), at(c), "poincare").item() == pytest.approx(expected, abs=5.1e-8)


def test_poincare_distances_become_euclidean() -> None:
    u = V / V.norm(dim=1).mean()
    torch.testing.assert_close(poincare(V, at(1e-8)), 2 * torch.cdist(u, u), rtol=1e-6, atol=1e-6)


def test_poincare_takes_equal_rows() -> None:
    x = torch.tensor([[1.0, 2.0], [1.0, 2.0], [0.0, 0.0]], requires_grad=True)
    alignment(torch.stack((x, x.detach().flip(0))), torch.tensor([0.3]), "poincare").backward()
    assert torch.isfinite(x.grad).all()


def test_curvature_acts_in_the_poincare_variant_alone() -> None:
    for gram, acts in (("cosine", False), ("poincare", True)):
        near, far = (alignment(torch.stack((V, A)), at(c), gram).item() for c in (0.05, 0.5))  # type: ignore[arg-type]
        assert (abs(near - far) > 0.01) is acts


def test_invariants_of_the_alignment() -> None:
    one, other = points(2, 6, 5).unbind()
    c = at(0.3)

    def aligned(x: Tensor, y: Tensor) -> float:
        return alignment(torch.stack((x, y)), c, "cosine").item()

    base = aligned(one, other)
    assert base > 0
    assert aligned(other, one) == pytest.approx(base, rel=1e-12)
    assert aligned(one, one) == 0
    assert aligned(one * torch.arange(1, 7).unsqueeze(1), other) == pytest.approx(base, rel=1e-12)
    rotation = torch.linalg.qr(points(5, 5)).Q
    assert aligned(one @ rotation, other) == pytest.approx(base, rel=1e-12)
