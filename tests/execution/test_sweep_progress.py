from __future__ import annotations

import io

import pytest
from rich.console import Console

from avgzsl_bench.cli.sweep_display import SweepDisplay, duration
from avgzsl_bench.data.data_spec import DataSpec
from avgzsl_bench.execution.options import RunOptions
from avgzsl_bench.execution.sweep.engine import EpochFinished, Failed, Finished, Lost, Started, Warned
from avgzsl_bench.execution.sweep.job import Job
from avgzsl_bench.execution.sweep.progress import Progress, State
from avgzsl_bench.gzsl.metrics import Metrics
from avgzsl_bench.records.epoch_result import EpochResult
from avgzsl_bench.records.run_spec import MethodIdentity, RunSpec


class Clock:
    """Time that passes when it is told to."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


class Run:
    """A run as it stands, as far as progress asks."""

    to_do, seconds = True, None

    def __init__(self, job: Job, **facts) -> None:
        self.job, self.record = job, None
        self.__dict__ |= facts


def finished(job: Job, seconds: float) -> Run:
    return Run(job, to_do=False, record="a record", seconds=seconds)


def job(method: str, seed: int, dataset: str = "ucf") -> Job:
    facts = {"title": method, "follows": "paper", "distribution": "x", "version": "1", "config": {}, "changed": {}}
    data = {"features": "simulated", "simulated": True, "split": "cls", "text_order": "by-name"}
    data |= {"dataset": dataset, "fingerprint": "0", "split_hash": "0"}
    spec = RunSpec(method=MethodIdentity(name=method, **facts), data=DataSpec(**data), seed=seed)
    return Job(spec, RunOptions())


def epoch(number: int, hm: float) -> EpochResult:
    return EpochResult(1, number, 9, None, {}, Metrics(0.5, 0.5, hm, 0.5, 0.5, 0.0), 0.0, 1.0)


def progress(*runs: Run, workers: int = 1, clock: Clock | None = None) -> Progress:
    return Progress(runs, workers, clock or Clock())


def test_states_follow_events():
    a, b = job("mft", 0), job("mft", 1)
    done = finished(job("mft", 2), 10.0)
    damaged = Run(job("mft", 3), to_do=False)
    shown = progress(Run(a), Run(b), done, damaged)
    assert list(shown.states.values()) == [State.WAITING, State.WAITING, State.DONE, State.FAILED]
    shown.report(Started(a, "worker 1"))
    shown.report(EpochFinished(a, epoch(3, 0.5)))
    assert shown.running[a.key].epoch.epoch == 3
    shown.report(Lost(a, "killed"))
    assert (shown.states[a.key], shown.running) == (State.WAITING, {})
    shown.report(Started(a, "worker 1"))
    shown.report(Finished(a, 30.0, 0.5))
    shown.report(Started(b, "worker 1"))
    shown.report(Failed(b, "reason"))
    assert shown.count(State.DONE) == shown.count(State.FAILED) == 2
    assert shown.cells()["mft", "ucf"] == {State.DONE: 2, State.FAILED: 2}


def test_time_left_is_taken_from_the_most_alike():
    runs = [Run(job("mft", 0)), Run(job("avca", 0)), Run(job("avca", 0, "vggsound"))]
    assert progress(*runs).seconds_left() is None
    known = finished(job("mft", 1), 10.0)
    assert progress(*runs, known).seconds_left() == 30.0
    slower = finished(job("chance", 1, "vggsound"), 40.0)
    assert progress(*runs, known, slower).seconds_left() == 10.0 + 10.0 + 40.0
    assert progress(*runs, known, slower, workers=2).seconds_left() == 30.0


def test_time_left_is_at_least_that_of_the_slowest_under_way():
    known = finished(job("mft", 1), 10.0)
    first, clock = job("mft", 0), Clock()
    shown = progress(Run(first), known, workers=4, clock=clock)
    shown.report(Started(first, "worker 1"))
    clock.now += 4.0
    assert shown.seconds_left() == 6.0
    clock.now += 60.0
    assert shown.seconds_left() == 0.0


@pytest.mark.parametrize(
    ("seconds", "said"), [(0.4, "0 s"), (75, "1 min 15 s"), (3599.6, "1 h 00 min"), (90_000, "25 h 00 min")]
)
def test_durations(seconds, said):
    assert duration(seconds) == said


def shown_by(console: Console) -> None:
    a, b, c = job("mft", 0), job("avca", 0), job("mft", 1)
    with SweepDisplay(progress(Run(a), Run(b), Run(c)), console) as display:
        display.report(Started(a, "worker 1 on cpu"))
        display.report(EpochFinished(a, epoch(2, 0.25)))
        if console.is_terminal:
            console.print(display._screen())
        for number in (a, b):
            display.report(Warned(number, "something"))
        display.report(Finished(a, 30.0, 0.5))
        display.report(Failed(b, "out of [bold]ideas"))


def test_plain_lines_where_there_is_no_terminal():
    stream = io.StringIO()
    shown_by(Console(file=stream, width=80))
    assert stream.getvalue().splitlines() == [
        "started mft on ucf, seed 0, worker 1 on cpu",
        "warning: mft on ucf, seed 0: something",
        "[1/3] mft on ucf, seed 0: HM 50.00 %, 30 s; about 1 min 00 s left",
        "[2/3] avca on ucf, seed 0: FAILED: out of [bold]ideas",
    ]


@pytest.mark.parametrize("height", [40, 8])
def test_a_terminal_shows_workers_and_the_table_if_there_is_room(height):
    stream = io.StringIO()
    shown_by(Console(file=stream, width=80, height=height, force_terminal=True, color_system=None))
    screen = stream.getvalue()
    assert "0 of 3 runs done, 1 running, 2 waiting" in screen
    assert "worker 1 on cpu: mft on ucf, seed 0, stage 1, epoch 2/9, HM 25.00 %, 0 s" in screen
    assert ("0/2, 1 running" in screen) == (height == 40)
    assert "FAILED: out of [bold]ideas" in screen
    assert "started" not in screen
