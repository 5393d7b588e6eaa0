"""Verification of records: every metric recomputed from the decisions."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

from avgzsl_bench.errors import AvbenchError, RecordError
from avgzsl_bench.gzsl.curve import EQUAL, SeenUnseenCurve, curve_of
from avgzsl_bench.gzsl.metrics import metrics_of
from avgzsl_bench.records.decisions_file import DecisionTable
from avgzsl_bench.records.record import Record, read_decisions, read_record, weights_path
from avgzsl_bench.system.files import file_sha256
from avgzsl_bench.system.folders import is_there

_TOLERANCE = 1e-9


def verify(path: Path) -> Record:
    """Read a record and recompute every figure in it from its decisions.

    Raises:
        RecordError: anything is damaged, altered or does not follow from the decisions; the file is named.
    """
    return read_verified(path).record


def has_weights(path: Path, record: Record) -> bool:
    """Check whether the checkpoints that a record names lie beside it, as they were written.

    Args:
        path: of the record.
        record: as read from there.

    Returns:
        False where it names none, or one is not there.

    Raises:
        RecordError: one was altered, or cannot be read.
    """
    named = record.weights or {}
    files = {stage: weights_path(path, stage) for stage in named}
    if not files or not all(map(is_there, files.values())):
        return False
    for stage, file in files.items():
        if (named[stage].file, named[stage].sha256) != (file.name, _sha256(file)):
            raise RecordError(f"{file}: altered: its sha256 is not the one in {path.name}")
    return True


def _sha256(file: Path) -> str:
    try:
        return file_sha256(file)
    except AvbenchError as error:
        raise RecordError(str(error)) from error


class Verified(NamedTuple):
    """A verified record with its decisions and their curve."""

    record: Record
    table: DecisionTable
    curve: SeenUnseenCurve


def read_verified(path: Path) -> Verified:
    """Read and verify a record; returns its decisions and their curve too.

    Raises:
        RecordError: anything is damaged, altered or does not follow from the decisions; the file is named.
    """
    record = read_record(path)
    table = read_decisions(path, record)
    truth = table.ground_truth(record.is_seen)
    curve = curve_of(table.decisions, truth)
    recomputed = metrics_of(table.decisions, truth, record.metrics.bias, curve)
    _compare(path, "metrics", asdict(record.metrics), asdict(recomputed))
    expected = table.class_accuracies(len(record.classes), record.metrics.bias)
    for stored, (count, accuracy) in zip(record.classes, expected, strict=True):
        if (stored.videos, stored.accuracy) != (count, accuracy):
            given = {"videos": stored.videos, "accuracy": stored.accuracy}
            _compare(path, f"classes[{stored.name!r}]", given, {"videos": count, "accuracy": accuracy})
    for role in ("seen", "unseen"):
        videos = sum(c.videos for c in record.classes if c.role == role)
        counted = record.data.counts.get(f"stage2_test_{role}", 0)
        if videos != counted:
            raise RecordError(
                f"{path}: counts: {counted} {role} test videos in data.counts, {videos} in classes and decisions"
            )
    _require_own_name(path, record)
    chosen = record.best_epoch
    if chosen > len(record.trace) or record.trace[chosen - 1].bias != record.metrics.bias:
        raise RecordError(f"{path}: metrics.bias is not the one of best_epoch {chosen} in the trace")
    highest = max(epoch.hm for epoch in record.trace)
    first_best = next(epoch.epoch for epoch in record.trace if epoch.hm >= highest - EQUAL)
    if first_best != chosen:
        raise RecordError(f"{path}: best_epoch is {chosen}, but the trace's highest HM is at {first_best}")
    return Verified(record, table, curve)


def _require_own_name(path: Path, record: Record) -> None:
    """Refuse a record whose id does not follow from its content: something in it was altered."""
    method, data = record.method, record.data
    for name, value in (("calibration", record.calibration), ("text_order", data.text_order)):
        if method.config.get(name, value) != value:
            raise RecordError(f"{path}: {name} is {value!r}, but method.config says {method.config[name]!r}")
    if record.run_id != record.id:
        raise RecordError(
            f"{path}: run_id is {record.run_id!r}, but method, code, numerics, settings, data, precision and seed "
            f"give {record.id!r}: one of them was altered"
        )


def _compare(path: Path, where: str, stored: Mapping[str, Any], actual: Mapping[str, Any]) -> None:
    for key, value in actual.items():
        given = stored[key]
        same = (
            math.isclose(given, value, rel_tol=0, abs_tol=_TOLERANCE)
            if isinstance(value, float) and isinstance(given, float)
            else given == value
        )
        if not same:
            raise RecordError(f"{path}: {where}.{key} is {given!r}, but the decisions give {value!r}")
