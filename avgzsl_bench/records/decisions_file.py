"""The decisions of a run on disk: for each test video its label, best seen class, best unseen class and gap."""

from __future__ import annotations

import hashlib
import io
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tokenize import TokenError

import numpy as np
from numpy.typing import NDArray

from avgzsl_bench.errors import AvbenchError, RecordError
from avgzsl_bench.gzsl.decisions import Decisions
from avgzsl_bench.system.files import content_of

_COLUMNS = ("label", "best_seen", "best_unseen", "gap")
_WIDEST, _LARGEST_HEADER = 8, 1 << 12
"""Bytes per number of a column, and bytes before the numbers, at most."""
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
    """

    label: NDArray[np.int64]
    decisions: Decisions

    def to_bytes(self) -> bytes:
        """Encode the table as an `.npz` archive, the same bytes for the same content."""
        buffer = io.BytesIO()
        np.savez_compressed(
            buffer,
            label=self.label.astype(np.int32),
            best_seen=self.decisions.best_seen.astype(np.int32),
            best_unseen=self.decisions.best_unseen.astype(np.int32),
            gap=self.decisions.gap,
        )
        return buffer.getvalue()

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
        _require_small(content, len(_COLUMNS) * (n * _WIDEST + _LARGEST_HEADER))
        archive = np.load(io.BytesIO(content), allow_pickle=False)
        columns = {name: np.asarray(archive[name]) for name in _COLUMNS}
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
    return DecisionTable(label=label, decisions=Decisions(best_seen, best_unseen, gap.astype(np.float64)))


def _require_small(archive: bytes, limit: int) -> None:
    """Refuse an archive that unpacks to more bytes than the decisions take."""
    with zipfile.ZipFile(io.BytesIO(archive)) as listed:
        size = sum(item.file_size for item in listed.infolist())
    if size > limit:
        raise ValueError(f"it unpacks to {size} bytes")


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
