"""SJE's loss against numbers obtained with the published program, and what it must satisfy."""

from __future__ import annotations

import pytest
import torch
from bilinear_cases import (
    FIXTURE_LABEL,
    LABEL,
    MARGIN,
    check_invariances,
    check_zero_at_the_margin,
    compatibility_matrix,
    fixture_method,
    fixture_trace,
    fixture_videos,
    random_matrix,
)

from avgzsl_baselines.families.ranking import ale_loss, devise_loss, sje_loss
from avgzsl_baselines.sje import SJE
from avgzsl_bench import Batch

ADAM_TRACE = {
    False: [0.35696145, 0.32313700, 0.29623041, 0.26842328, 0.24363130, 0.22098316],
    True: [0.22536464, 0.20650118, 0.19139448, 0.17572712, 0.16099116, 0.15040359],
}


def test_loss_and_gradient() -> None:
    matrix = compatibility_matrix().requires_grad_()
    loss = sje_loss(matrix, LABEL, MARGIN)
    assert loss.item() == pytest.approx(0.0966666667, abs=1e-10)
    (gradient,) = torch.autograd.grad(loss, matrix)
    rows = [[-1, 0, 0, 1], [0, -1, 1, 0], [0, 1, -1, 0]]
    torch.testing.assert_close(gradient, torch.tensor(rows, dtype=torch.float64) / 3)


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


@pytest.mark.parametrize(("normalize_input", "expected"), [(False, 0.3569614452), (True, 0.2253646435)])
def test_fixture_loss(normalize_input: bool, expected: float) -> None:
    method, videos = fixture_method(SJE, normalize_input=normalize_input), fixture_videos()
    losses = method.losses(Batch(videos.audio, videos.visual, FIXTURE_LABEL))
    assert losses["total"].item() == pytest.approx(expected, abs=5e-11)


@pytest.mark.parametrize("normalize_input", [False, True])
def test_fixture_losses_under_adam(normalize_input: bool) -> None:
    trace = fixture_trace(SJE, normalize_input=normalize_input)
    assert trace == pytest.approx(ADAM_TRACE[normalize_input], abs=5.1e-9)
