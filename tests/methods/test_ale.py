"""ALE's loss against numbers obtained with the published program, and what it must satisfy."""

from __future__ import annotations

import pytest
import torch
from bilinear_cases import (
    LABEL,
    MARGIN,
    check_fixture_losses,
    check_invariances,
    check_loss_and_gradient,
    check_zero_at_the_margin,
    compatibility_matrix,
    random_matrix,
)

from avgzsl_baselines.ale import ALE
from avgzsl_baselines.families.ranking import ale_loss, devise_loss, hinge_terms

ADAM_TRACE = {
    False: [0.52914425, 0.47303303, 0.42459783, 0.37595549, 0.33280151, 0.31100839],
    True: [0.33767706, 0.30834559, 0.28273060, 0.26187402, 0.24276676, 0.22089830],
}


def test_loss_and_gradient() -> None:
    rows = [[-0.5, 0.25, 0, 0.25], [0, -1 / 3, 1 / 3, 0], [11 / 54, 11 / 54, -11 / 18, 11 / 54]]
    check_loss_and_gradient(ale_loss, 0.0953703704, rows, within=1e-9)  # the program adds 1e-8 to a rank


@pytest.mark.parametrize(("violations", "weight"), [(0, 0.0), (1, 1.0), (2, 0.75), (3, 0.6111111), (4, 25 / 48)])
def test_weight_falls_with_the_number_of_violations(violations: int, weight: float) -> None:
    matrix = torch.zeros(1, 9, dtype=torch.float64)
    matrix[0, 0] = 1
    matrix[0, 1 : 1 + violations] = 0.95
    loss = ale_loss(matrix, torch.tensor([0]), MARGIN)
    assert loss.item() == pytest.approx(weight * violations * 0.05, abs=1e-8)


def test_every_class_may_violate_however_many_there_are() -> None:
    matrix = torch.zeros(2, 1001, dtype=torch.float64)
    harmonic = sum(1 / rank for rank in range(1, 1001))
    loss = ale_loss(matrix, torch.tensor([0, 1000]), MARGIN)
    assert loss.item() == pytest.approx(harmonic * MARGIN, rel=1e-9)


def test_never_above_devise_and_equal_at_one_violation() -> None:
    matrix, label = random_matrix()
    for row, y in zip(matrix.split(1), label.split(1), strict=True):
        ale, devise = ale_loss(row, y, MARGIN), devise_loss(row, y, MARGIN)
        assert ale <= devise
        if (hinge_terms(row, y, MARGIN) > 0).sum() == 1:
            torch.testing.assert_close(ale, devise)
    one = compatibility_matrix()[1:2]
    torch.testing.assert_close(ale_loss(one, LABEL[1:2], MARGIN), devise_loss(one, LABEL[1:2], MARGIN))


def test_loss_invariances() -> None:
    check_invariances(ale_loss)
    check_zero_at_the_margin(ale_loss)


def test_gradient_rows_sum_to_zero() -> None:
    matrix, label = random_matrix()
    (gradient,) = torch.autograd.grad(ale_loss(matrix.requires_grad_(), label, MARGIN), matrix)
    assert gradient.sum(dim=1).abs().max() < 1e-15


@pytest.mark.parametrize(("normalize_input", "first"), [(False, 0.5291442534), (True, 0.3376770559)])
def test_fixture_losses_under_adam(normalize_input: bool, first: float) -> None:
    check_fixture_losses(ALE, first, ADAM_TRACE[normalize_input], normalize_input=normalize_input)
