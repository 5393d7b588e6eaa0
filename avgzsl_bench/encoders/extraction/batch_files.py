"""Finished batches of an extraction on disk: what an interrupted one goes on from."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from avgzsl_bench.encoders.clips.clip import Clip
from avgzsl_bench.system.files import atomic_file

_FAULTS = (OSError, ValueError, KeyError, TypeError, EOFError, BadZipFile)
"""What reading a file that is gone, damaged or another's raises."""


@dataclass(frozen=True)
class Source:
    """A clip and the state of its file when it was decoded; another state means that the clip may be another.

    Attributes:
        video: id of the clip.
        path: of the file; `start` and `end` where the clip is a stretch of it.
        size, modified: of the file, in bytes and nanoseconds; -1 and 0 if it is gone.
    """

    video: str
    path: str
    start: float | None
    end: float | None
    size: int
    modified: int

    @classmethod
    def of(cls, clip: Clip) -> Source:
        """Look at the file of a clip."""
        try:
            state = os.stat(clip.path)
            size, modified = state.st_size, state.st_mtime_ns
        except OSError:
            size, modified = -1, 0
        return cls(clip.video_id, str(clip.path), clip.stretch.start, clip.stretch.end, size, modified)


@dataclass(frozen=True)
class ClipOutcome:
    """What came of a clip: vectors, or the reason why there are none.

    Attributes:
        reason: why it was left out; empty: it was taken.
        notes: what is odd about a clip that was taken.
        audio_steps, visual_steps: rows of its vectors; 0 where it was left out.
    """

    reason: str
    notes: tuple[str, ...]
    audio_steps: int
    visual_steps: int


@dataclass(frozen=True)
class Batch:
    """A finished batch.

    Attributes:
        sources: of all its clips, in order.
        outcomes: of all its clips, in order.
        audio, visual: float32 `[steps, D]`, the vectors of the clips that were taken, one after another.
        seconds: that it took, by what they were spent on.
    """

    sources: tuple[Source, ...]
    outcomes: tuple[ClipOutcome, ...]
    audio: NDArray[np.float32]
    visual: NDArray[np.float32]
    seconds: Mapping[str, float]


def batch_path(folder: Path, number: int) -> Path:
    """Give the file of a batch."""
    return folder / f"batch-{number:06d}.npz"


def write_batch(path: Path, batch: Batch) -> None:
    """Write a batch whole or not at all.

    Raises:
        AvbenchError: the folder cannot be written to, or the disk is full.
    """
    header = {
        "sources": [asdict(source) for source in batch.sources],
        "outcomes": [asdict(outcome) for outcome in batch.outcomes],
        "seconds": dict(batch.seconds),
    }
    text = np.frombuffer(json.dumps(header).encode(), np.uint8)
    with atomic_file(path) as temporary, temporary.open("wb") as stream:
        np.savez(stream, audio=batch.audio, visual=batch.visual, header=text)


def is_finished(path: Path, sources: Sequence[Source]) -> bool:
    """Tell whether there is a batch of these clips, in that state; its vectors may be damaged still."""
    try:
        with np.load(path, allow_pickle=False) as file:
            return _header(file, sources) is not None
    except _FAULTS:
        return False


def read_batch(path: Path, sources: Sequence[Source]) -> Batch | None:
    """Read a batch; None if there is none, it is damaged, or its clips are not those, in that state."""
    try:
        with np.load(path, allow_pickle=False) as file:
            header = _header(file, sources)
            if header is None:
                return None
            outcomes = tuple(ClipOutcome(**{**o, "notes": tuple(o["notes"])}) for o in header["outcomes"])
            batch = Batch(tuple(sources), outcomes, file["audio"], file["visual"], header["seconds"])
    except _FAULTS:
        return None
    return batch if _consistent(batch) else None


def _header(file: Any, sources: Sequence[Source]) -> dict[str, Any] | None:
    """Read what a batch says of its clips; None if they are others."""
    header: dict[str, Any] = json.loads(file["header"].tobytes())
    return header if header["sources"] == [asdict(source) for source in sources] else None


def _consistent(batch: Batch) -> bool:
    audio = sum(outcome.audio_steps for outcome in batch.outcomes)
    visual = sum(outcome.visual_steps for outcome in batch.outcomes)
    return (len(batch.audio), len(batch.visual), len(batch.outcomes)) == (audio, visual, len(batch.sources))
