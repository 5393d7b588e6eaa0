"""The table of videos that a user brings with features: id, class and partitions of each video."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from avgzsl_bench.data.datasets.class_names import near_miss, plain_name
from avgzsl_bench.data.datasets.facts import PARTITIONS, STAGE1_BITS, partition_bit
from avgzsl_bench.data.layouts.tree import disk_name
from avgzsl_bench.data.layouts.video_ids import video_ids
from avgzsl_bench.data.own.table_file import Places, TextTable, read_columns
from avgzsl_bench.data.store.faults import partition_faults, refuse_faults
from avgzsl_bench.errors import DataError

COLUMNS = ("video", "class", "partition")

_BITS = {name: partition_bit(p) for p in PARTITIONS for name in (p, disk_name(p))}


@dataclass(frozen=True)
class VideoTable:
    """The rows of a table, in its order.

    Attributes:
        video_id: `N` unique ids.
        class_name: as the table spells them, in the form of `plain_name`: `N`.
        partition: uint8 `[N]`, as in `FeatureTable`; stage-2 training includes the stage-1 partitions.
        places: where the rows stand.
    """

    video_id: list[str]
    class_name: Sequence[str]
    partition: NDArray[np.uint8]
    places: Places


def read_video_table(path: Path) -> VideoTable:
    """Read the columns of `COLUMNS` from a file; others are ignored.

    `partition` names one partition or several, with blanks or `;` between them. A video of a stage-1 partition is
    in `stage2_train` as well, whether or not the table says so.

    Raises:
        DataError: unreadable, a column or a value missing, an id that occurs twice, a partition that does not
            exist, or a video in two that share none.
    """
    return videos_of(read_columns(path, COLUMNS))


def videos_of(table: TextTable) -> VideoTable:
    """Take the videos of a table with the columns of `COLUMNS`, as `read_video_table`.

    Raises:
        DataError: a value missing, an id that occurs twice, a partition that does not exist, or a video in two
            that share none.
    """
    path = table.places.path
    videos, classes, cells = (table.columns[name] for name in COLUMNS)
    plain = {name: plain_name(name) for name in dict.fromkeys(classes)}
    empty = next((i for i, name in enumerate(classes) if not plain[name]), None)
    if empty is not None:
        raise DataError(f"{table.places.of(empty)}: no class")
    ids = video_ids(videos, path)
    masks: dict[str, int] = {}
    for cell in dict.fromkeys(cells):
        try:
            masks[cell] = _mask(cell)
        except ValueError as error:
            raise DataError(f"{table.places.of(cells.index(cell))}: {error}") from error
    partition = np.array([masks[cell] for cell in cells], np.uint8)
    advice = "keep each video in one partition of a stage"
    refuse_faults(partition_faults(partition, ids), where=str(path), advice=advice)
    return VideoTable(ids, [plain[name] for name in classes], partition, table.places)


def _mask(cell: str) -> int:
    """Make the mask of a cell's partitions; ValueError for one that does not exist, or for none."""
    names = [name for name in re.split(r"[;\s]+", cell) if name]
    unknown = [name for name in names if name not in _BITS]
    if unknown or not names:
        what = f"unknown partition {unknown[0][:60]!r}" if unknown else "a video without partition"
        near = near_miss(unknown[0], PARTITIONS) if unknown else None
        meant = f"; did you mean {near!r}?" if near else ""
        raise ValueError(f"{what}{meant} (known: {', '.join(PARTITIONS)})")
    mask = reduce(or_, (_BITS[name] for name in names))
    if mask & STAGE1_BITS:
        mask |= partition_bit("stage2_train")
    return mask
