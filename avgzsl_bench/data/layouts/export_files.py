"""Writing the files of the published layouts, so that the published code reads them.

That code runs on older versions of NumPy, which cannot read a pickle of NumPy 2: it names a module that they do
not have. The names are written as those versions spell them.
"""

from __future__ import annotations

import io
import pickle
import pickletools
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

ClassFileWriter = Callable[[Path, Sequence[str], Sequence[NDArray[np.float32]]], None]
"""Writes the videos of a class file: `n` ids, and a vector `[D]` or a sequence `[T, D]` of each."""

_ID_BYTES = 80
"""Width of ids in the published files, `S80`."""

_FRAMES_PER_SECOND = 25
"""Frame rate that the published files give for every video."""


def write_hdf5(path: Path, video_id: Sequence[str], vectors: Sequence[NDArray[np.float32]]) -> None:
    """Write an AVCA class file.

    Raises:
        OSError: it cannot be written.
    """
    names = [video.encode() for video in video_id]
    longest = max(_ID_BYTES, *map(len, names))
    content = io.BytesIO()  # HDF5 may lose the error of a disk that is full when it closes a file
    with h5py.File(content, "w") as file:
        file["data"] = np.stack(vectors)
        file["video_urls"] = np.array(names, dtype=f"S{longest}")
    path.write_bytes(content.getbuffer())


def write_pickle(path: Path, video_id: Sequence[str], arrays: Sequence[NDArray[np.float32]]) -> None:
    """Write a ClipClap or TCAF class file.

    Raises:
        OSError: it cannot be written.
    """
    content = {
        "features": list(arrays),
        "video_names": [video.encode() for video in video_id],
        "fps": [_FRAMES_PER_SECOND] * len(video_id),
    }
    path.write_bytes(_pickled(content))


def write_text(path: Path, vectors: Mapping[str, NDArray[np.float32]]) -> None:
    """Write a dictionary from readable class name to vector, as a NumPy array of one object.

    Raises:
        OSError: it cannot be written.
    """
    stream = io.BytesIO()
    header = {"descr": "|O", "fortran_order": False, "shape": ()}
    np.lib.format.write_array_header_1_0(stream, header)
    held = np.empty((), object)
    held[()] = dict(vectors)
    path.write_bytes(stream.getvalue() + _pickled(held))


def _pickled(content: Any) -> bytes:
    """Pickle an object with names that every version of NumPy knows."""
    raw = pickle.dumps(content, protocol=3)
    parts, end = [], 0
    for opcode, name, position in pickletools.genops(raw):
        if opcode.name == "GLOBAL" and isinstance(name, str) and name.startswith("numpy._core."):
            assert position is not None
            module, function = name.split(" ")
            parts += [raw[end:position], f"c{module}\n{function}\n".encode().replace(b"_core", b"core", 1)]
            end = position + len(f"c{module}\n{function}\n")
    return b"".join([*parts, raw[end:]])
