"""The table that says which file, or which stretch of one, is which video."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from avgzsl_bench.data.datasets.facts import Dataset
from avgzsl_bench.data.datasets.video_list import VideoList
from avgzsl_bench.data.own.table_file import TextTable, read_columns
from avgzsl_bench.data.own.video_table import COLUMNS, VideoTable, videos_of
from avgzsl_bench.encoders.clips.clip import Stretch
from avgzsl_bench.encoders.clips.matching import MISSING, NO_FILE, Matched, left_out, make_clip
from avgzsl_bench.errors import DataError

PATH, TIMES = "path", ("start", "end")


@dataclass(frozen=True)
class ClipTable:
    """The rows of a table.

    Attributes:
        videos: id, class and partitions of each row.
        place: the file of each row, below the folder of videos.
        stretch: what to take of each file.
    """

    videos: VideoTable
    place: list[str]
    stretch: list[Stretch]


def read_clip_table(path: Path) -> ClipTable:
    """Read a table, .csv or .parquet.

    Columns: `video`, `class` and `partition` as `read_video_table` has them; `path`, below the folder of videos,
    with `/`; and where the table has them `start` and `end` in seconds, which may be empty.

    Raises:
        DataError: as `read_video_table`, a path that leads out of the folder, or times that make no stretch.
    """
    table = read_columns(path, (*COLUMNS, PATH), optional=TIMES)
    videos = videos_of(table)
    places = [_place(table, row, text) for row, text in enumerate(table.columns[PATH])]
    start, end = (_times(table, name, len(places)) for name in TIMES)
    stretches = [Stretch(*times) for times in zip(start, end, strict=True)]
    for row, (first, last) in enumerate(zip(start, end, strict=True)):
        if last is not None and last <= (first or 0.0):
            raise DataError(f"{table.places.of(row)}: 'end' {last:g} is not after 'start' {first or 0.0:g}")
    return ClipTable(videos, places, stretches)


def match_rows(table: ClipTable, folder: Path, dataset: Dataset, lists: VideoList) -> Matched:
    """Find the file of each row; those of the lists are the rows of the table.

    Raises:
        DataError: a folder on the way is a link that leads out of the folder of videos.
    """
    clips, out = [], []
    for parent in dict.fromkeys(place.rpartition("/")[0] for place in table.place):
        _require_inside(folder / parent, folder)
    for row, place in enumerate(table.place):
        path = folder / place
        if path.is_file():
            clips.append(make_clip(dataset, lists, row, folder, place, table.stretch[row]))
        else:
            out.append(left_out(dataset, lists, row, place, NO_FILE if os.path.lexists(path) else MISSING))
    return clips, out


def _require_inside(path: Path, folder: Path) -> None:
    if not Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder)):
        raise DataError(f"{path}: refused: a link that leaves {folder}")


def _place(table: TextTable, row: int, text: str) -> str:
    """Bring a path to one form, in which it cannot lead upwards."""
    path = PurePosixPath(text)
    if not text.strip() or not text.isprintable():
        raise DataError(f"{table.places.of(row)}: 'path' is empty or not printable")
    if path.is_absolute() or ".." in path.parts or not path.parts:
        raise DataError(f"{table.places.of(row)}: path {text[:80]!r} is not below the folder of videos")
    return str(path)


def _times(table: TextTable, name: str, rows: int) -> list[float | None]:
    if name not in table.columns:
        return [None] * rows
    return [_seconds(table, name, row, text.strip()) for row, text in enumerate(table.columns[name])]


def _seconds(table: TextTable, name: str, row: int, text: str) -> float | None:
    if not text:
        return None
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not (seconds >= 0 and math.isfinite(seconds)):
        raise DataError(
            f"{table.places.of(row)}: {name!r} is {text[:40]!r}, expected seconds, 0 or more, or nothing"
        )
    return seconds
