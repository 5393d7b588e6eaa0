"""How far a sweep is, from the events of its engine, and how long the rest will take."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum

from avgzsl_bench.execution.sweep.engine import EpochFinished, Event, Failed, Finished, Lost, Started
from avgzsl_bench.execution.sweep.job import Job
from avgzsl_bench.execution.sweep.planned_run import PlannedRun
from avgzsl_bench.records.epoch_result import EpochResult

Key = tuple[str, str, int]


class State(Enum):
    """What has become of a run."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass
class Running:
    """A run that is under way: where, since when, and its latest epoch if one is over."""

    job: Job
    where: str
    since: float
    epoch: EpochResult | None = None


class Progress:
    """The state of every run of a sweep.

    Attributes:
        states: of each run, by key, in the order of the grid.
        running: what is under way, by key.
        workers: how many runs are made at once.
    """

    def __init__(
        self, runs: Iterable[PlannedRun], workers: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.workers = workers
        self.states: dict[Key, State] = {}
        self.running: dict[Key, Running] = {}
        self._clock = clock
        self._seconds: dict[tuple[str, str], list[float]] = defaultdict(list)
        for run in runs:
            key = run.job.key
            self.states[key] = State.WAITING if run.to_do else State.DONE if run.record else State.FAILED
            if run.seconds is not None:
                self._seconds[key[:2]].append(run.seconds)

    def report(self, event: Event) -> None:
        """Take in an event."""
        key = event.job.key
        if isinstance(event, Started):
            self.states[key] = State.RUNNING
            self.running[key] = Running(event.job, event.where, self._clock())
        elif isinstance(event, EpochFinished) and key in self.running:
            self.running[key].epoch = event.result
        elif isinstance(event, Lost | Finished | Failed):
            self.running.pop(key, None)
            self.states[key] = {Lost: State.WAITING, Finished: State.DONE, Failed: State.FAILED}[type(event)]
            if isinstance(event, Finished):
                self._seconds[key[:2]].append(event.seconds)

    def count(self, *states: State) -> int:
        """How many runs are in any of some states."""
        return sum(state in states for state in self.states.values())

    def cells(self) -> dict[tuple[str, str], Counter[State]]:
        """How many runs of each method on each dataset are in each state."""
        found: dict[tuple[str, str], Counter[State]] = defaultdict(Counter)
        for key, state in self.states.items():
            found[key[:2]][state] += 1
        return found

    def elapsed(self, running: Running) -> float:
        """Seconds since a run was started."""
        return self._clock() - running.since

    def seconds_left(self) -> float | None:
        """About how long it will take until every run is done; None while nothing is known of any.

        A run takes as long as others of its method on its dataset did, else as any did on its dataset, else as
        any did at all.
        """
        waiting = [self._expected(key) for key, state in self.states.items() if state is State.WAITING]
        under_way = [self._rest(key, running) for key, running in self.running.items()]
        known = [seconds for seconds in (*waiting, *under_way) if seconds is not None]
        if len(known) < len(waiting) + len(under_way):
            return None
        return max(sum(known) / self.workers, *(seconds or 0.0 for seconds in under_way), 0.0)

    def _expected(self, key: Key) -> float | None:
        method, dataset, _ = key
        groups = (
            self._seconds.get((method, dataset), []),
            [s for (_, other), seconds in self._seconds.items() if other == dataset for s in seconds],
            [s for seconds in self._seconds.values() for s in seconds],
        )
        return next((sum(group) / len(group) for group in groups if group), None)

    def _rest(self, key: Key, running: Running) -> float | None:
        expected = self._expected(key)
        return None if expected is None else max(0.0, expected - self.elapsed(running))
