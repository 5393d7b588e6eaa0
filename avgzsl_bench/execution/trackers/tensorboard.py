"""TensorBoard: event files in one folder a run, `DIR/<dataset>/<features>/<split>/<method>/<run id>`.

Figures are fractions, as in records. Steps are epochs of the run, those of stage 2 after those of stage 1; the
figures of the test stand at the last.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from avgzsl_bench.plugins.hookspecs import hookimpl

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

    from avgzsl_bench.execution.events import RunStatus
    from avgzsl_bench.gzsl.metrics import Metrics
    from avgzsl_bench.records.epoch_result import EpochResult
    from avgzsl_bench.records.record import Record
    from avgzsl_bench.records.run_spec import RunSpec

_FIGURES = {"S": "seen", "U": "unseen", "HM": "hm", "ZSL": "zsl", "AUSUC": "ausuc"}
_SIMULATED = "**SIMULATED FEATURES**: the figures say nothing about real videos."


class TensorBoard:
    """Writes the event files of runs; of seeds that train together, each has a folder of its own."""

    def __init__(self, folder: str) -> None:
        self._folder = Path(folder)
        self._writers: dict[str, SummaryWriter] = {}
        self._begun: set[str] = set()

    @hookimpl
    def avbench_run_started(self, run: RunStatus) -> None:
        """Open the run's folder, and write what the run is: as hyper-parameters and as text."""
        from torch.utils.tensorboard import SummaryWriter
        from torch.utils.tensorboard.summary import hparams

        folder = run.spec.record_path(self._folder).with_suffix("")
        writer = SummaryWriter(str(folder))
        self._writers[run.spec.id] = writer
        experiment, session, _ = hparams(_settings(run.spec), {f"test/{name}": 0.0 for name in _FIGURES})
        for summary in (experiment, session):
            writer.file_writer.add_summary(summary)
        writer.add_text("run", _text(run), 0)
        writer.flush()

    @hookimpl
    def avbench_epoch_finished(self, run: RunStatus, epoch: EpochResult) -> None:
        """Write losses and learning rate of an epoch, and in stage 1 its validation."""
        stage = f"stage{epoch.stage}"
        scalars = {f"{stage}/loss/{name}": value for name, value in epoch.losses.items()}
        if epoch.learning_rate is not None:
            scalars[f"{stage}/learning_rate"] = epoch.learning_rate
        if epoch.validation is not None and epoch.bias is not None:
            scalars |= _figures(f"{stage}/validation", epoch.validation)
            scalars[f"{stage}/validation/bias"] = epoch.bias
        step = epoch.epoch + (run.epochs if epoch.stage == 2 else 0)
        if run.spec.id not in self._begun:
            self._hide_from(run, step)
            self._begun.add(run.spec.id)
        self._write(run, scalars, step)

    @hookimpl
    def avbench_run_finished(self, run: RunStatus, record: Record) -> None:
        """Write the figures of the test, and close the run's files."""
        scalars = _figures("test", record.metrics) | {"test/bias": record.metrics.bias}
        self._write(run, scalars, run.epochs + record.best_epoch)
        self._writers.pop(run.spec.id).close()

    def close(self) -> None:
        """Close the files of runs that did not finish."""
        while self._writers:
            self._writers.popitem()[1].close()

    def _hide_from(self, run: RunStatus, step: int) -> None:
        """Let TensorBoard forget what an earlier try at the run logged from a step on: this one begins there."""
        from tensorboard.compat.proto.event_pb2 import Event, SessionLog

        begin = Event(step=step, session_log=SessionLog(status=SessionLog.START))
        self._writers[run.spec.id].file_writer.add_event(begin)

    def _write(self, run: RunStatus, scalars: dict[str, float], step: int) -> None:
        writer = self._writers[run.spec.id]
        for tag, value in scalars.items():
            writer.add_scalar(tag, value, step)
        writer.flush()


def _figures(place: str, metrics: Metrics) -> dict[str, float]:
    return {f"{place}/{name}": getattr(metrics, field) for name, field in _FIGURES.items()}


def _settings(spec: RunSpec) -> dict[str, Any]:
    """Give what the run is, and the settings of its method, as numbers and texts."""
    data = {name: getattr(spec.data, name) for name in ("dataset", "features", "simulated", "split")}
    facts = {"method": spec.method.name, **data, "seed": spec.seed, "precision": spec.precision}
    return {name: _plain(value) for name, value in (spec.method.config | facts).items()}


def _plain(value: Any) -> float | str:
    """Keep a number or text; other values become the JSON of them, since hyper-parameters are not nested."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return value if is_number or isinstance(value, str) else json.dumps(value)


def _text(run: RunStatus) -> str:
    """Describe a run in Markdown."""
    rows = {**_settings(run.spec), "run id": run.spec.id, "device": run.device, "record": run.record_path}
    table = "\n".join(["| | |", "| --- | --- |", *(f"| {name} | {value} |" for name, value in rows.items())])
    return f"{_SIMULATED}\n\n{table}" if run.spec.data.simulated else table
