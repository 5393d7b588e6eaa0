"""Runs beside others have the threads that they should; how long their steps take is measured, never asserted."""

from __future__ import annotations

import pytest
from busy import CORES, TORCH_ALONE, beside


@pytest.fixture(autouse=True)
def data(tmp_path, monkeypatch):
    monkeypatch.setenv("AVBENCH_DATA", str(tmp_path))


def test_each_process_has_the_environment_of_its_condition(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")  # left out, or the number would not be the default
    (torch_alone,) = beside("devise", TORCH_ALONE, runs=1, busy=0)
    ours = beside("devise", {}, runs=2, busy=1)
    assert [run.threads for run in ours] == [1, 1]
    assert all(run.median > 0 for run in ours)
    assert torch_alone.threads == CORES
