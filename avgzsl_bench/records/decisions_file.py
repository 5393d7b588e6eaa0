"""The decisions of a run on disk: for each test video its id, label, best seen class, best unseen class and gap.

Files from before the ids were stored have none.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tokenize import TokenError
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avgzsl_bench.data.store.table import LONGEST_ID
from avgzsl_bench.errors import AvbenchError, RecordError
from avgzsl_bench.gzsl.decisions import Decisions, GroundTruth
from avgzsl_bench.system.files import content_of

_COLUMNS = ("label", "best_seen", "best_unseen", "gap")
_IDS = "video_id"
"""The ids, one a line in UTF-8, as bytes: a column of text would be as wide as its longest id, or pickled."""
_WIDEST, _LARGEST_HEADER = 8, 1 << 12
"""Bytes per number of a column, and bytes before the numbers, at most."""
_WIDEST_ID = 4 * LONGEST_ID + 1
"""Bytes of a line of ids, at most."""
_UNREADABLE = (
    *(ValueError, KeyError, IndexError, OSError, EOFError, MemoryError, RuntimeError),
    *(SyntaxError, TokenError, zipfile.BadZipFile, zlib.error),
)
"""What NumPy and zipfile raise on an archive that is damaged, encrypted, made to be too large, or none."""


@dataclass(frozen=True)
class DecisionTable:
    """What the decisions file holds, as arrays.

    Attributes:
        label: int64 `[N]`, true class of each test video: a position in the record's `classes`.
        decisions: best seen and best unseen class (positions likewise) and gap, in the order of the store.
        ids: ids of the videos, one a line; None where the file has none. They are not split before `video_id` is
            asked for: a folder of records has the same ids many times.
    """

    label: NDArray[np.int64]
    decisions: Decisions
    ids: str | None = None

    @property
    def video_id(self) -> tuple[str, ...] | None:
        """Ids of the `N` videos; None where the file has none."""
        return None if self.ids is None else tuple(self.ids.split("\n"))

    def to_bytes(self) -> bytes:
        """Encode the table as an `.npz` archive, the same bytes for the same content."""
        buffer = io.BytesIO()
        ids: dict[str, Any] = {} if self.ids is None else {_IDS: np.frombuffer(self.ids.encode(), np.uint8)}
        np.savez_compressed(
            buffer,
            label=self.label.astype(np.int32),
            best_seen=self.decisions.best_seen.astype(np.int32),
            best_unseen=self.decisions.best_unseen.astype(np.int32),
            gap=self.decisions.gap,
            **ids,
        )
        return buffer.getvalue()

    def ground_truth(self, seen: Sequence[bool]) -> GroundTruth:
        """Give the truth of the decisions; `seen` says of each class whether it is a seen one."""
        is_seen = np.array(seen)
        return GroundTruth(self.label, np.flatnonzero(is_seen), np.flatnonzero(~is_seen))

    def class_accuracies(self, classes: int, bias: float) -> list[tuple[int, float | None]]:
        """Count the videos of each class, and compute its accuracy at a bias; None without videos."""
        hit = self.decisions.predict(bias) == self.label
        count = np.bincount(self.label, minlength=classes).tolist()
        right = np.bincount(self.label, weights=hit, minlength=classes).tolist()
        return [(n, r / n if n else None) for n, r in zip(count, right, strict=True)]


def read_decision_table(file: Path, sha256: str, videos: int, seen: Sequence[bool]) -> DecisionTable:
    """Read a decisions file, checked against its record.

    Args:
        file: the `.npz` file.
        sha256: its hash according to the record.
        videos: number of test videos.
        seen: for each class of the record, whether it is a seen class.

    Raises:
        RecordError: missing, altered or damaged.
    """
    content = bytes_of(file)
    if hashlib.sha256(content).hexdigest() != sha256:
        raise RecordError(f"{file}: altered: its sha256 is not the one in {file.with_suffix('.json').name}")
    n, k = videos, len(seen)
    try:
        _require_small(content, {**dict.fromkeys(_COLUMNS, n * _WIDEST), _IDS: n * _WIDEST_ID})
        archive = np.load(io.BytesIO(content), allow_pickle=False)
        columns = {name: np.asarray(archive[name]) for name in _COLUMNS}
        stored_ids = np.asarray(archive[_IDS]) if _IDS in archive.files else None
    except _UNREADABLE as error:
        reason = " ".join(str(error).split())[:200]
        raise RecordError(f"{file}: not a decisions file: {reason}") from error
    gap = columns.pop("gap")
    whole = all(c.shape == (n,) and c.dtype.kind == "i" for c in columns.values())
    if not (whole and gap.shape == (n,) and gap.dtype.kind == "f"):
        raise RecordError(f"{file}: the record says {n} videos, the columns are of other lengths or kinds")
    if not np.isfinite(gap).all() or any(c.min() < 0 or c.max() >= k for c in columns.values()):
        raise RecordError(f"{file}: a gap is not finite or a class is not among the record's {k}")
    label, best_seen, best_unseen = (column.astype(np.int64) for column in columns.values())
    is_seen = np.array(seen)
    if not is_seen[best_seen].all() or is_seen[best_unseen].any():
        raise RecordError(f"{file}: the role of a best seen or best unseen class is another in the record")
    decisions = Decisions(best_seen, best_unseen, gap.astype(np.float64))
    return DecisionTable(label, decisions, None if stored_ids is None else _checked_ids(file, stored_ids, n))


def _checked_ids(file: Path, stored: NDArray[Any], videos: int) -> str:
    """Give the ids of a file, one a line."""
    if stored.dtype != np.uint8 or stored.ndim != 1:
        raise RecordError(f"{file}: the video ids are not a column of bytes")
    try:
        ids = stored.tobytes().decode()
    except UnicodeDecodeError as error:
        raise RecordError(f"{file}: the video ids are not UTF-8: {error.reason}") from error
    if (count := ids.count("\n") + 1) != videos:
        raise RecordError(f"{file}: the record says {videos} videos, and there are {count} video ids")
    listed = ids.split("\n")
    proper = (0 < len(one) <= LONGEST_ID and one.isprintable() for one in listed)
    bad = next((video for video, is_proper in enumerate(proper) if not is_proper), None)
    if bad is not None:
        raise RecordError(
            f"{file}: the id of video {bad} is empty, longer than {LONGEST_ID} characters or not printable"
        )
    if len(set(listed)) != videos:
        raise RecordError(f"{file}: a video id occurs twice")
    return ids


def _require_small(archive: bytes, most: Mapping[str, int]) -> None:
    """Refuse an archive with a column that unpacks to more bytes than it may, beside its header."""
    with zipfile.ZipFile(io.BytesIO(archive)) as listed:
        for item in listed.infolist():
            if item.file_size > most.get(item.filename.removesuffix(".npy"), 0) + _LARGEST_HEADER:
                raise ValueError(f"{item.filename!r} unpacks to {item.file_size} bytes")


def bytes_of(path: Path) -> bytes:
    """Content of a file of a record.

    Raises:
        RecordError: missing or unreadable.
    """
    try:
        content = content_of(path)
    except AvbenchError as error:
        raise RecordError(str(error)) from error
    if content is None:
        raise RecordError(f"{path}: cannot be read: no such file")
    return content
