"""Tables of text that a user brings, CSV or Parquet: every value is text, and nothing else is accepted."""

from __future__ import annotations

import csv
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from avgzsl_bench.data.datasets.class_names import near_miss
from avgzsl_bench.errors import DataError, one_line
from avgzsl_bench.system.files import os_reason

_LARGEST_FILE = 1 << 28
"""Bytes, packed or unpacked. The largest dataset has 94,000 videos, some 60 bytes each."""

_MOST_ROWS = 5_000_000
_MOST_CELLS = 4 * _MOST_ROWS


@dataclass(frozen=True)
class Places:
    """Where the rows of a table stand, for errors.

    Attributes:
        path: the file.
        lines: of each row, the line on which it ends, counted from 1; None in files without lines.
    """

    path: Path
    lines: Sequence[int] | None

    def of(self, row: int) -> str:
        """Name the place of a row, counted from 0."""
        return f"{self.path}: row {row + 1}" if self.lines is None else f"{self.path}: line {self.lines[row]}"


@dataclass(frozen=True)
class TextTable:
    """Columns of text, by name in the order of the file, and the places of their rows."""

    columns: Mapping[str, Sequence[str]]
    places: Places


def read_columns(path: Path, required: Sequence[str] | None = None, optional: Sequence[str] = ()) -> TextTable:
    """Read columns of a CSV or Parquet file as text.

    pandas does not read the CSV: it fills up rows that are too short, and so would read a class without a role out
    of a line that was cut off.

    Args:
        required: columns to read; None: all of them.
        optional: columns to read beside the required ones where the table has them.

    Raises:
        DataError: unreadable, of another kind, too large, without rows or without one of the columns.
    """
    readers = {".csv": _read_csv, ".parquet": _read_parquet}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise DataError(f"{path}: unknown kind of table; known: {', '.join(readers)}")
    try:
        if path.stat().st_size > _LARGEST_FILE:
            raise DataError(f"{path}: refused: larger than {_LARGEST_FILE >> 20} MiB")
        columns, lines = reader(path, required, optional)
    except FileNotFoundError as error:
        raise DataError(f"{path}: no such file") from error
    except OSError as error:
        if error.errno:
            raise DataError(f"{path}: cannot be read: {os_reason(error)}") from error
        raise DataError(f"{path}: damaged, or not a {path.suffix} file: {one_line(str(error), 200)}") from error
    except (ValueError, LookupError, TypeError, ArithmeticError, RuntimeError, MemoryError) as error:
        raise DataError(f"{path}: damaged, or not a {path.suffix} file: {one_line(str(error), 200)}") from error
    places = Places(path, lines)
    for name, values in columns.items():
        odd = next((i for i, value in enumerate(values) if not isinstance(value, str)), None)
        if odd is not None:
            raise DataError(f"{places.of(odd)}: {name[:60]!r} is not text: {str(values[odd])[:40]!r}")
    return TextTable(columns, places)


def _read_csv(
    path: Path, required: Sequence[str] | None, optional: Sequence[str]
) -> tuple[dict[str, list[Any]], Sequence[int] | None]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            table = csv.DictReader(stream, strict=True)
            names = list(table.fieldnames or [])
            if not names:
                raise ValueError("its first line is empty")
            columns: dict[str, list[Any]] = {name: [] for name in _chosen(path, names, required, optional)}
            rows, lines = 0, array("L")
            for rows, row in enumerate(table, start=1):
                if None in row or None in row.values():
                    raise DataError(
                        f"{path}: line {table.line_num} has more or fewer values than the {len(names)} columns of "
                        "the first line"
                    )
                _require_size(path, rows, len(names))
                lines.append(table.line_num)
                for name, values in columns.items():
                    values.append(row[name])
            _require_size(path, rows, len(names))
            return columns, lines
    except csv.Error as error:
        raise ValueError(str(error)) from error


def _read_parquet(
    path: Path, required: Sequence[str] | None, optional: Sequence[str]
) -> tuple[dict[str, list[Any]], Sequence[int] | None]:
    """Read columns of text, each value unpacked once: a file of kilobytes can repeat a long one for gigabytes."""
    try:
        from pyarrow import ArrowException
        from pyarrow.parquet import ParquetFile
    except ImportError as error:
        raise DataError(f"{path}: Parquet needs pyarrow: pip install 'pyarrow>=15', or bring CSV") from error
    try:
        with ParquetFile(path) as file:
            about = file.metadata
            unpacked = sum(about.row_group(i).total_byte_size for i in range(about.num_row_groups))
            if unpacked > _LARGEST_FILE:
                raise DataError(f"{path}: refused: {unpacked:,} bytes when unpacked")
            chosen = _chosen(path, [str(name) for name in file.schema_arrow.names], required, optional)
            _require_size(path, about.num_rows, len(chosen))
            stored = (file.schema.column(i) for i in range(len(file.schema)))
            text = {c.path for c in stored if (c.physical_type, c.logical_type.type) == ("BYTE_ARRAY", "STRING")}
        other = next((name for name in chosen if name not in text), None)
        if other is not None:
            raise DataError(f"{path}: column {other[:60]!r} is not text")
        with ParquetFile(path, read_dictionary=chosen) as file:
            frame = file.read(columns=chosen, use_threads=False).to_pandas(ignore_metadata=True)
        return {name: frame[name].astype(object).tolist() for name in chosen}, None
    except ArrowException as error:
        raise ValueError(str(error)) from error


def _chosen(
    path: Path, names: Sequence[str], required: Sequence[str] | None, optional: Sequence[str]
) -> list[str]:
    """Give the columns to read, in the order of the file."""
    missing = [name for name in required or () if name not in names]
    if missing:
        raise missing_column(path, missing[0], names)
    if len(set(names)) != len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise DataError(f"{path}: two columns are called {twice[:60]!r}")
    return [name for name in names if required is None or name in required or name in optional]


def missing_column(path: Path, name: str, names: Sequence[str]) -> DataError:
    """Make the error for a table without a column; it names those that the table has."""
    has = one_line(", ".join(repr(other[:60]) for other in names), 200)
    near = near_miss(name, names)
    advice = f"; rename {near!r} to {name!r}" if near else ""
    return DataError(f"{path}: has no column {name!r} (it has: {has or 'none'}){advice}")


def _require_size(path: Path, rows: int, columns: int) -> None:
    if not 0 < rows <= _MOST_ROWS:
        raise DataError(f"{path}: has {rows:,} rows, expected 1 to {_MOST_ROWS:,}")
    if rows * columns > _MOST_CELLS:
        raise DataError(f"{path}: refused: {rows:,} rows of {columns:,} columns")
