"""A sweep: runs of a grid without a record go through an engine, and failures are kept with their reason."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing

from avgzsl_bench.errors import AvbenchError
from avgzsl_bench.execution.sweep.engine import Engine, Event, Failed, Finished, Warned
from avgzsl_bench.execution.sweep.failures import forget_failure, keep_failure
from avgzsl_bench.execution.sweep.planned_run import PlannedRun


def sweep(runs: Sequence[PlannedRun], engine: Engine, report: Callable[[Event], None]) -> list[Failed]:
    """Carry out every run that has neither a record nor a damaged one; the engine's workers are ended by then.

    Returns:
        The failures, in the order of happening. Their reasons are kept beside the places of the records.
    """
    to_do = {run.job.key: run for run in runs if run.to_do}
    for run in runs:
        if run.record is not None:
            forget_failure(run.plan.path, run.plan.spec)
    failures = []
    with closing(engine.events([run.job for run in to_do.values()])) as events:
        for event in events:
            plan = to_do[event.job.key].plan
            if isinstance(event, Failed):
                failures.append(event)
                try:
                    keep_failure(plan.path, event)
                except AvbenchError as error:  # the other runs need not suffer
                    report(Warned(event.job, f"its failure is not kept: {error}"))
            elif isinstance(event, Finished):
                forget_failure(plan.path, plan.spec)
            report(event)
    return failures
