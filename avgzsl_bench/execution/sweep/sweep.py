"""A sweep: what of a grid has no record goes through an engine, and what fails is kept with its reason."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing

from avgzsl_bench.errors import AvbenchError
from avgzsl_bench.execution.sweep.engine import Engine, Event, Failed, Finished, Warned
from avgzsl_bench.execution.sweep.failures import forget_failure, keep_failure
from avgzsl_bench.execution.sweep.standing import Standing


def sweep(standings: Sequence[Standing], engine: Engine, tell: Callable[[Event], None]) -> list[Failed]:
    """Carry out every run that has neither a record nor a damaged one.

    Args:
        standings: the runs of a grid as they stand.
        engine: carries them out. Its workers are ended before this returns or raises.
        tell: told of every event.

    Returns:
        What failed, in the order of happening. The reasons are kept beside the places of the records.
    """
    to_do = {standing.run.job.key: standing.run for standing in standings if standing.to_do}
    for standing in standings:
        if standing.record is not None:
            forget_failure(standing.run.plan.path)
    failures = []
    with closing(engine.events([run.job for run in to_do.values()])) as events:
        for event in events:
            path = to_do[event.job.key].plan.path
            if isinstance(event, Failed):
                failures.append(event)
                try:
                    keep_failure(path, event)
                except AvbenchError as error:  # the other runs need not suffer
                    tell(Warned(event.job, f"its failure is not kept: {error}"))
            elif isinstance(event, Finished):
                forget_failure(path)
            tell(event)
    return failures
