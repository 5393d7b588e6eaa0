"""Runs of several seeds through both stages, trained together, to a record each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack

from avgzsl_bench.data.benchmark import Benchmark
from avgzsl_bench.errors import RunError
from avgzsl_bench.execution.execute import (
    ActiveRun,
    exclusive_run,
    execute,
    explain_out_of_memory,
    load,
    timing_of,
)
from avgzsl_bench.execution.plan import Plan
from avgzsl_bench.execution.seeds.learner import Learner
from avgzsl_bench.execution.seeds.lockstep import lockstep
from avgzsl_bench.execution.seeds.stack import stacked
from avgzsl_bench.execution.selection import Selection
from avgzsl_bench.execution.stages import Outcome, Stage, StageDriver, stage1, stage2
from avgzsl_bench.execution.trackers.tracking import tracking
from avgzsl_bench.gzsl.calibration import parse_calibration
from avgzsl_bench.gzsl.decisions import Decisions
from avgzsl_bench.gzsl.task import Task
from avgzsl_bench.method.base import Method
from avgzsl_bench.method.precision import precision_context
from avgzsl_bench.records.record import Record


def execute_together(
    plans: Sequence[Plan], data: Callable[[Plan], Benchmark], done: Callable[[Plan], None]
) -> list[Record]:
    """Run plans that differ by seed only, and train them together; returns a record a plan.

    A seed whose loss or scores are not finite leaves the others alone. A record is written as soon as its seed is
    done; its times are shares of what was done together, and `seeds_together` among them is their number.

    Args:
        plans, data, done: as in `execute_seeds`; `data` gives what they run on.

    Raises:
        AvbenchError: as `execute`; where single seeds failed, after the others are written.
    """
    with ExitStack() as places:
        # In one order, so that two processes never wait for each other.
        in_order = sorted(plans, key=lambda plan: str(plan.path))
        written = {plan.spec.seed: places.enter_context(exclusive_run(plan)) for plan in in_order}
        records = {seed: record for seed, record in written.items() if record is not None}
        rest = [plan for plan in plans if plan.spec.seed not in records]
        for plan in plans:
            if plan.spec.seed in records:
                done(plan)
        if len(rest) == 1:
            records[rest[0].spec.seed] = execute(rest[0], data)
            done(rest[0])
        elif rest:
            with tracking(rest[0].options.log):
                records |= _Together(rest, data, done).run()
    return [records[plan.spec.seed] for plan in plans]


class _Together:
    """Runs that train together."""

    def __init__(
        self, plans: Sequence[Plan], data: Callable[[Plan], Benchmark], done: Callable[[Plan], None]
    ) -> None:
        first = plans[0]
        self._benchmark, self._began, self._load_seconds = load(first, data)
        seeds = tuple(plan.spec.seed for plan in plans)
        self._runs = {plan.spec.seed: ActiveRun.started(plan, self._benchmark, seeds) for plan in plans}
        self._first = first
        self._done = done
        self._failed: dict[int, RunError] = {}

    def run(self) -> dict[int, Record]:
        """Run both stages; returns the records by seed."""
        with explain_out_of_memory(self._first), precision_context("full", self._first.device):
            selected = self._select()
            records = self._finish(selected) if selected else {}
        if self._failed:
            (seed, error), *others = self._failed.items()
            more = f" (failed too: seed {', '.join(str(other) for other, _ in others)})" if others else ""
            raise RunError(f"seed {seed}: {error}{more}") from error
        return records

    def _select(self) -> dict[int, tuple[Selection, float]]:
        """Run stage 1; returns what it decides, and its duration in seconds, by seed."""
        task, config = self._benchmark.selection, self._first.config
        calibration = parse_calibration(config.calibration)

        def stage(seed: int, method: Method) -> Stage[Selection]:
            report = self._runs[seed].report
            save = self._first.options.save
            return stage1(method, task, epochs=config.epochs, calibration=calibration, report=report, save=save)

        return {seed: (outcome, took) for seed, outcome, took in self._trained(list(self._runs), task, stage)}

    def _finish(self, selected: dict[int, tuple[Selection, float]]) -> dict[int, Record]:
        """Run stage 2; returns the records by seed."""
        task = self._benchmark.final

        def stage(seed: int, method: Method) -> Stage[tuple[Method, Decisions]]:
            run = self._runs[seed]
            return stage2(method, task, selected[seed][0], report=run.report, schedule_on=run.schedule_on)

        records = {}
        for seed, (method, decisions), final_seconds in self._trained(list(selected), task, stage):
            selection, selection_seconds = selected[seed]
            together = len(self._runs)
            timing = timing_of(self._began, self._load_seconds / together, selection_seconds, final_seconds)
            timing["seeds_together"] = together
            records[seed] = self._runs[seed].finished(selection, method, decisions, timing)
            self._done(self._runs[seed].plan)
        return records

    def _trained(
        self, seeds: list[int], task: Task, stage: Callable[[int, Method], Stage[Outcome]]
    ) -> Iterator[tuple[int, Outcome, float]]:
        """Yield seed, outcome and seconds of a stage, as they come; note the seeds that fail."""
        learners = [Learner.built(self._runs[seed].build, task, seed) for seed in seeds]
        drivers = [StageDriver(stage(seed, learner.method)) for seed, learner in zip(seeds, learners, strict=True)]
        stack = stacked(learners, self._runs[seeds[0]].build, task)
        for place, outcome in lockstep(drivers, learners, stack, self._first.spec.precision):
            if isinstance(outcome, RunError):
                self._failed[seeds[place]] = outcome
            else:
                yield seeds[place], outcome, drivers[place].seconds
