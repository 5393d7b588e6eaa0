"""Starting a job whose worker was lost once more, and giving it up when that is lost too."""

from __future__ import annotations

from dataclasses import dataclass

from avgzsl_bench.execution.sweep.engine import Failed, Lost
from avgzsl_bench.execution.sweep.job import Job

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
        """Choose the event once its worker is lost: the job is started again, or has failed.

        Args:
            reason: how the worker ended, as a sentence of which the worker is the subject.
        """
        if self.started < ATTEMPTS:
            return Lost(self.job, reason)
        return Failed(self.job, f"{reason}, as did the {self.started - 1} before it")
