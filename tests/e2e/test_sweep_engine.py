"""The local engine, and what a sweep makes of its events."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Generator, Sequence
from dataclasses import replace

import pytest
from sweeping import kinds, swept, swept_with_kills

import avgzsl_bench as ab
from avgzsl_bench.errors import RecordError
from avgzsl_bench.execution.execute import execute
from avgzsl_bench.execution.plan import Plan
from avgzsl_bench.execution.sweep.engine import EpochFinished, Event, Failed, Finished, Started, Warned
from avgzsl_bench.execution.sweep.failures import failure_path, read_failure
from avgzsl_bench.execution.sweep.job import Job
from avgzsl_bench.execution.sweep.local import LocalEngine, Slot
from avgzsl_bench.execution.sweep.planned_run import look_up
from avgzsl_bench.execution.sweep.sweep import sweep
from avgzsl_bench.records.verify import verify

DIVERGES = {"epochs": 2, "batches_per_epoch": 5, "learning_rate": 1e30}


def swept_here(runs: list[Plan], workers: int = 1, report: Callable[[Event], None] = print) -> list[Event]:
    events = swept(runs, LocalEngine([Slot("cpu", 1)] * workers), report)
    assert not multiprocessing.active_children()
    return events


def test_records_are_those_of_avbench_run(runs, place, tmp_path):
    made = runs()
    events = swept_here(made, workers=2)
    assert sorted(event.job.spec.seed for event in events if isinstance(event, Finished)) == [0, 1]
    epochs = [e for e in events if isinstance(e, EpochFinished) and e.job.spec.seed == 1]
    assert [e.result.epoch for e in epochs if e.result.stage == 1] == [1, 2]
    for run in made:
        ours = verify(run.path)
        assert ours.environment["threads"] == "1"
        own = place | {"out": tmp_path / "alone", "settings": run.options.settings}
        alone = ab.run("devise", "ucf", seed=run.spec.seed, **own)
        assert ours.model_dump(exclude={"timing"}) == alone.model_dump(exclude={"timing"})


def test_a_worker_limits_the_threads_that_a_size_asks_for_and_not_those_that_were_chosen(runs, place, monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS")
    large = {"epochs": 1, "batches_per_epoch": 1, "batch_size": 5000}
    by_size, limited, chosen = runs(large, seeds=3)
    chosen = replace(chosen, options=replace(chosen.options, threads=3))
    for run, most_threads in ((by_size, None), (limited, 1), (chosen, 1)):
        swept([run], LocalEngine([Slot("cpu", most_threads)]))
    found = [verify(run.path).environment["threads"] for run in (by_size, limited, chosen)]
    assert found == ["2", "1", "3"]


def test_a_failure_is_kept_and_does_not_stop_the_rest(runs):
    made = [*runs(DIVERGES, seeds=1), *runs(seeds=2)[1:]]
    failed, finished = made
    assert kinds(swept_here(made)) == [Started, Failed, Started, Finished]
    kept = read_failure(failed.path)
    assert kept is not None
    assert kept.reason
    assert (kept.spec.method.name, kept.spec.data.dataset, kept.spec.seed) == ("devise", "ucf", 0)
    assert finished.path.exists()
    assert not failure_path(finished.path).exists()
    (before,) = look_up([failed])
    assert before.to_do
    assert before.failed_before == kept.reason


class Dreamer:
    """An engine that says of every job what it is told to."""

    workers = 1

    def __init__(self, say: Callable[[Job], Event]) -> None:
        self.say = say

    def events(self, jobs: Sequence[Job]) -> Generator[Event, None, None]:
        yield from map(self.say, jobs)


def test_a_failure_is_forgotten_once_the_run_is_finished(runs):
    (run,) = runs(seeds=1)
    path = failure_path(run.path)
    sweep(look_up([run]), Dreamer(lambda job: Failed(job, "why \ud800", "where")), print)
    kept = read_failure(run.path)
    assert (kept.reason, kept.traceback, kept.spec.seed) == ("why ?", "where", 0)
    sweep(look_up([run]), Dreamer(lambda job: Finished(job, 1.0, 0.5)), print)
    assert not path.exists()
    path.write_text("{}")
    (before,) = look_up([run])
    assert before.to_do
    assert "not a failure of a sweep" in before.failed_before
    with pytest.raises(RecordError, match="remove it"):
        read_failure(run.path)
    execute(run)
    sweep(look_up([run]), Dreamer(lambda _: pytest.fail("nothing is to do")), print)
    assert not path.exists()


def test_a_failure_that_cannot_be_kept_does_not_stop_the_rest(runs, tmp_path):
    said: list[Event] = []
    before = look_up(runs())
    (tmp_path / "results").write_text("in the way")
    failures = sweep(before, Dreamer(lambda job: Failed(job, "why")), said.append)
    assert [failed.job.spec.seed for failed in failures] == [0, 1]
    assert ["is not kept" in event.text for event in said if isinstance(event, Warned)] == [True, True]


def test_a_damaged_record_is_told_and_left_as_it_is(runs):
    made = runs(seeds=1)
    execute(made[0])
    path = made[0].path
    path.write_text(path.read_text().replace('"seen"', '"seem"', 1))
    content = path.read_bytes()
    before = look_up(made)
    assert str(path) in before[0].damage
    assert before[0].damage.endswith("remove it, and a sweep makes it anew")
    assert "--force" not in before[0].damage
    assert not before[0].to_do
    assert swept_here(made) == []
    assert path.read_bytes() == content


def kill_the_worker(_: Job) -> None:
    for process in multiprocessing.active_children():
        os.kill(process.pid, signal.SIGKILL)


def test_a_run_whose_worker_is_killed_is_started_once_more_and_then_has_failed(runs):
    reason = swept_with_kills(*runs(), LocalEngine([Slot("cpu", 1)]), kill_the_worker)
    assert "its worker process died (killed" in reason
    assert not multiprocessing.active_children()


def test_an_interruption_ends_every_worker(runs):
    def interrupt(event: Event) -> None:
        if isinstance(event, EpochFinished):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        swept_here(runs({"epochs": 500}), workers=2, report=interrupt)
    assert not multiprocessing.active_children()
