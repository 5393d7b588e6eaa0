"""Files of text embeddings that a user brings: vectors by class name, in one of four plain forms.

.json        {"class name": [0.1, ...], ...}, or several vectors a class, of which the mean is taken
.csv         a row a class, or several: its name, then the numbers; a heading is allowed
.npz         one array a class, by class name: [E], or [M, E], of which the mean is taken
.npy, .pkl   a pickled dictionary from class name to such an array, read without running anything
"""

from __future__ import annotations

import csv
import json
import zipfile
from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avgzsl_bench.data.datasets import Dataset
from avgzsl_bench.data.unpickle import load_object_array, load_pickle
from avgzsl_bench.errors import DataError
from avgzsl_bench.files import os_reason

_NAMED = 3
"""How many names a line of complaint gives before it only counts the rest."""

_EMBED = "texts have to be embedded first, for instance by CLIP"

_MOST_UNPACKED = 1 << 30
"""Bytes that a compressed file may unpack to; the largest dataset has 309 classes."""


def read_class_vectors(path: Path, dataset: Dataset) -> NDArray[np.float32]:
    """Vectors by class id: float32 `[C, E]`, all NaN for a class that the file leaves out.

    Classes are found by name: the name in the dataset's class list, or either of its readable names.

    Raises:
        DataError: unreadable, of another form, a name of no class, two entries for one class, or vectors that
            differ in width or are not finite.
    """
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise DataError(f"{path}: unknown kind of file; known: {', '.join(_READERS)}")
    try:
        content = reader(path)
    except DataError:
        raise
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {os_reason(error)}") from error
    except (ValueError, LookupError, RecursionError, MemoryError, zipfile.BadZipFile, csv.Error) as error:
        raise DataError(f"{path}: damaged, or not a {path.suffix} file: {_line(error)}") from error
    if not content:
        raise DataError(f"{path}: holds no vectors")
    return _placed({name: _vector(path, name, value) for name, value in content.items()}, path, dataset)


def _from_json(path: Path) -> Mapping[str, Any]:
    content = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(content, dict):
        raise DataError(f"{path}: expected an object from class name to vector")
    return content


def _from_csv(path: Path) -> Mapping[str, Any]:
    rows: dict[str, list[list[float]]] = defaultdict(list)
    with path.open(encoding="utf-8-sig", newline="") as stream:
        for number, row in enumerate(csv.reader(stream), start=1):
            if not row:
                continue
            try:
                rows[row[0]].append([float(cell) for cell in row[1:]])
            except ValueError as error:
                if number > 1:  # the first row may be a heading
                    raise DataError(f"{path}: line {number}: {error}; {_EMBED}") from error
                del rows[row[0]]
    return rows


def _from_npz(path: Path) -> Mapping[str, Any]:
    with zipfile.ZipFile(path) as archive:
        if sum(item.file_size for item in archive.infolist()) > _MOST_UNPACKED:
            raise DataError(f"{path}: refused: unpacks to more than {_MOST_UNPACKED >> 20} MiB")
    with np.load(path, allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


def _from_pickle(load: Callable[[Path], object]) -> Callable[[Path], Mapping[str, Any]]:
    def read(path: Path) -> Mapping[str, Any]:
        content = load(path)
        if not isinstance(content, dict):
            raise DataError(f"{path}: expected a dictionary from class name to vector")
        return {k.decode("utf-8", "replace") if isinstance(k, bytes) else str(k): v for k, v in content.items()}

    return read


_READERS: Mapping[str, Callable[[Path], Mapping[str, Any]]] = {
    ".json": _from_json,
    ".csv": _from_csv,
    ".npz": _from_npz,
    ".npy": _from_pickle(load_object_array),
    ".pkl": _from_pickle(load_pickle),
}


def _vector(path: Path, name: str, value: Any) -> NDArray[np.float32]:
    """One vector, or the mean of several."""
    try:
        array = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f"{path}: the entry of {name!r} is no vector: {_line(error)}; {_EMBED}") from error
    if array.ndim not in (1, 2) or not array.size:
        raise DataError(f"{path}: the entry of {name!r} has shape {array.shape}, expected a vector or several")
    with np.errstate(over="ignore"):
        vector: NDArray[np.float32] = np.atleast_2d(array).mean(axis=0).astype(np.float32)
    if not np.isfinite(vector).all():
        raise DataError(f"{path}: the vector of {name!r} holds a value that is not finite")
    return vector


def _placed(vectors: Mapping[str, NDArray[np.float32]], path: Path, dataset: Dataset) -> NDArray[np.float32]:
    (first, example), *_ = vectors.items()
    odd = next((name for name, vector in vectors.items() if len(vector) != len(example)), None)
    if odd is not None:
        raise DataError(
            f"{path}: the vector of {odd!r} has width {len(vectors[odd])}, that of {first!r} {len(example)}"
        )
    known = _ids_by_name(dataset)
    unknown = sorted(vectors.keys() - known.keys())
    if unknown:
        more = f" and {len(unknown) - _NAMED} more" if len(unknown) > _NAMED else ""
        raise DataError(
            f"{path}: no class of {dataset.name} is called {', '.join(map(repr, unknown[:_NAMED]))}{more}"
        )
    placed = np.full((len(dataset.classes), len(example)), np.nan, np.float32)
    owner: dict[int, str] = {}
    for name, vector in vectors.items():
        class_id = known[name]
        if class_id in owner:
            raise DataError(f"{path}: {owner[class_id]!r} and {name!r} are the same class of {dataset.name}")
        owner[class_id] = name
        placed[class_id] = vector
    return placed


def _ids_by_name(dataset: Dataset) -> dict[str, int]:
    """Class id by any of its names; a name that two classes go by is left out."""
    ids: dict[str, set[int]] = defaultdict(set)
    for class_id, c in enumerate(dataset.classes):
        for name in (c.listed, c.name, c.readable, c.clip):
            ids[name].add(class_id)
    return {name: owners.pop() for name, owners in ids.items() if len(owners) == 1}


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
