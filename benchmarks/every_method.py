"""Steps, evaluations and memory of every method on simulated features, each in its own process with one thread.

`python benchmarks/every_method.py [METHOD ...]` prints one line of JSON a method.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pairs import Pairs, pairs, seconds
from simulated_methods import simulated_methods

if TYPE_CHECKING:
    from floors import Work

    from avgzsl_bench import FeatureDims, Method, Task
    from avgzsl_bench.execution.plan import Plan

SECONDS = 0.2
"""How much training is timed at a time, at least, where the method lets its batches be counted."""

REPEATS = 9


@dataclass(frozen=True)
class Measured:
    """Figures of a method.

    Attributes:
        method: its name.
        batch_size: its default; None where it has no batches.
        steps: optimiser steps in each measurement of training.
        training: an epoch over the floor; None where nothing is learnt.
        products: an epoch over its matrix products alone; None where it has no optimiser steps.
        dropout: the share of drawing dropout masks in a profile of an epoch, from 0 to 1; None likewise.
        evaluation: scores, decisions, curve, bias and figures over one embedding pass.
        videos, classes: scored in an evaluation.
        meaning: what the floor is.
        before, peak: MiB, resident: with data and method in place, and the most in an epoch and an evaluation.
    """

    method: str
    batch_size: int | None
    steps: int
    training: Pairs | None
    products: Pairs | None
    dropout: float | None
    evaluation: Pairs
    videos: int
    classes: int
    meaning: str
    before: float
    peak: float


@dataclass(frozen=True)
class Prepared:
    """A method's plan and its data: stage 1 of the simulated UCF, default settings."""

    plan: Plan
    shape: FeatureDims
    task: Task

    @property
    def counted(self) -> bool:
        """Whether its settings say how many batches an epoch has."""
        return "batches_per_epoch" in self.plan.spec.method.config

    def made(self, batches: int | None, seed: int = 0) -> Method:
        """The method, untrained, with epochs of so many batches; None: as many as by default."""
        from avgzsl_bench.execution.random_streams import seed_everything

        plan = self.plan
        seed_everything(seed)
        config = plan.config.model_copy(update={} if batches is None else {"batches_per_epoch": batches})
        return plan.method(config, self.shape, self.task.classes, seed=seed, device=plan.device)


def prepared(name: str, device: str = "cpu") -> Prepared:
    """A method's plan and its data."""
    from avgzsl_bench.execution.execute import data_of
    from avgzsl_bench.execution.options import RunOptions
    from avgzsl_bench.execution.plan import plan_run

    plan = plan_run(name, "ucf", options=RunOptions(features="simulated", device=device))
    benchmark = data_of(plan)
    return Prepared(plan, benchmark.shape, benchmark.selection)


def measure(name: str) -> Measured:
    """Measure a method."""
    import torch
    from floors import work_of
    from products import dropout_share, over_products

    from avgzsl_bench.execution.scoring import validate
    from avgzsl_bench.gzsl.calibration import parse_calibration

    torch.set_num_threads(1)
    stage = prepared(name)
    task, settings = stage.task, stage.plan.spec.method.config
    calibration = parse_calibration(stage.plan.config.calibration)
    method = stage.made(4 if stage.counted else None)
    before = resident()
    method.train_epoch(task.train)
    validate(method, task, calibration)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    method = stage.made(batches_for(work_of(method, task)) if stage.counted else None)
    work = work_of(method, task)
    train, steps = work.train, work.updates
    return Measured(
        method=name,
        batch_size=settings.get("batch_size", settings.get("generator_batch_size")),
        steps=work.steps,
        training=None if train is None else pairs(train, work.floor, repeats=REPEATS),
        products=None if train is None or not steps else over_products(train, repeats=REPEATS),
        dropout=None if train is None or not steps else dropout_share(train, repeats=3),
        evaluation=pairs(lambda: validate(method, task, calibration), work.embed, repeats=evaluations_for(work)),
        videos=len(task.videos),
        classes=len(task.classes),
        meaning=work.meaning,
        before=before,
        peak=peak,
    )


def batches_for(work: Work) -> int:
    """As many batches as take `SECONDS`."""
    step = statistics.median(seconds(work.floor) for _ in range(3)) / work.steps
    return 5 * min(max(round(SECONDS / step / 5), 1), 12)  # AVFS updates its generator every fifth time


def evaluations_for(work: Work) -> int:
    """As many embedding passes as take a second, within reason: a short one scatters more."""
    once = statistics.median(seconds(work.embed) for _ in range(3))
    return min(max(round(1 / once), 2 * REPEATS), 20 * REPEATS)


def resident() -> float:
    """MiB of this process in memory."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def measure_apart(name: str) -> dict:
    """`measure` in a fresh process, so that memory is the method's own."""
    done = subprocess.run([sys.executable, __file__, name], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{name}: {done.stderr.strip().splitlines()[-1]}")
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    names = sys.argv[1:] or simulated_methods()
    for name in names:
        found = asdict(measure(name)) if len(names) == 1 else measure_apart(name)
        print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
