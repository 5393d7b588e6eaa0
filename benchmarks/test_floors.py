"""The floor of every method does the optimiser steps of its training; the ratio is measured, never asserted."""

from __future__ import annotations

import pytest
from every_method import prepared
from floors import work_of
from simulated_methods import simulated_methods
from torch.optim.optimizer import register_optimizer_step_post_hook


@pytest.fixture(scope="module", autouse=True)
def data(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AVBENCH_DATA", str(tmp_path_factory.mktemp("data")))
        yield


@pytest.fixture
def taken():
    """Sizes of the parameters that each optimiser step updated, in order."""
    steps: list[int] = []
    handle = register_optimizer_step_post_hook(
        lambda optimizer, *_: steps.append(sum(p.numel() for g in optimizer.param_groups for p in g["params"]))
    )
    yield steps
    handle.remove()


@pytest.mark.parametrize("name", simulated_methods())
def test_a_floor_is_the_steps_of_the_training(name, taken, paired):
    stage = prepared(name)
    work = work_of(stage.made(5 if stage.counted else None), stage.task)
    if work.train is None:
        return
    taken.clear()
    work.train()
    trained = sorted(taken)
    taken.clear()
    work.floor()
    assert sorted(taken) == trained
    assert name == "eszsl" or trained
    paired(work.train, work.floor, repeats=3, meaning=f"{name}: training / its floor")
