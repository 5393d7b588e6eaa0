"""Runs that differ by seed only: one load of the data, the faster way of training, one record a seed."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from avgzsl_bench.data.benchmark import Benchmark
from avgzsl_bench.execution.execute import data_of, execute
from avgzsl_bench.execution.plan import Plan
from avgzsl_bench.execution.seeds.choice import choose, trial
from avgzsl_bench.execution.seeds.together import execute_together
from avgzsl_bench.plugins.contained import contained
from avgzsl_bench.records.record import Record

SEEDS_AT_A_TIME = 16
"""So many train together at most: more add memory and hardly any speed."""


@contained()
def execute_seeds(
    plans: Sequence[Plan], *, report: Callable[[str], None], done: Callable[[Plan], None]
) -> list[Record]:
    """Run plans that differ by seed only, the faster way; returns a record a plan.

    Args:
        plans: one a seed, one at least.
        report: receives a line on which way was chosen, where there was a choice.
        done: called with each plan as soon as its record is written.

    Raises:
        AvbenchError: as `execute`. One after another the first failure ends it; of seeds that train
            together the others are finished and written first.
    """
    loaded: list[Benchmark] = []

    def data(plan: Plan) -> Benchmark:
        if not loaded:
            loaded.append(data_of(plan))
        return loaded[0]

    choice = choose(plans[:SEEDS_AT_A_TIME], data, trial)
    if choice.reason:
        report(choice.reason)
    if choice.together:
        parts = [plans[at : at + SEEDS_AT_A_TIME] for at in range(0, len(plans), SEEDS_AT_A_TIME)]
        return [record for part in parts for record in execute_together(part, data, done)]
    records = []
    for plan in plans:
        records.append(execute(plan, data))
        done(plan)
    return records
