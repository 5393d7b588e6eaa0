"""Both ways of training several seeds do the same; how long they take is measured, never asserted."""

from __future__ import annotations

import pytest
from seeds import METHODS, both_ways, built, commands, plans_of

from avgzsl_bench.execution.seeds.choice import require_agreement


@pytest.fixture(autouse=True)
def data(tmp_path, monkeypatch):
    monkeypatch.setenv("AVBENCH_DATA", str(tmp_path))


@pytest.mark.parametrize("name", METHODS)
def test_both_ways_of_an_epoch_learn_the_same(name, tmp_path, paired):
    plans = plans_of(name, 2, tmp_path, seeds=3)
    learners, stack, train = built(plans)
    for learner, together in zip(learners, stack.train_epoch(), strict=True):
        require_agreement(learner.train_epoch(train), together)
    paired(*both_ways(plans), repeats=3, meaning=f"{name}: 3 seeds stacked / one after another")


def test_the_command_takes_no_longer_than_its_runs(tmp_path, paired):
    together, in_turn = commands(plans_of("devise", 5, tmp_path))
    paired(together, in_turn, repeats=3, meaning="devise: --seeds 8 / eight runs of a seed")
    assert not list(tmp_path.rglob("seed*.json")), "a record that is there is not run again"
