"""Seeds together and one after another, on the CPU: an epoch of eight seeds, and what `--seeds` really does.

`python benchmarks/seeds.py [METHOD ...]` prints one line of JSON a method.
"""

from __future__ import annotations

import json
import sys
import tempfile
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from pairs import Pairs, Way, pairs

from avgzsl_bench.execution.execute import data_of, execute
from avgzsl_bench.execution.options import RunOptions
from avgzsl_bench.execution.plan import Plan, plan_run
from avgzsl_bench.execution.seeds.learner import Learner
from avgzsl_bench.execution.seeds.runs import execute_seeds
from avgzsl_bench.execution.seeds.stack import Stack, stacked
from avgzsl_bench.gzsl.task import Samples

METHODS = ("clipclap", "mft", "devise", "avca")
SEEDS = 8
STEPS = {"clipclap": 10, "mft": 2, "devise": 20, "avca": 2}
"""In an epoch that is timed."""

REPEATS = 5
COMMANDS = 7
"""How often either is measured; a command evaluates as well, twice a seed."""


@dataclass(frozen=True)
class Measured:
    """Figures of a method.

    Attributes:
        method, batch_size, seeds, steps: what is measured.
        stacked: an epoch of the seeds stacked over one of each in turn.
        command: `--seeds` over as many runs of one seed, in the same process.
    """

    method: str
    batch_size: int
    seeds: int
    steps: int
    stacked: Pairs
    command: Pairs


def plans_of(name: str, steps: int, out: Path, seeds: int = SEEDS) -> list[Plan]:
    """Runs of one epoch a stage, on full-size simulated UCF."""
    settings = {"epochs": 1, "batches_per_epoch": steps}
    options = RunOptions(features="simulated", device="cpu", settings=settings, out=out)
    plan = plan_run(name, "ucf", options=options)
    return [plan.with_seed(seed) for seed in range(seeds)]


def built(plans: list[Plan]) -> tuple[list[Learner], Stack, Samples]:
    """Learners of all seeds, as many more in a stack, and what they learn from."""
    benchmark = data_of(plans[0])
    task = benchmark.selection
    factories = [partial(plan.build, benchmark.shape) for plan in plans]
    alone, together = (
        [Learner.built(factory, task, plan.spec.seed) for factory, plan in zip(factories, plans, strict=True)]
        for _ in range(2)
    )
    return alone, stacked(together, factories[0], task), task.train


def both_ways(plans: list[Plan]) -> tuple[Way, Way]:
    """An epoch of all seeds: stacked, and one after another."""
    alone, stack, train = built(plans)
    return stack.train_epoch, lambda: [learner.method.train_epoch(train) for learner in alone]


def commands(plans: list[Plan]) -> tuple[Way, Way]:
    """All runs as `--seeds` does them, and each as `--seed` does it, records included."""
    return (
        partial(execute_seeds, plans, tell=print, done=lambda plan: plan.path.unlink()),
        lambda: [(execute(plan), plan.path.unlink()) for plan in plans],
    )


def measure(name: str) -> Measured:
    with tempfile.TemporaryDirectory() as out:
        plans = plans_of(name, STEPS[name], Path(out))
        return Measured(
            method=name,
            batch_size=plans[0].spec.method.config["batch_size"],
            seeds=len(plans),
            steps=STEPS[name],
            stacked=pairs(*both_ways(plans), repeats=REPEATS),
            command=pairs(*commands(plans), repeats=COMMANDS),
        )


if __name__ == "__main__":
    for method in sys.argv[1:] or METHODS:
        print(json.dumps(asdict(measure(method))), flush=True)
