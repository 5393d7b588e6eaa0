"""Content of a class file: the videos of one class end to end, checked and brought to float32."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avgzsl_bench.data.store.blocks import all_finite
from avgzsl_bench.errors import DataError


@dataclass(frozen=True)
class ClassFile:
    """The videos of one class in one partition and modality.

    Attributes:
        video_id: `N` unique ids.
        values: float32 `[S, D]`: vectors, `S = N`, or the steps of sequences.
        offsets: int64 `[N + 1]`, video `i` is `values[offsets[i]:offsets[i + 1]]`.
    """

    video_id: list[str]
    values: NDArray[np.float32]
    offsets: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.video_id)

    def video(self, index: int) -> NDArray[np.float32]:
        """Give one video, float32 `[T, D]`."""
        return self.values[self.offsets[index] : self.offsets[index + 1]]


ClassFileReader = Callable[[Path, int], ClassFile]
"""Reads a class file whose vectors have a given width."""


def make_class_file(
    video_id: list[str], arrays: NDArray[Any] | Sequence[NDArray[Any]], width: int, path: Path
) -> ClassFile:
    """Make a class file of arrays as stored, as float32 end to end.

    Args:
        video_id: `N` ids.
        arrays: real numbers: `[N, width]`, one vector per video, or one sequence `[T, width]` per video.
        width: of the vectors.
        path: the file to name in the error.

    Raises:
        DataError: values that are no real numbers, or not finite (in float32).
    """
    with np.errstate(over="ignore"):
        if isinstance(arrays, np.ndarray):
            offsets = np.arange(len(arrays) + 1)
            _require_real(arrays, video_id[0] if video_id else "", path)
            values = arrays.astype(np.float32, copy=False)
        else:
            offsets = np.cumsum([0, *map(len, arrays)])
            values = np.empty((int(offsets[-1]), width), np.float32)
            for i, array in enumerate(arrays):
                _require_real(array, video_id[i], path)
                values[offsets[i] : offsets[i + 1]] = array
    file = ClassFile(video_id, values, offsets)
    if not all_finite(values):
        bad = next(i for i in range(len(file)) if not np.isfinite(file.video(i)).all())
        raise DataError(f"{path}: video {video_id[bad]!r} holds a value that is not finite")
    return file


def _require_real(values: NDArray[Any], video: str, path: Path) -> None:
    if values.dtype.kind not in "fiu":
        raise DataError(f"{path}: video {video!r} has values of type {values.dtype}")
