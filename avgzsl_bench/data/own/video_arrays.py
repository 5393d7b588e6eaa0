"""Vectors of videos that a user brings: two arrays, and names, in memory or in an NPZ file."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tokenize import TokenError
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avgzsl_bench.errors import DataError, one_line
from avgzsl_bench.system.files import os_reason

_LARGEST = 1 << 30
"""Bytes, packed or unpacked."""

_LONGEST_NAME = 1_000

_DAMAGED = (
    *(ValueError, LookupError, RuntimeError, MemoryError, EOFError, TypeError),
    *(SyntaxError, TokenError, NotImplementedError),
    *(zipfile.BadZipFile, zlib.error),
)
"""Errors of the libraries for damaged files."""


@dataclass(frozen=True)
class VideoArrays:
    """Vectors of `N` videos.

    Attributes:
        audio, visual: float32 `[N, Da]` and `[N, Dv]`.
        names: of the videos.
    """

    audio: NDArray[np.float32]
    visual: NDArray[np.float32]
    names: tuple[str, ...]


def read_video_arrays(path: Path, audio: int, visual: int) -> VideoArrays:
    """Read the arrays `audio`, `visual` and, where it is there, `video` of an NPZ file; nothing is unpickled.

    Args:
        audio, visual: widths that vectors must have.

    Raises:
        DataError: unreadable, too large, or as `video_arrays`.
    """
    try:
        if not path.is_file():
            raise DataError(f"{path}: no such file")
        with zipfile.ZipFile(path) as archive:
            if sum(item.file_size for item in archive.infolist()) > _LARGEST:
                raise DataError(f"{path}: refused: unpacks to more than {_LARGEST >> 30} GiB")
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in ("audio", "visual", "video") if name in file.files}
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {os_reason(error)}") from error
    except _DAMAGED as error:
        reason = one_line(str(error), 200) or type(error).__name__
        raise DataError(f"{path}: damaged, or not an .npz file: {reason}") from error
    return video_arrays(arrays, audio, visual, f"{path}: ")


def video_arrays(arrays: Mapping[str, Any], audio: int, visual: int, where: str = "") -> VideoArrays:
    """Check arrays of videos.

    Args:
        arrays: `audio` `[N, Da]` and `visual` `[N, Dv]`, and perhaps `video`, N names.
        audio, visual: the widths Da and Dv.
        where: begins messages.

    Raises:
        DataError: an array is missing, of another shape or kind, or holds a value that is not finite.
    """
    of_sound = _vectors(arrays, "audio", audio, where)
    of_frames = _vectors(arrays, "visual", visual, where)
    if len(of_sound) != len(of_frames):
        raise DataError(f"{where}audio has {len(of_sound):,} rows, and visual has {len(of_frames):,}")
    return VideoArrays(of_sound, of_frames, _names(arrays.get("video"), len(of_sound), where))


def _vectors(arrays: Mapping[str, Any], name: str, width: int, where: str) -> NDArray[np.float32]:
    if name not in arrays:
        raise DataError(f"{where}has no array {name!r}; the checkpoint takes numbers [N, {width}]")
    values = np.asarray(arrays[name])
    if values.dtype.kind not in "fiu" or values.ndim != 2 or values.shape[1] != width or not len(values):
        raise DataError(
            f"{where}{name} has shape {values.shape} and type {str(values.dtype)[:40]}; the checkpoint takes "
            f"numbers [N, {width}]"
        )
    with np.errstate(over="ignore"):
        vectors = values.astype(np.float32)
    if not np.isfinite(vectors).all():
        bad = int(np.flatnonzero(~np.isfinite(vectors).all(axis=1))[0])
        raise DataError(f"{where}{name}: row {bad + 1} holds a value that is not finite")
    return vectors


def _names(given: Any, count: int, where: str) -> tuple[str, ...]:
    if given is None:
        return tuple(f"row {number}" for number in range(1, count + 1))
    names = np.asarray(given)
    if names.dtype.kind != "U" or names.shape != (count,):
        raise DataError(
            f"{where}video has shape {names.shape} and type {str(names.dtype)[:40]}; it takes {count:,} names"
        )
    return tuple(one_line(name, _LONGEST_NAME) for name in names.tolist())
