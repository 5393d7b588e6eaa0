"""Whether seeds train together or one after another: the faster way on the device, by a short trial.

On the CPU it is always one after another: a seed's record is then the same to the last bit as that of a run by
itself, and a CPU that is busy with one seed gains next to nothing by more (measured in `benchmarks/seeds.py`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from avgzsl_bench.data.benchmark import Benchmark
from avgzsl_bench.errors import AvbenchError, RunError, one_line
from avgzsl_bench.execution.plan import Plan
from avgzsl_bench.execution.seeds.learner import TOLERANCE, Learner, trains_together
from avgzsl_bench.execution.seeds.stack import stacked
from avgzsl_bench.method.precision import precision_context
from avgzsl_bench.system.device import make_deterministic

BATCHES, REPEATS = 10, 3
"""Of the epochs that are timed."""

WORTH = 1.1
"""Times as fast that training together has to be: near 1 the choice would change from run to run."""


@dataclass(frozen=True)
class Choice:
    """How seeds are run, and a line for people on why; empty where there was nothing to choose."""

    together: bool
    reason: str = ""


@dataclass(frozen=True)
class Timed:
    """Seconds of a short epoch of all seeds, each way."""

    alone: float
    together: float


def choose(
    plans: Sequence[Plan], data: Callable[[Plan], Benchmark], timed: Callable[[Sequence[Plan], Benchmark], Timed]
) -> Choice:
    """How to run plans that differ by seed only.

    Args:
        plans: as many as would train together.
        data: gives what they run on, called if there is something to try.
        timed: the trial, as a rule `trial`. Whatever it raises speaks against training together.

    Raises:
        AvbenchError: the data is damaged.
    """
    first = plans[0]
    if len(plans) < 2 or first.device.type == "cpu" or not trains_together(first.method):
        return Choice(False)
    if first.options.checkpoint_every is not None:
        return Choice(False, "seeds run one after another, as the training of each is kept (--checkpoint-every)")
    benchmark = data(first)
    try:
        found = timed(plans, benchmark)
    except Exception as error:  # a method's code may raise anything
        kind = "" if isinstance(error, AvbenchError) else f"{type(error).__name__}: "
        why = one_line(f"{kind}{error}", 200)
        return Choice(False, f"seeds run one after another, since they cannot be trained together: {why}")
    gain = found.alone / found.together
    if gain > WORTH:
        return Choice(True, f"{len(plans)} seeds train together, {gain:.1f} times as fast as one after another")
    return Choice(False, f"seeds run one after another; together they would be {gain:.2f} times as fast")


def trial(plans: Sequence[Plan], benchmark: Benchmark) -> Timed:
    """Time both ways on methods that are thrown away, after a look at whether they do the same.

    Raises:
        Exception: what a method's code raises if it cannot be stacked after all.
        RunError: it cannot be stacked, or a seed does not learn together what it learns alone.
    """
    first, task = plans[0], benchmark.selection
    make_deterministic(first.device)  # as in the runs; cuBLAS looks at its setting but once, at its first product
    short = [replace(plan, config=plan.config.model_copy(update={"batches_per_epoch": BATCHES})) for plan in plans]

    factories = [partial(plan.build, benchmark.shape) for plan in short]
    alone = [Learner.built(factories[place], task, plans[place].spec.seed) for place in (0, -1)]
    learners = [Learner.built(made, task, plan.spec.seed) for made, plan in zip(factories, plans, strict=True)]
    stack = stacked(learners, factories[0], task)
    with precision_context("full", first.device):
        means = stack.train_epoch()
        for place, learner in zip((0, -1), alone, strict=True):
            require_agreement(learner.train_epoch(task.train), means[place])
    with precision_context(first.spec.precision, first.device):
        return Timed(
            alone=len(plans) * _fastest(lambda: alone[0].method.train_epoch(task.train)),
            together=_fastest(stack.train_epoch),
        )


def require_agreement(alone: Mapping[str, float], together: Mapping[str, float]) -> None:
    """Compare the mean losses of a seed's epoch alone and together with others.

    Raises:
        RunError: they differ by more than `TOLERANCE` of the largest.
    """
    largest = max(map(abs, alone.values()))
    for name, value in alone.items():
        if not abs(together[name] - value) <= TOLERANCE * largest:
            raise RunError(f"loss {name!r} is {together[name]:.6g}, by itself {value:.6g}")


def _fastest(epoch: Callable[[], object]) -> float:
    """Seconds of an epoch, at best; its mean losses come to the host, so that the device is done by then."""
    taken = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        epoch()
        taken.append(time.perf_counter() - start)
    return min(taken)
