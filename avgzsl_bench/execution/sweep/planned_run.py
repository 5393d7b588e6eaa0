"""The runs of a grid and what exists of each so far: a record, a damaged one, or a failure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from avgzsl_bench.errors import AvbenchError, RecordError
from avgzsl_bench.execution.plan import Plan
from avgzsl_bench.execution.sweep.failures import read_failure
from avgzsl_bench.execution.sweep.job import Job
from avgzsl_bench.records.record import Record


@dataclass(frozen=True)
class PlannedRun:
    """A run of the grid.

    Attributes:
        plan: the run.
        record: its valid record, if there is one.
        damage: what is wrong with the record that is there.
        failed_before: why an earlier sweep could not finish it.
    """

    plan: Plan
    record: Record | None = None
    damage: str | None = None
    failed_before: str | None = None

    @property
    def job(self) -> Job:
        """The run as an engine takes it."""
        return Job(self.plan.spec, self.plan.options)

    @property
    def to_do(self) -> bool:
        """Whether neither a record nor a damaged one is in its place."""
        return self.record is None and self.damage is None

    @property
    def seconds(self) -> float | None:
        """Duration of the run, from its record."""
        if self.record is None:
            return None
        timing = self.record.timing.items()
        return sum(value for name, value in timing if name.endswith("_seconds") and isinstance(value, float))


def look_up(plans: Sequence[Plan]) -> list[PlannedRun]:
    """Look up every run's record, and verify it."""
    return [_planned_run(plan) for plan in plans]


def _planned_run(plan: Plan) -> PlannedRun:
    try:
        record = plan.finished()
    except RecordError as error:
        # The plan's own advice is for `avbench run`.
        return PlannedRun(plan, damage=f"{error.__cause__ or error}; remove it, and a sweep makes it anew")
    if record is not None:
        return PlannedRun(plan, record=record)
    try:
        failure = read_failure(plan.path)
    except AvbenchError as error:
        return PlannedRun(plan, failed_before=str(error))
    return PlannedRun(plan, failed_before=None if failure is None else failure.reason)
