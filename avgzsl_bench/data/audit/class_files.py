"""Class files read as far as possible, with every fault of each file, not only the first.

`data import` refuses a file at its first fault; here the sound part of a file is still counted.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avgzsl_bench.data.audit.finding import Findings, some
from avgzsl_bench.data.layouts.avca import read_datasets
from avgzsl_bench.data.layouts.pickled import read_lists, refuse_repeated
from avgzsl_bench.data.layouts.video_ids import video_ids
from avgzsl_bench.data.untrusted.hdf5 import open_plain
from avgzsl_bench.errors import DataError


@dataclass
class ClassFile:
    """Readable content of a class file.

    Attributes:
        ids: `N` video ids.
        arrays: a vector `[D]` or a sequence `[T, D]` each, as stored.
        findings: faults of the file.
    """

    ids: list[str] = field(default_factory=list)
    arrays: list[NDArray[Any]] = field(default_factory=list)
    findings: Findings = field(default_factory=Findings)


def read_class_file(path: Path, where: str) -> ClassFile:
    """Read whatever a class file of AVCA (`.h5`), TCAF or ClipClap (`.pkl`) holds; findings name it `where`."""
    file = ClassFile()
    try:
        raw, arrays = _hdf5(path) if path.suffix == ".h5" else _pickle(path)
    except DataError as error:
        file.findings.add("unreadable", where, str(error).removeprefix(f"{path}: "))
        return file
    ids = clean_ids(raw, where, file.findings)
    if len(ids) != len(arrays):
        file.findings.add("ids-and-features", where, f"{len(arrays)} features for {len(ids)} video ids")
        return file
    known: set[str] = set()
    repeated = []
    for video, array in zip(ids, arrays, strict=True):
        if video in known:
            repeated.append(video)
        elif video is not None:
            known.add(video)
            file.ids.append(video)
            file.arrays.append(array)
    if repeated:
        file.findings.add("repeated-id", where, f"{len(repeated)} rows: {some(repeated)}")
    return file


def clean_ids(raw: list[Any], where: str, findings: Findings) -> list[str | None]:
    """Bring ids to one form, None where there is none; adds to `findings`."""
    ids: list[str | None] = []
    for item in raw:
        try:
            ids += video_ids([item], Path(where))
        except DataError:
            ids.append(None)
    wrong = [str(number) for number, video in enumerate(ids) if video is None]
    if wrong:
        findings.add("video-id", where, f"{len(wrong)} of {len(ids)} rows have no proper id: {some(wrong)}")
    wrapped = [str(i) for i in raw if isinstance(i, str) and i[:2] in ("b'", 'b"')]
    if wrapped:
        findings.add("id-as-bytes", where, f"{len(wrapped)} ids are the text of bytes, such as {wrapped[0]}")
    return ids


def fitting(file: ClassFile, width: int, where: str) -> tuple[list[str], list[NDArray[np.float32]]]:
    """Select the videos with vectors of a width, as float32; adds to the file's findings."""
    ids, arrays, empty, other = [], [], [], []
    for video, array in zip(file.ids, file.arrays, strict=True):
        if array.size == 0:
            empty.append(video)
        elif array.ndim not in (1, 2) or array.shape[-1] != width or array.dtype.kind not in "fiu":
            other.append(f"{video} has shape {array.shape} and type {array.dtype}")
        else:
            ids.append(video)
            with np.errstate(over="ignore"):
                arrays.append((array[0] if len(array) == 1 and array.ndim == 2 else array).astype(np.float32))
    if empty:
        file.findings.add("empty-sequence", where, f"{len(empty)} videos without steps: {some(empty)}")
    if other:
        text = f"{len(other)} of {len(file.ids)} videos, expected width {width}: {some(other, 2)}"
        file.findings.add("width", where, text)
    return ids, arrays


def _hdf5(path: Path) -> tuple[list[Any], list[NDArray[Any]]]:
    with open_plain(path) as file:
        raw, data = read_datasets(file, path)
        return raw, list(data[()])


def _pickle(path: Path) -> tuple[list[Any], list[NDArray[Any]]]:
    names, arrays = read_lists(path)
    refuse_repeated(arrays, path)
    return names, arrays
