"""Arrays as found in class files, checked and brought to float32."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avgzsl_bench.data.layouts.class_file import ClassFile
from avgzsl_bench.data.store.blocks import all_finite
from avgzsl_bench.errors import DataError


def class_file(
    video_id: list[str], arrays: NDArray[Any] | Sequence[NDArray[Any]], width: int, path: Path
) -> ClassFile:
    """Videos as float32, end to end.

    Args:
        video_id: an id each.
        arrays: real numbers, `[N, width]` with a vector a video, or a sequence `[T, width]` a video.
        width: of the vectors.
        path: what to name in the error.

    Raises:
        DataError: they are no real numbers, or not finite (also once in float32).
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
