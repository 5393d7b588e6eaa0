"""One run: from names to objects, through the protocol, to a record on disk."""

from __future__ import annotations

import hashlib
import json
import time
import warnings
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from avgzsl_bench.calibration import parse_calibration
from avgzsl_bench.config import build_config
from avgzsl_bench.data.benchmark import benchmark_of, find_store
from avgzsl_bench.data.datasets import Dataset
from avgzsl_bench.data.installed import data_root as resolve_data_root
from avgzsl_bench.data.store import StoreHeader
from avgzsl_bench.device import choose_device, device_name, make_deterministic, peak_memory, reset_peak_memory
from avgzsl_bench.environment import environment
from avgzsl_bench.errors import ConfigError
from avgzsl_bench.events import EpochReport, RunInfo
from avgzsl_bench.files import require_writable
from avgzsl_bench.metrics import Decisions, metrics_of
from avgzsl_bench.plugins import dataset as find_dataset
from avgzsl_bench.plugins import load_plugins, method_class, method_spec, provider
from avgzsl_bench.protocol import Epoch, Selection, class_columns, finish, official_schedule, select
from avgzsl_bench.record import (
    DataInfo,
    DecisionsFile,
    DecisionTable,
    EpochTrace,
    Figures,
    MethodInfo,
    Record,
    class_results,
    read_record,
    write_record,
)

if TYPE_CHECKING:
    import torch

    from avgzsl_bench.method import Method, MethodConfig
    from avgzsl_bench.method_spec import MethodSpec
    from avgzsl_bench.task import Benchmark, Task

_MAX_SEED = 2**32 - 1


@dataclass(frozen=True)
class Plan:
    """A run that can work, before anything is trained.

    Attributes:
        spec, method: the method as registered, and its class.
        config: its full configuration; `changed` holds what differs from its defaults here.
        dataset, store, split: what it runs on.
        seed, device: of the run.
        path: where the record goes.
    """

    spec: MethodSpec
    method: type[Method]
    config: MethodConfig
    changed: Mapping[str, Any]
    dataset: Dataset
    store: StoreHeader
    split: str
    seed: int
    device: torch.device
    path: Path

    def finished(self) -> Record | None:
        """The record, if this very run was finished before.

        Raises:
            RecordError: there is one and it is damaged.
        """
        return read_record(self.path) if self.path.exists() else None


def plan_run(
    method: str,
    dataset: str,
    *,
    features: str = "auto",
    split: str = "cls",
    seed: int = 0,
    settings: Mapping[str, Any] | None = None,
    preset: str | None = None,
    device: str = "auto",
    data_root: Path | str | None = None,
    out: Path | str = "results",
) -> Plan:
    """Turn names into a plan, or say what is wrong with them. Nothing is written but simulated features.

    Raises:
        AvbenchError: a name, setting or value that does not work, data that is missing or damaged, or an
            output folder that cannot be written to.
    """
    spec = method_spec(method)
    facts = find_dataset(dataset)
    facts.facts(split)
    if not 0 <= seed <= _MAX_SEED:
        raise ConfigError(f"seed {seed}: must be 0 to {_MAX_SEED}")
    place = choose_device(device)
    target = method_class(spec)
    overrides = dict(settings or {})
    # Before simulated features may be made: a setting that is wrong for one feature set is wrong for all.
    build_config(spec, target.Config, dataset, features, overrides, preset)
    root = resolve_data_root(Path(data_root) if data_root is not None else None)
    store = find_store(facts, features, root, spec.needs.text)
    config = build_config(spec, target.Config, dataset, store.features, overrides, preset)
    default = build_config(spec, target.Config, dataset, store.features, {}).model_dump(mode="json")
    full = config.model_dump(mode="json")
    identity = {
        "method": spec.name,
        "distribution": _distribution(spec),
        "config": full,
        "dataset": dataset,
        "features": store.features,
        "fingerprint": store.fingerprint,
        "split": facts.split_hash(split),
        "seed": seed,
    }
    digest = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()
    path = Path(out) / dataset / store.features / split / spec.name / f"seed{seed}-{digest[:10]}.json"
    if not path.exists():
        require_writable(path.parent)
    return Plan(
        spec=spec,
        method=target,
        config=config,
        changed={key: value for key, value in full.items() if value != default[key]},
        dataset=facts,
        store=store,
        split=split,
        seed=seed,
        device=place,
        path=path,
    )


def execute(plan: Plan) -> Record:
    """Run a plan through both stages and write its record.

    Raises:
        AvbenchError: the record cannot be written, the data is damaged, or the method gave unusable scores.
    """
    started = datetime.now(UTC)
    make_deterministic(plan.device)
    reset_peak_memory(plan.device)
    clock = _Clock()
    benchmark = benchmark_of(plan.store, plan.dataset, plan.split, plan.device, plan.config.text_order)
    clock.lap("load_seconds")
    info = _run_info(plan)
    notify = load_plugins().manager.hook

    def on_epoch(epoch: Epoch) -> None:
        hm = None if epoch.validation is None else epoch.validation.hm
        report = EpochReport(epoch.stage, epoch.number, epoch.of, epoch.losses, hm, epoch.seconds)
        _notify(notify.avbench_epoch_finished, run=info, epoch=report)

    calibration = parse_calibration(plan.config.calibration)

    def factory(task: Task) -> Method:
        return plan.method(plan.config, benchmark.shape, task.classes, seed=plan.seed, device=plan.device)

    _notify(notify.avbench_run_started, run=info)
    selection = select(
        factory,
        benchmark.selection,
        epochs=plan.config.epochs,
        calibration=calibration,
        seed=plan.seed,
        on_epoch=on_epoch,
    )
    clock.lap("selection_seconds")
    method, decisions = finish(
        factory,
        benchmark.final,
        selection,
        seed=plan.seed,
        on_epoch=on_epoch,
        schedule_on=official_schedule(benchmark.selection, calibration)
        if plan.config.stage2_schedule == "official"
        else None,
    )
    clock.lap("final_seconds")
    timing: dict[str, float | str] = {"started": started.isoformat(timespec="seconds"), **clock.laps}
    record, table = _record(plan, benchmark, selection, method, decisions, timing)
    write_record(plan.path, record, table)
    _notify(notify.avbench_run_finished, run=info, record=record)
    return record


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
    data_root: Path | str | None = None,
    out: Path | str = "results",
    force: bool = False,
) -> Record:
    """Run a method on a dataset through both stages, or give back its record if it was run before.

    Args:
        method: name of a registered method.
        dataset: name of a registered dataset.
        features: feature set; `auto` takes the best installed real one, else the simulated one.
        split: class split, `cls` or `main`.
        seed: of initialisation, batches and dropout.
        settings: settings that differ from the method's defaults; `calibration` is one of them.
        preset: a named set of settings of the method, e.g. `official`; `settings` come after it.
        device: `auto`, `cpu`, `cuda`, `cuda:N` or `mps`.
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
        data_root=data_root,
        out=out,
    )
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


def _distribution(spec: MethodSpec) -> tuple[str, str]:
    """Distribution and version that brought a method."""
    status = provider(spec)
    return (status.distribution, status.version) if status else ("", "")


def _run_info(plan: Plan) -> RunInfo:
    return RunInfo(
        method=plan.spec.name,
        dataset=plan.dataset.name,
        features=plan.store.features,
        split=plan.split,
        seed=plan.seed,
        device=device_name(plan.device),
        simulated=plan.store.simulated,
        epochs=plan.config.epochs,
        config=plan.config.model_dump(mode="json"),
        record_path=plan.path,
    )


def _notify(hook: Any, **arguments: Any) -> None:
    """Tell plugins of an event; one that breaks is reported and does not cost the run."""
    try:
        hook(**arguments)
    except Exception as error:  # a stranger's code may raise anything
        warnings.warn(f"a plugin failed in {hook.name}: {type(error).__name__}: {error}", stacklevel=2)


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
    seen, unseen = class_columns(task)
    order = np.argsort(task.truth.row)
    table = DecisionTable(
        label=task.truth.label[order],
        decisions=Decisions(decisions.best_seen[order], decisions.best_unseen[order], decisions.gap[order]),
    )
    content = table.to_bytes()
    bias = selection.bias
    distribution, version = _distribution(plan.spec)
    is_seen = task.classes.seen.cpu().numpy()
    record = Record(
        run_id=plan.path.stem,
        method=MethodInfo(
            name=plan.spec.name,
            title=plan.spec.title,
            follows=plan.spec.follows,
            distribution=distribution,
            version=version,
            config=plan.config.model_dump(mode="json"),
            changed=dict(plan.changed),
            parameters=method.parameter_count(),
        ),
        data=DataInfo(
            dataset=benchmark.dataset,
            features=benchmark.features,
            simulated=benchmark.simulated,
            split=benchmark.split,
            text_order=benchmark.text_order,
            fingerprint=benchmark.fingerprint,
            split_hash=benchmark.split_hash,
            counts=dict(benchmark.counts),
        ),
        calibration=plan.config.calibration,
        seed=plan.seed,
        device=device_name(plan.device),
        best_epoch=selection.best_epoch,
        metrics=Figures(**asdict(metrics_of(table.decisions, table.label, seen, unseen, bias))),
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
