"""Files of text embeddings that a user brings: vectors by class name, in one of four plain forms.

.json        {"class name": [0.1, ...], ...}, or several vectors a class, of which the mean is taken
.csv         a row a class, or several: its name, then the numbers; a heading is allowed
.npz         one array a class, by class name: [E], or [M, E], of which the mean is taken
.npy, .pkl   a pickled dictionary from class name to such an array, read without running anything
"""

from __future__ import annotations

import csv
import json
import math
import zipfile
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Set
from pathlib import Path
from tokenize import TokenError
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avgzsl_bench.data.datasets.facts import Dataset
from avgzsl_bench.data.untrusted.unpickle import load_object_array, load_pickle
from avgzsl_bench.errors import DataError
from avgzsl_bench.system.files import os_reason

_NAMED = 3
"""How many names a line of complaint gives before it only counts the rest."""

_LARGEST_FILE = 1 << 28
"""Bytes, packed or unpacked. The largest dataset has 309 classes; 4096 double-precision numbers each are 10 MB."""

_LARGEST_ENTRY = 1 << 20
"""Numbers that one class may have."""

_LONGEST_SHOWN = 80
"""Characters of a name in a line of complaint."""

# RuntimeError: an archive that is encrypted, or packed in a way that zipfile does not know.
_DAMAGED = (
    *(ValueError, LookupError, RuntimeError, MemoryError, EOFError),
    *(SyntaxError, TokenError),
    *(zipfile.BadZipFile, zlib.error, csv.Error),
)
"""What the libraries raise on damaged files."""

_EMBED = "texts have to be embedded first, for instance by CLIP"


def read_class_vectors(path: Path, dataset: Dataset) -> NDArray[np.float32]:
    """Vectors by class id: float32 `[C, E]`, all NaN for a class that the file leaves out.

    Classes are found by name: the name in the dataset's class list, or either of its readable names.

    Raises:
        DataError: unreadable, of another form, a name of no class, two entries for one class, or vectors that
            differ in width or are not finite numbers.
    """
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise DataError(f"{path}: unknown kind of file; known: {', '.join(_READERS)}")
    ids = _ids_by_name(dataset)
    try:
        if not path.is_file():
            raise DataError(f"{path}: {'not a file' if path.exists() else 'no such file'}")
        if path.stat().st_size > _LARGEST_FILE:
            raise DataError(f"{path}: refused: larger than {_LARGEST_FILE >> 20} MiB")
        content = reader(path, ids.keys())
    except DataError:
        raise
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {os_reason(error)}") from error
    except _DAMAGED as error:
        raise DataError(f"{path}: damaged, or not a {path.suffix} file: {_line(error)}") from error
    if not content:
        raise DataError(f"{path}: holds no vectors")
    vectors = {name: _vector(path, name, value) for name, value in content.items()}
    return _placed(vectors, path, dataset, ids)


def _from_json(path: Path, known: Set[str]) -> Mapping[str, Any]:
    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        return _unique(path, pairs)

    content = json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=unique)
    if not isinstance(content, dict):
        raise DataError(f"{path}: expected an object from class name to vector")
    return content


def _from_csv(path: Path, known: Set[str]) -> Mapping[str, Any]:
    rows: dict[str, list[list[float]]] = defaultdict(list)
    with path.open(encoding="utf-8-sig", newline="") as stream:
        for number, row in enumerate(csv.reader(stream), start=1):
            if not row or (number == 1 and row[0] not in known and _is_heading(row[1:])):
                continue
            try:
                rows[row[0]].append([float(cell) for cell in row[1:]])
            except ValueError as error:
                raise DataError(f"{path}: line {number}: {_line(error)}; {_EMBED}") from error
    return rows


def _is_heading(cells: list[str]) -> bool:
    """Whether a row names columns: words, or their numbers from 0 as pandas writes them."""
    return not any(map(_is_number, cells)) or cells == [str(i) for i in range(len(cells))]


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _from_npz(path: Path, known: Set[str]) -> Mapping[str, Any]:
    with zipfile.ZipFile(path) as archive:
        if sum(item.file_size for item in archive.infolist()) > _LARGEST_FILE:
            raise DataError(f"{path}: refused: unpacks to more than {_LARGEST_FILE >> 20} MiB")
        _unique(path, ((name, None) for name in archive.namelist()))
    with np.load(path, allow_pickle=False) as arrays:
        return {name: arrays[name] for name in arrays.files}


def _from_pickle(load: Callable[[Path], object]) -> Callable[[Path, Set[str]], Mapping[str, Any]]:
    def read(path: Path, known: Set[str]) -> Mapping[str, Any]:
        content = load(path)
        if not isinstance(content, dict):
            raise DataError(f"{path}: expected a dictionary from class name to vector")
        if not all(isinstance(key, str | bytes) for key in content):
            raise DataError(f"{path}: expected class names as keys")
        return _unique(
            path,
            ((k.decode("utf-8", "replace") if isinstance(k, bytes) else k, v) for k, v in content.items()),
        )

    return read


_READERS: Mapping[str, Callable[[Path, Set[str]], Mapping[str, Any]]] = {
    ".json": _from_json,
    ".csv": _from_csv,
    ".npz": _from_npz,
    ".npy": _from_pickle(load_object_array),
    ".pkl": _from_pickle(load_pickle),
}


def _unique(path: Path, pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """A dictionary, if no name occurs twice."""
    content: dict[str, Any] = {}
    for name, value in pairs:
        if name in content:
            raise DataError(f"{path}: two entries are called {_shown(name)}")
        content[name] = value
    return content


def _vector(path: Path, name: str, value: Any) -> NDArray[np.float32]:
    """One vector, or the mean of several."""
    try:
        numbers = np.asarray(_checked(value), np.float64)
    except (TypeError, ValueError, OverflowError, MemoryError) as error:
        raise DataError(f"{path}: the entry of {_shown(name)} is no vector: {_line(error)}; {_EMBED}") from error
    with np.errstate(over="ignore", invalid="ignore"):
        vector: NDArray[np.float32] = np.atleast_2d(numbers).mean(axis=0).astype(np.float32)
    if not np.isfinite(vector).all():
        raise DataError(f"{path}: the vector of {_shown(name)} holds a value that is not finite")
    return vector


def _checked(value: Any) -> Any:
    """A value that is a vector of numbers or several, not yet converted.

    Lists from a pickle may share their parts: converting them first could take any amount of memory.

    Raises:
        TypeError: it is something else.
    """
    if isinstance(value, np.ndarray):
        if value.dtype.kind not in "fiu" or value.ndim not in (1, 2) or not 0 < value.size <= _LARGEST_ENTRY:
            raise TypeError(f"an array of type {value.dtype} and shape {value.shape}")
        return value
    if not isinstance(value, list | tuple) or not 0 < len(value) <= _LARGEST_ENTRY:
        raise TypeError(f"{type(value).__name__} in place of a list of numbers")
    if all(map(_is_real, value)):
        return value
    inner = [part for part in value if isinstance(part, list | tuple | np.ndarray)]
    if len(inner) != len(value) or math.prod((len(value), max(map(len, inner)))) > _LARGEST_ENTRY:
        raise TypeError("neither a list of numbers nor of lists of numbers")
    if not all(_is_real(number) for part in inner for number in part):
        raise TypeError("a list that holds something else than numbers")
    return value


def _is_real(value: Any) -> bool:
    return isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)


def _placed(
    vectors: Mapping[str, NDArray[np.float32]], path: Path, dataset: Dataset, ids: Mapping[str, int]
) -> NDArray[np.float32]:
    (first, example), *_ = vectors.items()
    odd = next((name for name, vector in vectors.items() if len(vector) != len(example)), None)
    if odd is not None:
        raise DataError(
            f"{path}: the vector of {_shown(odd)} has width {len(vectors[odd])}, that of {_shown(first)} "
            f"{len(example)}"
        )
    unknown = sorted(vectors.keys() - ids.keys())
    if unknown:
        more = f" and {len(unknown) - _NAMED} more" if len(unknown) > _NAMED else ""
        raise DataError(
            f"{path}: no class of {dataset.name} is called {', '.join(map(_shown, unknown[:_NAMED]))}{more}"
        )
    placed = np.full((len(dataset.classes), len(example)), np.nan, np.float32)
    owner: dict[int, str] = {}
    for name, vector in vectors.items():
        class_id = ids[name]
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


def _shown(name: str) -> str:
    """A name from the file, quoted, and cut if it is long."""
    return repr(name) if len(name) <= _LONGEST_SHOWN else f"{name[:_LONGEST_SHOWN]!r}..."


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
