"""One run: a plan through the protocol, to a record on disk."""

from __future__ import annotations

import hashlib
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from avgzsl_bench.data.benchmark import benchmark_of, warn_simulated
from avgzsl_bench.errors import RunError
from avgzsl_bench.execution.events import EpochReport, RunInfo
from avgzsl_bench.execution.plan import Plan, plan_run
from avgzsl_bench.execution.stages import Epoch, Selection, official_schedule, run_stage1, run_stage2
from avgzsl_bench.gzsl.calibration import parse_calibration
from avgzsl_bench.gzsl.metrics import Decisions, GroundTruth, metrics_of
from avgzsl_bench.method.precision import precision_context
from avgzsl_bench.plugins.manager import load_plugins
from avgzsl_bench.records.record import (
    DataInfo,
    DecisionsFile,
    DecisionTable,
    EpochTrace,
    Figures,
    MethodInfo,
    Record,
    class_results,
    write_record,
)
from avgzsl_bench.system.device import device_name, make_deterministic, peak_memory, reset_peak_memory
from avgzsl_bench.system.environment import environment
from avgzsl_bench.system.locks import writing_alone

if TYPE_CHECKING:
    from avgzsl_bench.gzsl.task import Benchmark, Task
    from avgzsl_bench.method.base import Method


def data_of(plan: Plan) -> Benchmark:
    """Load what a plan runs on.

    Raises:
        AvbenchError: the data is damaged, or there is too little memory for it.
    """
    with explain_out_of_memory(plan):
        return benchmark_of(
            plan.store, plan.dataset, plan.split, plan.device, plan.config.text_order, plan.spec.needs, plan.added
        )


def execute(plan: Plan, data: Callable[[Plan], Benchmark] = data_of) -> Record:
    """Run a plan through both stages and write its record.

    If another process is at the same run, that one is waited for, and the record is the one that it writes.

    Args:
        plan: of the run.
        data: gives what it runs on; called once it is known that it has to be run.

    Raises:
        AvbenchError: the record cannot be written, the data is damaged, or the method gave unusable scores.
    """
    with exclusive_run(plan) as written:
        return written or _execute(plan, data)


@contextmanager
def exclusive_run(plan: Plan) -> Iterator[Record | None]:
    """Inside the block no other process is at the run; yields the record of one that had to be waited for."""
    before = _stamp(plan.path)
    with writing_alone(plan.path, warnings.warn):
        yield plan.finished() if _stamp(plan.path) != before else None


def _stamp(path: Path) -> tuple[int, int] | None:
    """What differs once a file is written anew; None without the file."""
    try:
        return path.stat().st_ino, path.stat().st_mtime_ns
    except OSError:
        return None


@dataclass(frozen=True)
class ActiveRun:
    """A run whose data is there; its events are told to plugins.

    Attributes:
        plan, benchmark: the run, and what it runs on.
        info: what plugins are told of it.
    """

    plan: Plan
    benchmark: Benchmark
    info: RunInfo

    @classmethod
    def started(cls, plan: Plan, benchmark: Benchmark, together: tuple[int, ...] = ()) -> ActiveRun:
        """A run that starts now, with other seeds if there are any."""
        running = cls(plan, benchmark, _run_info(plan, together))
        _notify("avbench_run_started", run=running.info)
        return running

    def build(self, task: Task) -> Method:
        """The method, untrained."""
        return self.plan.build(self.benchmark.shape, task)

    def on_epoch(self, epoch: Epoch) -> None:
        """Tell of an epoch."""
        hm = None if epoch.validation is None else epoch.validation.hm
        report = EpochReport(epoch.stage, epoch.number, epoch.of, epoch.losses, hm, epoch.seconds)
        _notify("avbench_epoch_finished", run=self.info, epoch=report)

    @property
    def schedule_on(self) -> Callable[[Method], None] | None:
        """What stage 2 does in place of replaying learning rates, if anything."""
        if self.plan.config.stage2_schedule != "official":
            return None
        return official_schedule(self.benchmark.selection, parse_calibration(self.plan.config.calibration))

    def finished(
        self, selection: Selection, method: Method, decisions: Decisions, timing: dict[str, float | str]
    ) -> Record:
        """Write the record."""
        record, table = _record(self.plan, self.benchmark, selection, method, decisions, timing)
        write_record(self.plan.path, record, table)
        _notify("avbench_run_finished", run=self.info, record=record)
        return record


def _execute(plan: Plan, data: Callable[[Plan], Benchmark]) -> Record:
    started = datetime.now(UTC)
    make_deterministic(plan.device)
    reset_peak_memory(plan.device)
    clock = _Clock()
    benchmark = data(plan)
    clock.lap("load_seconds")
    running = ActiveRun.started(plan, benchmark)
    with explain_out_of_memory(plan), precision_context("full", plan.device):
        selection = run_stage1(
            running.build,
            benchmark.selection,
            epochs=plan.config.epochs,
            calibration=parse_calibration(plan.config.calibration),
            seed=plan.seed,
            on_epoch=running.on_epoch,
            precision=plan.precision,
        )
        clock.lap("selection_seconds")
        method, decisions = run_stage2(
            running.build,
            benchmark.final,
            selection,
            seed=plan.seed,
            on_epoch=running.on_epoch,
            schedule_on=running.schedule_on,
            precision=plan.precision,
        )
    clock.lap("final_seconds")
    return running.finished(
        selection, method, decisions, {"started": started.isoformat(timespec="seconds"), **clock.laps}
    )


def run(
    method: str,
    dataset: str,
    *,
    features: str = "auto",
    split: str = "cls",
    seed: int = 0,
    settings: Mapping[str, Any] | None = None,
    preset: str | None = None,
    device: str = "auto",
    precision: str = "full",
    data_root: Path | str | None = None,
    out: Path | str = "results",
    force: bool = False,
) -> Record:
    """Run a method on a dataset through both stages, or give back its record if it was run before.

    Args:
        method: name of a registered method.
        dataset: name of a registered dataset.
        features: feature set; `auto` takes the best installed real one, else the simulated one.
        split: class split: `cls`, `main`, or a source-disjoint view, `cls-disjoint` or `main-disjoint`.
        seed: of initialisation, batches and dropout.
        settings: settings that differ from the method's defaults; `calibration` is one of them.
        preset: a named set of settings of the method, e.g. `official`; `settings` come after it.
        device: `auto`, `cpu`, `cuda`, `cuda:N` or `mps`.
        precision: of training: `full`, `tf32` (CUDA devices alone) or `bf16`, if the method has it.
        data_root: folder of installed data.
        out: folder of the results.
        force: run again even if the record is there.

    Raises:
        AvbenchError: what was asked for cannot work; the message says why.
    """
    plan = plan_run(
        method,
        dataset,
        features=features,
        split=split,
        seed=seed,
        settings=settings,
        preset=preset,
        device=device,
        precision=precision,
        data_root=data_root,
        out=out,
    )
    if features == "auto" and plan.store.simulated:
        warn_simulated(plan.dataset)
    return (None if force else plan.finished()) or execute(plan)


class _Clock:
    """Seconds between laps."""

    def __init__(self) -> None:
        self.laps: dict[str, float] = {}
        self._last = time.perf_counter()

    def lap(self, name: str) -> None:
        now = time.perf_counter()
        self.laps[name] = round(now - self._last, 3)
        self._last = now


def _run_info(plan: Plan, together: tuple[int, ...]) -> RunInfo:
    return RunInfo(
        method=plan.spec.name,
        dataset=plan.dataset.name,
        features=plan.store.features,
        split=plan.split,
        seed=plan.seed,
        device=device_name(plan.device),
        precision=plan.precision,
        simulated=plan.store.simulated,
        epochs=plan.config.epochs,
        config=plan.settings,
        record_path=plan.path,
        together=together,
    )


def _notify(event: str, **arguments: Any) -> None:
    """Tell each plugin of an event; one that breaks is named, and costs neither the run nor the others."""
    for call in getattr(load_plugins().manager.hook, event).get_hookimpls():
        try:
            call.function(*(arguments[name] for name in call.argnames))
        except Exception as error:  # a stranger's code may raise anything
            message = f"plugin {call.plugin_name} failed in {event}: {type(error).__name__}: {error}"
            warnings.warn(message, stacklevel=2)


@contextmanager
def explain_out_of_memory(plan: Plan) -> Iterator[None]:
    """Turn running out of memory into one line that says what to do."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not isinstance(error, MemoryError | torch.OutOfMemoryError) and "alloc" not in str(error):
            raise
        raise RunError(
            f"method {plan.spec.name!r} ran out of memory on {plan.device}: "
            "try smaller settings (batch_size, widths, layers) or another --device"
        ) from error


def _record(
    plan: Plan,
    benchmark: Benchmark,
    selection: Selection,
    method: Method,
    decisions: Decisions,
    timing: dict[str, float | str],
) -> tuple[Record, bytes]:
    """The record of a finished run and the bytes of its decisions."""
    task = benchmark.final
    order = np.argsort(task.truth.row)
    table = DecisionTable(
        label=task.truth.label[order],
        decisions=Decisions(decisions.best_seen[order], decisions.best_unseen[order], decisions.gap[order]),
    )
    truth = GroundTruth(table.label, task.ground_truth.seen, task.ground_truth.unseen)
    content = table.to_bytes()
    bias = selection.bias
    distribution, version = plan.distribution
    is_seen = task.classes.seen.cpu().numpy()
    record = Record(
        run_id=plan.path.stem,
        method=MethodInfo(
            name=plan.spec.name,
            title=plan.spec.title,
            follows=plan.spec.follows,
            distribution=distribution,
            version=version,
            config=plan.settings,
            changed=dict(plan.changed),
            preset=plan.preset,
            parameters=method.parameter_count(),
        ),
        data=DataInfo(
            dataset=benchmark.dataset,
            features=benchmark.features,
            simulated=benchmark.simulated,
            split=benchmark.split,
            sequences=benchmark.shape.sequences,
            text_order=benchmark.text_order,
            added_text=dict(benchmark.added_text),
            fingerprint=benchmark.fingerprint,
            split_hash=benchmark.split_hash,
            counts=dict(benchmark.counts),
        ),
        calibration=plan.config.calibration,
        seed=plan.seed,
        device=device_name(plan.device),
        precision=plan.precision,
        best_epoch=selection.best_epoch,
        metrics=Figures(**asdict(metrics_of(table.decisions, truth, bias))),
        classes=class_results(table, list(task.classes.names), is_seen, bias),
        trace=[_trace(epoch) for epoch in selection.epochs],
        decisions=DecisionsFile(
            file=f"{plan.path.stem}.npz", videos=len(table.label), sha256=hashlib.sha256(content).hexdigest()
        ),
        environment=environment(),
        timing=timing,
        peak_device_memory=peak_memory(plan.device),
    )
    return record, content


def _trace(epoch: Epoch) -> EpochTrace:
    assert epoch.validation is not None, "epochs of stage 1 are validated"
    assert epoch.bias is not None
    v = epoch.validation
    return EpochTrace(
        epoch=epoch.number,
        learning_rate=epoch.learning_rate,
        losses=dict(epoch.losses),
        seen=v.seen,
        unseen=v.unseen,
        hm=v.hm,
        zsl=v.zsl,
        bias=epoch.bias,
    )
