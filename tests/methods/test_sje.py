"""SJE's loss against numbers obtained with the published program, and what it must satisfy."""

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

from avgzsl_baselines.families.ranking import ale_loss, devise_loss, sje_loss
from avgzsl_baselines.sje import SJE

ADAM_TRACE = {
    False: [0.35696145, 0.32313700, 0.29623041, 0.26842328, 0.24363130, 0.22098316],
    True: [0.22536464, 0.20650118, 0.19139448, 0.17572712, 0.16099116, 0.15040359],
}


def test_loss_and_gradient() -> None:
    rows = [[-1 / 3, 0, 0, 1 / 3], [0, -1 / 3, 1 / 3, 0], [0, 1 / 3, -1 / 3, 0]]
    check_loss_and_gradient(sje_loss, 0.0966666667, rows)


def test_one_wrong_class_a_video_gets_gradient_even_where_two_are_equal() -> None:
    matrix, label = random_matrix()
    matrix[:, 3] = matrix[:, 4]
    (gradient,) = torch.autograd.grad(sje_loss(matrix.requires_grad_(), label, MARGIN), matrix)
    assert ((gradient > 0).sum(dim=1) <= 1).all()
    assert ((gradient > 0).sum(dim=1) == (gradient < 0).sum(dim=1)).all()
    assert gradient.sum(dim=1).abs().max() < 1e-15


def test_never_above_devise_and_equal_at_one_violation() -> None:
    matrix, label = random_matrix()
    assert sje_loss(matrix, label, MARGIN) < devise_loss(matrix, label, MARGIN)
    one = compatibility_matrix()[1:2]
    for other in (devise_loss, ale_loss):
        torch.testing.assert_close(sje_loss(one, LABEL[1:2], MARGIN), other(one, LABEL[1:2], MARGIN))


def test_loss_invariances() -> None:
    check_invariances(sje_loss)
    check_zero_at_the_margin(sje_loss)


@pytest.mark.parametrize(("normalize_input", "first"), [(False, 0.3569614452), (True, 0.2253646435)])
def test_fixture_losses_under_adam(normalize_input: bool, first: float) -> None:
    check_fixture_losses(SJE, first, ADAM_TRACE[normalize_input], normalize_input=normalize_input)
