"""What `avbench run --seeds` shows and gives, one after another and together."""

from __future__ import annotations

import json

import pytest

from avgzsl_bench.execution.seeds import runs
from avgzsl_bench.execution.seeds.choice import Choice
from avgzsl_bench.execution.seeds.summary import SeedsSummary
from avgzsl_bench.gzsl.metrics import Metrics
from avgzsl_bench.records.epoch_result import EpochResult

RUN = ("run", "--method", "devise", "--dataset", "ucf", "--device", "cpu", "--epochs", "2")
RUN += ("--set", "batches_per_epoch=3")


@pytest.fixture
def together(monkeypatch):
    monkeypatch.setattr(
        runs, "choose", lambda plans, data, timed: Choice(True, f"{len(plans)} seeds train together")
    )


def test_one_after_another_each_seed_shows_its_epochs(avbench):
    result = avbench(*RUN, "--seeds", "2")
    assert result.exit_code == 0
    lines = [line.strip() for line in result.stderr.splitlines()]
    starts = [at for at, line in enumerate(lines) if line.startswith("devise on ucf")]
    records = [at for at, line in enumerate(lines) if line.startswith("record: ")]
    assert [lines[at].split("seed ")[1][0] for at in starts] == ["0", "1"]
    assert starts[0] < records[0] < starts[1] < records[1]
    assert "together" not in result.stderr


@pytest.mark.usefixtures("together")
def test_together_an_epoch_of_all_is_a_line(avbench):
    result = avbench(*RUN, "--seeds", "3")
    assert result.exit_code == 0
    lines = [line.strip() for line in result.stderr.splitlines()]
    assert "3 seeds train together" in lines
    assert [line for line in lines if line.startswith("devise on ucf")] == [
        "devise on ucf, simulated features, split cls, 3 seeds together, cpu  SIMULATED"
    ]
    stage_1 = [line for line in lines if line.startswith("stage 1")]
    assert len(stage_1) == 2
    assert all(" to " in line and "total" in line for line in stage_1)
    assert len([line for line in lines if line.startswith("record: ")]) == 3
    rows = [line.split()[0] for line in result.stdout.splitlines() if line.strip()]
    assert rows[-3:] == ["0", "1", "2"]


@pytest.mark.usefixtures("together")
def test_seeds_that_have_records_are_left_out(avbench):
    first = json.loads(avbench(*RUN, "--seed", "1", "--json").stdout)
    result = avbench(*RUN, "--seeds", "3", "--json")
    assert "2 seeds train together" in result.stderr
    records = json.loads(result.stdout)
    assert [record["seed"] for record in records] == [0, 1, 2]
    assert records[1] == first
    assert [record["timing"].get("seeds_together") for record in records] == [2, None, 2]


def result(stage, epoch, epochs, hm, loss=1.0, seconds=0.5):
    validation = None if hm is None else Metrics(0.5, 0.5, hm, 0.5, 0.5, 0.0)
    return EpochResult(stage, epoch, epochs, None, {"total": loss}, validation, None, seconds)


def test_an_epoch_is_summed_up_once_all_have_told():
    summary = SeedsSummary((0, 1))
    assert list(summary.add(0, result(1, 1, 2, 0.2, 1.0))) == []
    (summed,) = summary.add(1, result(1, 1, 2, 0.4, 3.0))
    assert summed.mean == result(1, 1, 2, pytest.approx(0.3), 2.0, 1.0)
    assert summed.spread == " (20.00 to 40.00)"


def test_seeds_that_fail_or_are_done_are_waited_for_no_longer():
    summary = SeedsSummary((0, 1, 2))
    assert list(summary.add(0, result(1, 1, 2, 0.2))) == []
    assert list(summary.add(1, result(1, 1, 2, 0.4))) == []
    (first,) = summary.add(0, result(1, 2, 2, 0.5))  # seed 2 failed: nothing of its first epoch came
    assert first.spread == " (20.00 to 40.00)"
    (second,) = summary.add(1, result(1, 2, 2, 0.5))
    assert second.mean.epoch == 2
    assert list(summary.add(0, result(2, 1, 1, None))) == []
    (third,) = summary.add(1, result(2, 1, 2, None))
    assert (third.mean.hm, third.mean.epochs, third.spread) == (None, 2, "")
    assert not summary.finished(0)
    (last,) = summary.add(1, result(2, 2, 2, None))
    assert last.mean.seconds == 0.5
    assert summary.finished(1)
