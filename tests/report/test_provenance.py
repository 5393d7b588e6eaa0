"""Seconds of training on boards: of runs by themselves."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from avgzsl_bench.report.boards.provenance import training_seconds


def row(*timings):
    return SimpleNamespace(runs=[SimpleNamespace(record=SimpleNamespace(timing=timing)) for timing in timings])


def test_shares_of_seeds_that_trained_together_are_no_training_times():
    alone = {"selection_seconds": 2.0, "final_seconds": 1.0}
    share = {"selection_seconds": 0.2, "final_seconds": 0.1, "seeds_together": 16}
    assert training_seconds(row(alone, alone)) == pytest.approx(3)
    assert training_seconds(row(alone, share)) == pytest.approx(3)
    assert training_seconds(row(share, share)) is None
