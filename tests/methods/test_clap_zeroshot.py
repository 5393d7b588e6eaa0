"""Cosines with class texts: the audio row of the worked example."""

from __future__ import annotations

import pytest
from joint_space_example import CLASSES, TRAIN, VIDEOS, figures, made
from reference_values import PRINTED_8

from avgzsl_baselines.clap_zeroshot import ClapZeroShot


def test_cosines_of_the_worked_example() -> None:
    scores = made(ClapZeroShot).score(VIDEOS, CLASSES)
    expected = [0.62021785, 0.04228494, 0.47634297, 0.47797194, 0.50048703]
    assert scores[0].tolist() == pytest.approx(expected, abs=PRINTED_8)


def test_figures_of_the_worked_example() -> None:
    scores = made(ClapZeroShot).score(VIDEOS, CLASSES)
    plain, best = figures(scores, 0.0), figures(scores)
    assert (plain.seen, plain.unseen, plain.hm, plain.zsl) == pytest.approx((5 / 6, 0.5, 0.625, 0.5))
    assert plain.ausuc == pytest.approx(0.458333, abs=5e-7)
    assert best.bias == pytest.approx(0.03579884, abs=PRINTED_8)
    assert best.hm == pytest.approx(0.625)


def test_it_logs_whether_the_encoders_belong_together() -> None:
    method = made(ClapZeroShot, epochs=0)
    assert method.train_epoch(TRAIN) == {"audio_own_minus_other": pytest.approx(-0.03838932, abs=PRINTED_8)}
