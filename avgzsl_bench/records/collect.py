"""From a folder of results to tables of records that may be compared with each other."""

from __future__ import annotations

import gc
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from avgzsl_bench.data.data_spec import DataSpec
from avgzsl_bench.data.datasets.feature_sets import SIMULATED
from avgzsl_bench.errors import RecordError
from avgzsl_bench.gzsl.calibration import GRID_NAMES
from avgzsl_bench.gzsl.curve import SeenUnseenCurve
from avgzsl_bench.records.decisions_file import DecisionTable
from avgzsl_bench.records.record import Record
from avgzsl_bench.records.verify import read_verified
from avgzsl_bench.system.files import folder_fault, os_reason

_ADVICE = "make a record with: avbench run --method mft --dataset ucf"


@dataclass(frozen=True)
class BoardKey:
    """What the records of a board have in common; records that differ in any of it are never mixed.

    Attributes:
        data: the data, without sequences and added texts, in which rows of a board may differ.
        calibration: the rule that chose the bias.
    """

    data: DataSpec
    calibration: str

    @classmethod
    def of(cls, record: Record) -> BoardKey:
        """Make the key of a record's board."""
        data = {name: getattr(record.data, name) for name in DataSpec.model_fields}
        own = {"simulated": record.data.simulated or record.data.features == SIMULATED}
        shared = {"sequences": False, "added_text": {}}
        return cls(DataSpec(**data | own | shared), GRID_NAMES.get(record.calibration, record.calibration))

    @property
    def parts(self) -> tuple[bool | str, ...]:
        """Everything that distinguishes the key, to group and sort by and to make a digest of."""
        data = self.data
        names = (data.simulated, data.dataset, data.features, data.split)
        return (*names, self.calibration, data.text_order, data.fingerprint, data.split_hash)

    def __hash__(self) -> int:
        return hash(self.parts)


@dataclass(frozen=True)
class StoredRecord:
    """A checked record, where it lies, and what it was checked with: its decisions and their curve."""

    path: Path
    record: Record
    table: DecisionTable = field(compare=False, repr=False)
    curve: SeenUnseenCurve = field(compare=False, repr=False)


@dataclass(frozen=True)
class RecordTable:
    """The records of one table, in the order of their paths; at least one."""

    key: BoardKey
    stored: tuple[StoredRecord, ...]


def find_records(folder: Path) -> list[Path]:
    """Every `.json` file below a folder, in a fixed order.

    Raises:
        RecordError: there is none, or the folder cannot be looked into.
    """
    fault = folder_fault(folder)
    if fault is not None:
        raise RecordError(f"{folder}: {fault}; {_ADVICE}")
    found = sorted(json_files(folder), key=lambda p: p.parts)
    if not found:
        raise RecordError(f"no records in {folder}; {_ADVICE}")
    return found


def json_files(folder: Path) -> Iterator[Path]:
    """Every `.json` file below a folder, in no fixed order.

    Raises:
        RecordError: a folder cannot be looked into, or is a link.
    """

    def refuse(error: OSError) -> None:
        raise RecordError(f"{error.filename}: cannot be looked into: {os_reason(error)}") from error

    for place, folders, files in os.walk(folder, onerror=refuse):
        linked = next((Path(place, name) for name in folders if os.path.islink(Path(place, name))), None)
        if linked is not None:
            raise RecordError(f"{linked}: a link to a folder, which is not followed; name the folder itself")
        yield from (Path(place, name) for name in files if name.endswith(".json"))


def collect(results: Path) -> list[RecordTable]:
    """Read and check all records below a folder and group those that may be compared.

    Raises:
        RecordError: no records, a file that is none, one that was altered, or two that contradict each other.
    """
    groups: dict[BoardKey, list[StoredRecord]] = defaultdict(list)
    with _uncollected():
        for path in find_records(results):
            stored = _verified(path, results)
            groups[BoardKey.of(stored.record)].append(stored)
    for group in groups.values():
        require_one_test(group)
    _require_one_origin([stored for group in groups.values() for stored in group])
    return [RecordTable(key, tuple(groups[key])) for key in sorted(groups, key=lambda key: key.parts)]


@contextmanager
def _uncollected() -> Iterator[None]:
    """Pause garbage collection: records are many small objects in no cycles."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _verified(path: Path, results: Path) -> StoredRecord:
    try:
        return StoredRecord(path, *read_verified(path))
    except RecordError as error:
        raise RecordError(f"{error}; make its run again, or move {path.name} out of {results}") from error


def require_one_test(group: Iterable[StoredRecord]) -> None:
    """Require that records of the same data and split were tested on the same videos, in the same order.

    Raises:
        RecordError: they were not, or say so.
    """
    first, *others = group
    expected = _test_of(first.record)
    for other in others:
        if _test_of(other.record) != expected:
            raise RecordError(
                f"{other.path}: other classes or video counts than {first.path}, "
                "though data fingerprint and split are the same"
            )
        if not np.array_equal(other.table.label, first.table.label):
            raise RecordError(
                f"{other.path}: its test videos stand in another order than those of {first.path}, though data "
                "fingerprint and split are the same"
            )


def _require_one_origin(records: Iterable[StoredRecord]) -> None:
    """Require that a data fingerprint stands for one feature set of one dataset, simulated or not."""
    known: dict[str, tuple[tuple[str, str, bool], StoredRecord]] = {}
    for stored in records:
        data = stored.record.data
        origin = (data.dataset, data.features, data.simulated)
        expected, first = known.setdefault(data.fingerprint, (origin, stored))
        if origin != expected:
            raise RecordError(
                f"{stored.path}: other dataset, features or 'simulated' than {first.path}, though the data "
                "fingerprint is the same"
            )


def _test_of(record: Record) -> tuple[dict[str, int], list[tuple[str, str, int]]]:
    return record.data.counts, [(c.name, c.role, c.videos) for c in record.classes]
