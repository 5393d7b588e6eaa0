"""Files of vectors by class name that a user brings, in one of four plain forms.

.json        {"class name": [0.1, ...], ...}, or several vectors per class, of which the mean is taken
.csv         a row per class, or several: its name, then the numbers; a heading is allowed
.npz         one array per class, by class name: [E], or [M, E], of which the mean is taken
.npy, .pkl   a pickled dictionary from class name to such an array, read without running anything
"""

from __future__ import annotations

import csv
import json
import zipfile
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Set
from functools import partial
from pathlib import Path
from tokenize import TokenError
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avgzsl_bench.data.datasets.class_names import plain_name, shown
from avgzsl_bench.data.untrusted.unpickle import load_object_array, load_pickle
from avgzsl_bench.errors import DataError, one_line
from avgzsl_bench.system.files import os_reason

_LARGEST_FILE = 1 << 28
"""Bytes, packed or unpacked. The largest dataset has 309 classes; 4096 double-precision numbers each are 10 MB."""

_LARGEST_ENTRY = 1 << 20
"""Numbers that one class may have."""

# RuntimeError: an archive that is encrypted, or packed in a way that zipfile does not know.
_DAMAGED = (
    *(ValueError, LookupError, RuntimeError, MemoryError, EOFError),
    *(SyntaxError, TokenError),
    *(zipfile.BadZipFile, zlib.error, csv.Error),
)
"""Errors of the libraries for damaged files."""

_EMBED = "texts have to be embedded first, for instance by CLIP"


def read_vectors_by_name(path: Path, known: Set[str]) -> dict[str, NDArray[np.float32]]:
    """Read one vector per name, the mean where the file has several.

    Args:
        known: names of classes, in the form of `plain_name`; the first line of a CSV file that begins with none
            of them can be a heading.

    Returns:
        float32 `[E]` by name in the form of `plain_name`, at least one; all finite, but `E` may differ.

    Raises:
        DataError: unreadable, of another form, a name that occurs twice, or a value that is not a finite number.
    """
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise DataError(f"{path}: unknown kind of file; known: {', '.join(_READERS)}")
    try:
        if not path.is_file():
            raise DataError(f"{path}: {'not a file' if path.exists() else 'no such file'}")
        if path.stat().st_size > _LARGEST_FILE:
            raise DataError(f"{path}: refused: larger than {_LARGEST_FILE >> 20} MiB")
        content = reader(path, known)
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {os_reason(error)}") from error
    except _DAMAGED as error:
        raise DataError(f"{path}: damaged, or not a {path.suffix} file: {_reason(error)}") from error
    if not content:
        raise DataError(f"{path}: holds no vectors")
    return {name: _vector(path, name, value) for name, value in content.items()}


def _reason(error: Exception) -> str:
    return one_line(str(error), 200) or type(error).__name__


def _from_json(path: Path, known: Set[str]) -> Mapping[str, Any]:
    content = json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=partial(_unique, path))
    if not isinstance(content, dict):
        raise DataError(f"{path}: expected an object from class name to vector")
    return content


def _from_csv(path: Path, known: Set[str]) -> Mapping[str, Any]:
    rows: dict[str, list[list[float]]] = defaultdict(list)
    with path.open(encoding="utf-8-sig", newline="") as stream:
        for number, row in enumerate(csv.reader(stream), start=1):
            if not row or (number == 1 and plain_name(row[0]) not in known and _is_heading(row[1:])):
                continue
            try:
                rows[plain_name(row[0])].append([float(cell) for cell in row[1:]])
            except ValueError as error:
                raise DataError(f"{path}: line {number}: {_reason(error)}; {_EMBED}") from error
    return rows


def _is_heading(cells: list[str]) -> bool:
    """Check whether a row names columns: by words, or by numbers from 0 as pandas writes them."""
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
        return _unique(path, ((name, arrays[name]) for name in arrays.files))


def _from_pickle(path: Path, known: Set[str]) -> Mapping[str, Any]:
    content = load_pickle(path) if path.suffix.lower() == ".pkl" else load_object_array(path)
    if not isinstance(content, dict):
        raise DataError(f"{path}: expected a dictionary from class name to vector")
    if not all(isinstance(key, str | bytes) for key in content):
        raise DataError(f"{path}: expected class names as keys")
    pairs = ((k.decode("utf-8", "replace") if isinstance(k, bytes) else k, v) for k, v in content.items())
    return _unique(path, pairs)


_READERS: Mapping[str, Callable[[Path, Set[str]], Mapping[str, Any]]] = {
    ".json": _from_json,
    ".csv": _from_csv,
    ".npz": _from_npz,
    ".npy": _from_pickle,
    ".pkl": _from_pickle,
}


def _unique(path: Path, pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Make a dictionary of pairs, names in their plain form; refuse a name that occurs twice."""
    content: dict[str, Any] = {}
    for spelled, value in pairs:
        name = plain_name(spelled)
        if name in content:
            raise DataError(f"{path}: two entries are called {shown(name)}")
        content[name] = value
    return content


def _vector(path: Path, name: str, value: Any) -> NDArray[np.float32]:
    """Convert an entry of a file to a vector: the mean where there are several."""
    try:
        numbers = np.asarray(_checked(value), np.float64)
    except (TypeError, ValueError, OverflowError, MemoryError) as error:
        raise DataError(
            f"{path}: the entry of {shown(name)} is not a vector: {_reason(error)}; {_EMBED}"
        ) from error
    with np.errstate(over="ignore", invalid="ignore"):
        vector: NDArray[np.float32] = np.atleast_2d(numbers).mean(axis=0).astype(np.float32)
    if not np.isfinite(vector).all():
        raise DataError(f"{path}: the vector of {shown(name)} holds a value that is not finite")
    return vector


def _checked(value: Any) -> Any:
    """Check that a value is a vector of numbers or several, without converting it.

    Lists from a pickle may share their parts: converting them first could take any amount of memory.
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
    if len(inner) != len(value) or len(value) * max(map(len, inner)) > _LARGEST_ENTRY:
        raise TypeError("neither a list of numbers nor of lists of numbers")
    if not all(_is_real(number) for part in inner for number in part):
        raise TypeError("a list that holds something else than numbers")
    return value


def _is_real(value: Any) -> bool:
    return isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)
