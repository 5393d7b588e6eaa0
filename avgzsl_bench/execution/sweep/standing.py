"""What has become of the runs of a grid so far: what is finished, what failed before, what is damaged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from avgzsl_bench.errors import AvbenchError, RecordError
from avgzsl_bench.execution.sweep.failures import read_failure
from avgzsl_bench.execution.sweep.grid import GridRun
from avgzsl_bench.records.record import Record


@dataclass(frozen=True)
class Standing:
    """A run of the grid as it stands.

    Attributes:
        run: the run.
        record: its valid record, if there is one.
        damage: what is wrong with the record that is there.
        failed_before: why an earlier sweep could not finish it.
    """

    run: GridRun
    record: Record | None = None
    damage: str | None = None
    failed_before: str | None = None

    @property
    def to_do(self) -> bool:
        """Neither a record nor a damaged one is in its place."""
        return self.record is None and self.damage is None

    @property
    def seconds(self) -> float | None:
        """What the run took, from its record."""
        if self.record is None:
            return None
        timing = self.record.timing.items()
        return sum(value for name, value in timing if name.endswith("_seconds") and isinstance(value, float))


def standings(runs: Sequence[GridRun]) -> list[Standing]:
    """Look every run's record up, and verify it."""
    return [_standing(run) for run in runs]


def _standing(run: GridRun) -> Standing:
    try:
        record = run.plan.finished()
    except RecordError as error:
        # The plan's own advice is for `avbench run`.
        return Standing(run, damage=f"{error.__cause__ or error}; remove it, and a sweep makes it anew")
    if record is not None:
        return Standing(run, record=record)
    try:
        failure = read_failure(run.plan.path)
    except AvbenchError as error:
        return Standing(run, failed_before=str(error))
    return Standing(run, failed_before=None if failure is None else failure.reason)
