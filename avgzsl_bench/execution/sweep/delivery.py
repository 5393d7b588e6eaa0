"""A finished run on its way from another machine: the content of its files, checked before it is kept."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from avgzsl_bench.errors import AvbenchError, RecordError
from avgzsl_bench.execution.sweep.engine import Finished
from avgzsl_bench.execution.sweep.job import Job
from avgzsl_bench.system.files import os_reason
from avgzsl_bench.system.locks import writing_alone

if TYPE_CHECKING:
    from avgzsl_bench.execution.plan import Plan
    from avgzsl_bench.records.record import Record, Stage

LARGEST = 1 << 28
"""Bytes of a record or of its decisions that are taken in, at most."""

LARGEST_WEIGHTS = 1 << 33
"""Bytes of a checkpoint that are taken in, at most."""


@dataclass(frozen=True)
class Delivery:
    """A finished run: its duration, and the content of its files, with the checkpoints that were saved."""

    seconds: float
    record: bytes
    decisions: bytes
    weights: Mapping[Stage, bytes]


def delivery_of(finished: Finished, device: str) -> Delivery:
    """Read what a job that ran on a device has just left in its own folder of results."""
    from avgzsl_bench.records.record import STAGES, weights_path

    path = finished.job.plan(device).path
    places: dict[Stage, Path] = {stage: weights_path(path, stage) for stage in STAGES}
    weights = {stage: place.read_bytes() for stage, place in places.items() if place.exists()}
    return Delivery(finished.seconds, path.read_bytes(), path.with_suffix(".npz").read_bytes(), weights)


def keep_delivery(job: Job, delivery: Delivery) -> Finished:
    """Verify what came back of a job, and put it where its record belongs, whole or not at all.

    If another process has finished the run meanwhile, its record stays.

    Raises:
        RecordError: it is too large, no record, damaged, or of another run than the job's.
        AvbenchError: the folder of the results or that of temporary files cannot be written to.
    """
    from avgzsl_bench.execution.earlier import require_same_figures
    from avgzsl_bench.records.record import write_record

    plan = job.plan(None)
    try:
        record = _verified(plan, delivery)
    except OSError as error:
        raise AvbenchError(f"what came back cannot be kept in a temporary file: {os_reason(error)}") from error
    with writing_alone(plan.path, warnings.warn):
        kept = plan.finished()
        if kept is None:
            require_same_figures(plan, record)
            write_record(plan.path, record, delivery.decisions, delivery.weights)
    return Finished(job, delivery.seconds, (kept or record).metrics.hm)


def _verified(plan: Plan, delivery: Delivery) -> Record:
    """Verify that the record that came back is the plan's."""
    from avgzsl_bench.records.record import weights_path

    with TemporaryDirectory(prefix="avbench-") as folder:
        staged = replace(plan, options=replace(plan.options, out=folder))
        staged.path.parent.mkdir(parents=True)
        files = {staged.path: delivery.record, staged.path.with_suffix(".npz"): delivery.decisions}
        files |= {weights_path(staged.path, stage): content for stage, content in delivery.weights.items()}
        for path, content in files.items():
            if len(content) > (LARGEST_WEIGHTS if path.suffix == ".safetensors" else LARGEST):
                raise RecordError(f"what came back is too large: {path.name} has {len(content)} bytes")
            path.write_bytes(content)
        try:
            record = staged.finished()
        except RecordError as error:
            reason = str(error.__cause__ or error).replace(f"{staged.path.parent}/", "")
            raise RecordError(f"what came back is not the run's record: {reason}") from error
    if record is None:
        raise RecordError("what came back has no weights, although they were to be saved")
    return record
