"""One run: a plan through both stages, to a record on disk."""

from __future__ import annotations

import hashlib
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import numpy as np
import torch

from avgzsl_bench.data.benchmark import Benchmark, benchmark_of
from avgzsl_bench.errors import RunError
from avgzsl_bench.execution.earlier import require_same_figures
from avgzsl_bench.execution.events import RunStatus, notify
from avgzsl_bench.execution.plan import Plan
from avgzsl_bench.execution.saving import checkpoints_of
from avgzsl_bench.execution.selection import Selection
from avgzsl_bench.execution.stages import official_schedule, run_stage1, run_stage2
from avgzsl_bench.execution.threads import use_threads
from avgzsl_bench.execution.trackers.tracking import tracking
from avgzsl_bench.execution.unfinished import Snapshot, UnfinishedRun
from avgzsl_bench.gzsl.calibration import parse_calibration
from avgzsl_bench.gzsl.decisions import Decisions, GroundTruth
from avgzsl_bench.gzsl.metrics import metrics_of
from avgzsl_bench.gzsl.task import Task
from avgzsl_bench.method.base import Method
from avgzsl_bench.method.precision import precision_context
from avgzsl_bench.plugins.contained import contained
from avgzsl_bench.records.checkpoint import checkpoint_bytes
from avgzsl_bench.records.decisions_file import DecisionTable
from avgzsl_bench.records.epoch_result import EpochResult
from avgzsl_bench.records.record import (
    DecisionsFile,
    EpochTrace,
    Record,
    Stage,
    WeightsFile,
    class_results,
    weights_path,
    write_record,
)
from avgzsl_bench.system.device import device_name, make_deterministic, peak_memory, reset_peak_memory
from avgzsl_bench.system.environment import environment
from avgzsl_bench.system.folders import is_there
from avgzsl_bench.system.locks import writing_alone


def data_of(plan: Plan) -> Benchmark:
    """Load what a plan runs on.

    Raises:
        AvbenchError: the data is damaged, or there is too little memory for it.
    """
    with explain_out_of_memory(plan):
        return benchmark_of(plan.data, plan.device)


@contained()
def execute(plan: Plan, data: Callable[[Plan], Benchmark] = data_of) -> Record:
    """Run a plan through both stages and write its record.

    If another process is at the same run, wait for it and return the record that it writes.

    `data` gives what it runs on; it is called once it is known that it has to be run.

    Raises:
        AvbenchError: the record cannot be written, the data is damaged, or the method gave unusable scores.
    """
    with exclusive_run(plan) as written:
        if written is not None:
            return written
        with tracking(plan.options.log):
            return _execute(plan, data)


@contextmanager
def exclusive_run(plan: Plan) -> Iterator[Record | None]:
    """Keep other processes from the run inside the block; yields the record of one that was waited for, if any."""
    before = _stamp(plan.path)
    with writing_alone(plan.path, warnings.warn):
        yield plan.finished() if _stamp(plan.path) != before else None


def _stamp(path: Path) -> tuple[int, int] | None:
    """Mark the version of a file; None without the file."""
    try:
        return path.stat().st_ino, path.stat().st_mtime_ns
    except OSError:
        return None


@dataclass(frozen=True)
class ActiveRun:
    """A run whose data is loaded; plugins receive its events."""

    plan: Plan
    benchmark: Benchmark
    status: RunStatus

    @classmethod
    def started(cls, plan: Plan, benchmark: Benchmark, together: tuple[int, ...] = ()) -> ActiveRun:
        """Start a run, with other seeds if there are any."""
        plan = plan.with_checkout()
        status = RunStatus(plan.spec, device_name(plan.device), plan.path, together)
        notify("avbench_run_started", run=status)
        return cls(plan, benchmark, status)

    def build(self, task: Task) -> Method:
        """Build the method, untrained, and set the number of CPU threads that it trains and scores with."""
        method = self.plan.build(self.benchmark.shape, task)
        use_threads(self.plan.options, method)
        return method

    def report(self, epoch: EpochResult) -> None:
        """Pass the result of an epoch to plugins."""
        notify("avbench_epoch_finished", run=self.status, epoch=epoch)

    @property
    def schedule_on(self) -> Callable[[Method], None] | None:
        """What stage 2 does in place of replaying learning rates, if anything."""
        if self.plan.config.stage2_schedule != "official":
            return None
        return official_schedule(self.benchmark.selection, parse_calibration(self.plan.config.calibration))

    def finished(
        self, selection: Selection, method: Method, decisions: Decisions, timing: dict[str, float | str]
    ) -> Record:
        """Write the record, with the models if they are to be saved, and pass it to plugins.

        Raises:
            RunError: it replaces one without models, and its figures differ.
        """
        weights = {}
        if self.plan.options.save:
            found = checkpoints_of(self.plan, self.benchmark, selection, method)
            weights = {stage: checkpoint_bytes(checkpoint) for stage, checkpoint in found.items()}
        record, table = _record(self, selection, method, decisions, timing, weights)
        require_same_figures(self.plan, record)
        write_record(self.plan.path, record, table, weights)
        notify("avbench_run_finished", run=self.status, record=record)
        return record


def load(plan: Plan, data: Callable[[Plan], Benchmark]) -> tuple[Benchmark, str, float]:
    """Prepare the device and load the data of a run; returns the time it began and the seconds of loading too."""
    began = datetime.now(UTC).isoformat(timespec="seconds")
    use_threads(plan.options)
    make_deterministic(plan.device)
    reset_peak_memory(plan.device)
    start = time.perf_counter()
    benchmark = data(plan)
    return benchmark, began, time.perf_counter() - start


def timing_of(began: str, load: float, selection: float, final: float) -> dict[str, float | str]:
    """Give the times of a run, in seconds, as its record holds them."""
    seconds = {"load_seconds": load, "selection_seconds": selection, "final_seconds": final}
    return {"started": began, **{name: round(value, 3) for name, value in seconds.items()}}


def _execute(plan: Plan, data: Callable[[Plan], Benchmark]) -> Record:
    benchmark, began, load_seconds = load(plan, data)
    start = time.perf_counter()
    active = ActiveRun.started(plan, benchmark)
    unfinished = UnfinishedRun(plan, active.status.device)
    with explain_out_of_memory(plan), precision_context("full", plan.device):
        begun = _begun(active, unfinished)
        selection = (
            begun.selection
            if begun is not None and begun.stage == 2
            else run_stage1(
                active.build,
                benchmark.selection,
                epochs=plan.config.epochs,
                calibration=parse_calibration(plan.config.calibration),
                seed=plan.spec.seed,
                report=active.report,
                precision=plan.spec.precision,
                save=plan.options.save,
                keep=partial(unfinished.keep, 1),
                begun=begun,
            )
        )
        selected = time.perf_counter()
        method, decisions = run_stage2(
            active.build,
            benchmark.final,
            selection,
            seed=plan.spec.seed,
            report=active.report,
            schedule_on=active.schedule_on,
            precision=plan.spec.precision,
            keep=partial(unfinished.keep, 2),
            begun=begun if begun is not None and begun.stage == 2 else None,
        )
    timing = timing_of(began, load_seconds, selected - start, time.perf_counter() - selected)
    record = active.finished(selection, method, decisions, timing)
    unfinished.remove()
    return record


def _begun(active: ActiveRun, unfinished: UnfinishedRun) -> Snapshot | None:
    """Find where an interrupted run goes on from, if it was one."""
    if active.plan.options.force or not is_there(unfinished.path):
        return None
    active.build(active.benchmark.selection)  # sets the number of threads, which must be the same as then
    begun = unfinished.read()
    if begun is not None:
        where = f"stage {begun.stage}, epoch {begun.epoch}"
        warnings.warn(f"{unfinished.path}: an interrupted run, which goes on after {where}", stacklevel=2)
    return begun


@contextmanager
def explain_out_of_memory(plan: Plan) -> Iterator[None]:
    """Turn an out-of-memory error inside the block into one line with advice."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not isinstance(error, MemoryError | torch.OutOfMemoryError) and "alloc" not in str(error):
            raise
        raise RunError(
            f"method {plan.spec.method.name!r} ran out of memory on {plan.device}: "
            "try smaller settings (batch_size, widths, layers) or another --device"
        ) from error


def _record(
    active: ActiveRun,
    selection: Selection,
    method: Method,
    decisions: Decisions,
    timing: dict[str, float | str],
    weights: Mapping[Stage, bytes],
) -> tuple[Record, bytes]:
    """Make the record of a finished run, and the bytes of its decisions."""
    plan, task = active.plan, active.benchmark.final
    order = np.argsort(task.truth.row)
    video_id = task.truth.video_id
    table = DecisionTable(
        label=task.truth.label[order],
        decisions=Decisions(decisions.best_seen[order], decisions.best_unseen[order], decisions.gap[order]),
        ids=None if video_id is None else "\n".join(video_id[row] for row in order),
    )
    truth = GroundTruth(table.label, task.ground_truth.seen, task.ground_truth.unseen)
    content = table.to_bytes()
    bias = selection.bias
    record = Record.of(
        plan.spec,
        parameters=method.parameter_count(),
        counts=active.benchmark.counts,
        differences=plan.data.differences,
        origin=plan.data.store.origin,
        like=plan.data.like,
        layout=plan.data.store.layout,
        calibration=plan.config.calibration,
        device=active.status.device,
        best_epoch=selection.best_epoch,
        metrics=metrics_of(table.decisions, truth, bias),
        classes=class_results(table, list(task.classes.names), task.classes.seen.cpu().numpy(), bias),
        trace=[EpochTrace.of(epoch) for epoch in selection.epochs],
        decisions=DecisionsFile(
            file=f"{plan.path.stem}.npz", videos=len(table.label), sha256=hashlib.sha256(content).hexdigest()
        ),
        weights={
            stage: WeightsFile(
                file=weights_path(plan.path, stage).name, sha256=hashlib.sha256(content).hexdigest()
            )
            for stage, content in weights.items()
        }
        or None,
        environment=environment(),
        timing=timing,
        peak_device_memory=peak_memory(plan.device),
    )
    return record, content
