"""Sweeps by an engine in this process, and their events."""

from __future__ import annotations

from collections.abc import Callable

from avgzsl_bench.execution.plan import Plan
from avgzsl_bench.execution.sweep.engine import Engine, EpochFinished, Event, Failed, Finished, Lost, Started
from avgzsl_bench.execution.sweep.failures import read_failure
from avgzsl_bench.execution.sweep.job import Job
from avgzsl_bench.execution.sweep.planned_run import look_up
from avgzsl_bench.execution.sweep.sweep import sweep
from avgzsl_bench.records.verify import verify


def swept(runs: list[Plan], engine: Engine, report: Callable[[Event], None] = lambda event: None) -> list[Event]:
    events: list[Event] = []

    def keep(event: Event) -> None:
        events.append(event)
        report(event)

    sweep(look_up(runs), engine, keep)
    return events


def kinds(events: list[Event]) -> list[type[Event]]:
    return [type(event) for event in events if not isinstance(event, EpochFinished)]


def swept_with_kills(first: Plan, second: Plan, engine: Engine, kill: Callable[[Job], None]) -> str:
    """Kill the worker of seed 0 each time, and that of seed 1 once; give the reason why the first run failed."""
    lost = set()

    def report(event: Event) -> None:
        if isinstance(event, Started) and (event.job.spec.seed == 0 or event.job.spec.seed not in lost):
            kill(event.job)
            lost.add(event.job.spec.seed)

    events = swept([first, second], engine, report)
    assert kinds(events) == [Started, Lost, Started, Failed, Started, Lost, Started, Finished]
    assert verify(second.path).seed == 1
    return read_failure(first.path).reason
