"""The table of videos that a user brings with features: id, class and partitions of each, CSV or Parquet."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avgzsl_bench.data.datasets.facts import PARTITIONS, partition_bit
from avgzsl_bench.data.layouts.tree import disk_name
from avgzsl_bench.data.layouts.video_ids import video_ids
from avgzsl_bench.errors import DataError, one_line
from avgzsl_bench.system.files import os_reason

COLUMNS = ("video", "class", "partition")

_LARGEST_FILE = 1 << 28
"""Bytes, packed or unpacked. The largest dataset has 94,000 videos, some 60 bytes each."""

_MOST_ROWS = 5_000_000
_MOST_CELLS = 4 * _MOST_ROWS
_MOST_KNOWN = 1 << 14

_STAGE1 = tuple(p for p in PARTITIONS if p.startswith("stage1"))
_APART = (_STAGE1, ("stage2_train", "stage2_test_seen", "stage2_test_unseen"))
"""Partitions that share no video."""

_BITS = {name: partition_bit(p) for p in PARTITIONS for name in (p, disk_name(p))}


@dataclass(frozen=True)
class VideoTable:
    """The rows of a table, in its order.

    Attributes:
        video_id: `N` unique ids.
        class_name: as the table spells them, `N`.
        partition: uint8 `[N]`, as in `FeatureTable`; stage-2 training includes the stage-1 partitions.
    """

    video_id: list[str]
    class_name: list[str]
    partition: NDArray[np.uint8]


def read_video_table(path: Path) -> VideoTable:
    """The table of a file with the columns of `COLUMNS`; others are left alone.

    `partition` names one partition or several, with blanks or `;` between them. What is in a stage-1 partition
    is in `stage2_train` as well, whether or not it says so.

    Raises:
        DataError: unreadable, a column or a value missing, an id that occurs twice, a partition that does not
            exist, or a video in two that share none.
    """
    columns = read_columns(path, COLUMNS)
    videos, classes, cells = (columns[name] for name in COLUMNS)
    empty = next((i for i, name in enumerate(classes) if not name.strip()), None)
    if empty is not None:
        raise DataError(f"{path}: row {empty + 1}: no class")
    ids = video_ids(videos, path)
    masks = {cell: _mask(cell, path) for cell in dict.fromkeys(cells)}
    for cell, mask in masks.items():
        for group in _APART:
            both = [p for p in group if mask & partition_bit(p)]
            if len(both) > 1:
                raise DataError(
                    f"{path}: video {ids[cells.index(cell)]!r} is in {' and '.join(both)}, which share none"
                )
    return VideoTable(ids, classes, np.array([masks[cell] for cell in cells], np.uint8))


def _mask(cell: str, path: Path) -> int:
    names = [name for name in re.split(r"[;\s]+", cell) if name]
    unknown = [name for name in names if name not in _BITS]
    if unknown or not names:
        what = f"unknown partition {unknown[0][:60]!r}" if unknown else "a video without partition"
        raise DataError(f"{path}: {what}; known: {', '.join(PARTITIONS)}")
    mask = 0
    for name in names:
        mask |= _BITS[name]
    if any(mask & partition_bit(p) for p in _STAGE1):
        mask |= partition_bit("stage2_train")
    return mask


def read_columns(path: Path, wanted: tuple[str, ...] | None = None) -> dict[str, list[str]]:
    """Columns of a CSV or Parquet file as text.

    Args:
        path: the file.
        wanted: those to read; None: all of them.

    Raises:
        DataError: unreadable, of another kind, too large, without rows or without one of the columns.
    """
    readers = {".csv": _from_csv, ".parquet": _from_parquet}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise DataError(f"{path}: unknown kind of table; known: {', '.join(readers)}")
    try:
        if path.stat().st_size > _LARGEST_FILE:
            raise DataError(f"{path}: refused: larger than {_LARGEST_FILE >> 20} MiB")
        columns = reader(path, wanted)
    except DataError:
        raise
    except FileNotFoundError as error:
        raise DataError(f"{path}: no such file") from error
    except (OSError, ValueError, LookupError, TypeError, ArithmeticError, RuntimeError, MemoryError) as error:
        reason = os_reason(error) if isinstance(error, OSError) and error.errno else " ".join(str(error).split())
        raise DataError(f"{path}: damaged, or not a {path.suffix} file: {one_line(reason, 200)}") from error
    for name, values in columns.items():
        odd = next((i for i, value in enumerate(values) if not isinstance(value, str)), None)
        if odd is not None:
            raise DataError(f"{path}: row {odd + 1}: {name[:60]!r} is no text: {str(values[odd])[:40]!r}")
    return columns


def _from_csv(path: Path, wanted: tuple[str, ...] | None) -> dict[str, list[Any]]:
    """Columns of a file in which every row has as many values as the first; equal values are one object."""
    columns: dict[str, list[Any]] = {}
    names: list[str] = []
    rows = 0
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            lines = csv.reader(stream, strict=True)
            names = next(lines, [])
            if not names:
                raise ValueError("its first line is empty")
            _require_columns(path, names, wanted)
            columns = {name: [] for name in names if wanted is None or name in wanted}
            places = [(names.index(name), values.append, _Known()) for name, values in columns.items()]
            for row in lines:
                if not row:
                    continue  # a blank line
                rows += 1
                if len(row) != len(names):
                    raise DataError(
                        f"{path}: row {rows} has {len(row)} values, and the first line names {len(names)} columns"
                    )
                _require_size(path, rows, len(names))
                for place, append, known in places:
                    append(known[row[place]])
    except csv.Error as error:
        raise ValueError(str(error)) from error
    _require_size(path, rows, len(names))
    return columns


class _Known(dict[str, str]):
    """The values of a column, so that a class's name is kept once and not once a video; only so many values."""

    def __missing__(self, value: str) -> str:
        if len(self) < _MOST_KNOWN:
            self[value] = value
        return value


def _from_parquet(path: Path, wanted: tuple[str, ...] | None) -> dict[str, list[Any]]:
    """Columns of text, each value unpacked once: a file of kilobytes can repeat a long one for gigabytes."""
    try:
        from pyarrow import ArrowException
        from pyarrow.parquet import ParquetFile
    except ImportError as error:
        raise DataError(
            f"{path}: Parquet needs pyarrow: pip install 'avgzsl-bench[parquet]', or bring CSV"
        ) from error
    try:
        with ParquetFile(path) as file:
            about = file.metadata
            unpacked = sum(about.row_group(i).total_byte_size for i in range(about.num_row_groups))
            if unpacked > _LARGEST_FILE:
                raise DataError(f"{path}: refused: {unpacked:,} bytes when unpacked")
            names = [str(name) for name in file.schema_arrow.names]
            _require_columns(path, names, wanted)
            chosen = [name for name in names if wanted is None or name in wanted]
            _require_size(path, about.num_rows, len(chosen))
            text = {file.schema.column(i).path for i in range(len(file.schema)) if _is_text(file.schema.column(i))}
        other = next((name for name in chosen if name not in text), None)
        if other is not None:
            raise DataError(f"{path}: column {other[:60]!r} is no text")
        with ParquetFile(path, read_dictionary=chosen) as file:
            table = file.read(columns=chosen, use_threads=False)
        return {name: _values(table.column(name).chunks) for name in chosen}
    except ArrowException as error:
        raise ValueError(str(error)) from error


def _is_text(column: Any) -> bool:
    """Whether a column of a Parquet file holds plain text."""
    return bool(column.physical_type == "BYTE_ARRAY" and column.logical_type.type == "STRING")


def _values(chunks: list[Any]) -> list[Any]:
    """The values of a dictionary-encoded column; equal ones are one object."""
    values: list[Any] = []
    for chunk in chunks:
        words = [*chunk.dictionary.to_pylist(), None]
        values += [words[-1 if i is None else i] for i in chunk.indices.to_pylist()]
    return values


def _require_columns(path: Path, names: list[str], wanted: tuple[str, ...] | None) -> None:
    missing = [name for name in wanted or () if name not in names]
    if missing:
        has = one_line(", ".join(repr(name[:60]) for name in names), 200)
        raise DataError(f"{path}: has no column {missing[0]!r} (it has: {has or 'none'})")
    if len(set(names)) != len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise DataError(f"{path}: two columns are called {twice[:60]!r}")


def _require_size(path: Path, rows: int, columns: int) -> None:
    if not 0 < rows <= _MOST_ROWS:
        raise DataError(f"{path}: has {rows:,} rows; 1 to {_MOST_ROWS:,} will do")
    if rows * columns > _MOST_CELLS:
        raise DataError(f"{path}: refused: {rows:,} rows of {columns:,} columns")
