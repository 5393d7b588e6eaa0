"""What an engine is: it carries out jobs somewhere, and reports events.

It keeps nothing: a job's record is written by the run itself, and failures are kept by the sweep.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Protocol

from avgzsl_bench.execution.sweep.job import Job
from avgzsl_bench.records.epoch_result import EpochResult


@dataclass(frozen=True)
class Started:
    """A job was given to a worker; `where` names it."""

    job: Job
    where: str


@dataclass(frozen=True)
class EpochFinished:
    """An epoch of a job is over."""

    job: Job
    result: EpochResult


@dataclass(frozen=True)
class Warned:
    """A warning during a job, in one line."""

    job: Job
    text: str


@dataclass(frozen=True)
class Lost:
    """A job's worker was lost; the job will be started again."""

    job: Job
    reason: str


@dataclass(frozen=True)
class Finished:
    """A job's record is written, after some seconds; `hm`: its harmonic mean as a fraction."""

    job: Job
    seconds: float
    hm: float


@dataclass(frozen=True)
class Failed:
    """A job has no record and will not be tried again in this sweep.

    Attributes:
        reason: why, in one line.
        traceback: where it happened, for an error that is not the input's fault.
    """

    job: Job
    reason: str
    traceback: str | None = None


Event = Started | EpochFinished | Warned | Lost | Finished | Failed


class Engine(Protocol):
    """Carries out jobs."""

    @property
    def workers(self) -> int:
        """How many jobs are carried out at once, at most."""

    def events(self, jobs: Sequence[Job]) -> Generator[Event, None, None]:
        """Carry out the jobs. Each ends with `Finished` or `Failed`; a failure does not stop the others.

        Closing the iterator, or an interruption inside it, ends every worker before it returns.
        """


ATTEMPTS = 2
"""How often a job is started whose worker dies."""

KILLED = "killed, as when memory runs out; fewer --workers leave each more"
"""How a worker ended that something outside ended at once."""


@dataclass
class Attempt:
    """A job that has been started some number of times."""

    job: Job
    started: int = 0

    def lost(self, reason: str) -> Lost | Failed:
        """Start the job again once its worker is lost, or give it up; `reason` has the worker as its subject."""
        if self.started < ATTEMPTS:
            return Lost(self.job, reason)
        return Failed(self.job, f"{reason}, as did the {self.started - 1} before it")
