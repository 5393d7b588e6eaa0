"""The table of videos that a user brings with features: id, class and partitions of each, CSV or Parquet."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from avgzsl_bench.data.datasets import PARTITIONS, partition_bit
from avgzsl_bench.data.official.tree import disk_name
from avgzsl_bench.data.official.video_ids import video_ids
from avgzsl_bench.errors import DataError
from avgzsl_bench.files import os_reason

COLUMNS = ("video", "class", "partition")

_LARGEST_FILE = 1 << 28
"""Bytes, packed or unpacked. The largest dataset has 94,000 videos, some 60 bytes each."""

_MOST_ROWS = 5_000_000

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
        what = f"unknown partition {unknown[0]!r}" if unknown else "a video without partition"
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
        frame = reader(path, wanted)
    except DataError:
        raise
    except FileNotFoundError as error:
        raise DataError(f"{path}: no such file") from error
    except (OSError, ValueError, LookupError, TypeError, ArithmeticError, RuntimeError, MemoryError) as error:
        reason = os_reason(error) if isinstance(error, OSError) and error.errno else " ".join(str(error).split())
        raise DataError(f"{path}: damaged, or not a {path.suffix} file: {reason[:200]}") from error
    names = [str(name) for name in frame.columns]
    missing = [name for name in wanted or () if name not in names]
    if missing:
        raise DataError(
            f"{path}: has no column {missing[0]!r} (it has: {', '.join(map(repr, names))[:200] or 'none'})"
        )
    if not len(frame) or len(frame) > _MOST_ROWS:
        raise DataError(f"{path}: has {len(frame):,} rows; 1 to {_MOST_ROWS:,} will do")
    columns = {name: frame[name].tolist() for name in wanted or names}
    for name, values in columns.items():
        odd = next((i for i, value in enumerate(values) if not isinstance(value, str)), None)
        if odd is not None:
            raise DataError(f"{path}: row {odd + 1}: {name!r} is no text: {str(values[odd])[:40]!r}")
    return columns


def _from_csv(path: Path, wanted: tuple[str, ...] | None) -> pd.DataFrame:
    return pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig", nrows=_MOST_ROWS + 1)


def _from_parquet(path: Path, wanted: tuple[str, ...] | None) -> pd.DataFrame:
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
            if about.num_rows > _MOST_ROWS or unpacked > _LARGEST_FILE:
                raise DataError(f"{path}: refused: {about.num_rows:,} rows, {unpacked:,} bytes when unpacked")
            names = file.schema_arrow.names
        chosen = [name for name in names if wanted is None or name in wanted]
        # As plain objects, here: text that is none is found when it is looked at.
        return pd.read_parquet(path, engine="pyarrow", columns=chosen).astype(object)
    except ArrowException as error:
        raise ValueError(str(error)) from error
