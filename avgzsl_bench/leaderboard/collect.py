"""From a folder of results to tables of records that may be compared with each other."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING

from avgzsl_bench.data.feature_sets import SIMULATED
from avgzsl_bench.errors import RecordError
from avgzsl_bench.record import Record, verify

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,39}")
"""What may become part of a file name."""
_TOKEN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:+-]{0,79}")


@dataclass(frozen=True, order=True)
class TableKey:
    """What the records of a table have in common; records that differ in any of it are never mixed."""

    simulated: bool
    dataset: str
    features: str
    split: str
    calibration: str
    text_order: str
    fingerprint: str
    split_hash: str


@dataclass(frozen=True)
class StoredRecord:
    """A checked record and where it lies."""

    path: Path
    record: Record


@dataclass(frozen=True)
class RecordTable:
    """The records of one table, in the order of their paths; at least one."""

    key: TableKey
    stored: tuple[StoredRecord, ...]


def find_records(folder: Path) -> list[Path]:
    """Every `.json` file below a folder, in a fixed order.

    Raises:
        RecordError: there is none, or no such folder.
    """
    found = sorted((p for p in folder.rglob("*.json") if not p.is_dir()), key=lambda p: p.parts)
    if not found:
        state = "no records in" if folder.is_dir() else "no folder"
        raise RecordError(f"{state} {folder}; make one with: avbench run --method mft --dataset ucf")
    return found


def collect(results: Path) -> list[RecordTable]:
    """Read and check all records below a folder and group those that may be compared.

    Raises:
        RecordError: no records, a file that is none, one that was altered, or two that contradict each other.
    """
    groups: dict[TableKey, list[StoredRecord]] = defaultdict(list)
    for path in find_records(results):
        stored = StoredRecord(path, verify(path))
        groups[_key(stored)].append(stored)
    for group in groups.values():
        _require_one_test(group)
    return [RecordTable(key, tuple(groups[key])) for key in sorted(groups, key=astuple)]


def _key(stored: StoredRecord) -> TableKey:
    data, calibration = stored.record.data, stored.record.calibration
    for pattern, field, value in (
        (_NAME, "data.dataset", data.dataset),
        (_NAME, "data.features", data.features),
        (_NAME, "data.split", data.split),
        (_NAME, "data.text_order", data.text_order),
        (_TOKEN, "data.fingerprint", data.fingerprint),
        (_TOKEN, "data.split_hash", data.split_hash),
        (_TOKEN, "calibration", calibration),
    ):
        if not pattern.fullmatch(value):
            raise RecordError(f"{stored.path}: {field}: {value!r} holds characters that no name has")
    return TableKey(
        simulated=data.simulated or data.features == SIMULATED,
        dataset=data.dataset,
        features=data.features,
        split=data.split,
        calibration=calibration,
        text_order=data.text_order,
        fingerprint=data.fingerprint,
        split_hash=data.split_hash,
    )


def _require_one_test(group: Iterable[StoredRecord]) -> None:
    """Records of the same data and split must have been tested on the same videos of the same classes."""
    first, *others = group
    expected = _test_of(first.record)
    for other in others:
        if _test_of(other.record) != expected:
            raise RecordError(
                f"{other.path}: other test classes or video counts than {first.path}, "
                "though data fingerprint and split are the same"
            )


def _test_of(record: Record) -> list[tuple[str, str, int]]:
    return [(c.name, c.role, c.videos) for c in record.classes]
