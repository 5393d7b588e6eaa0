"""A user's arrays, one vector per video: NumPy and HDF5 files, read in blocks and without trusting them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tokenize import TokenError
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from avgzsl_bench.data.store.blocks import release_pages
from avgzsl_bench.data.store.spilled import SpilledArray
from avgzsl_bench.data.untrusted.hdf5 import open_plain, plain_dataset
from avgzsl_bench.errors import DataError, one_line
from avgzsl_bench.system.files import os_reason

_HDF5 = (".h5", ".hdf5")
_DAMAGE = (
    *(ValueError, TypeError, LookupError, ArithmeticError),
    *(SyntaxError, TokenError, MemoryError, RecursionError),
)
"""NumPy's errors for a malformed header, which it parses as a Python literal."""

_BLOCK = 1 << 18
"""Numbers read at a time. Scattered rows of a mapped file bring their surroundings into memory with them."""


def read_vectors(given: str, order: NDArray[np.int64]) -> NDArray[np.float32]:
    """Read vectors from a file in another order; they are kept on disk, with one block at a time in memory.

    Args:
        given: `FILE.npy`, `FILE.h5`, or `FILE.h5:NAME` where the file has several datasets.
        order: int64 `[N]`, for each row of the result its row in the file.

    Returns:
        float32 `[N, D]`, a memory map.

    Raises:
        DataError: unreadable, of another kind or shape, another number of rows, or a value that is not finite.
    """
    with _opened(given) as (values, where):
        if values.ndim != 2 or values.dtype.kind not in "fiu" or not values.shape[1]:
            hint = "; sequences cannot be added, average them first" if values.ndim == 3 else ""
            raise DataError(
                f"{where}: has shape {tuple(values.shape)} and type {str(values.dtype)[:60]}, expected a "
                f"vector of numbers per video{hint}"
            )
        if len(values) != len(order):
            raise DataError(f"{where}: has {len(values):,} rows, and the table of videos has {len(order):,}")
        if not isinstance(values, np.memmap):  # scattered rows of an HDF5 file would take hours
            values = _gathered(values, np.arange(len(order)), where)
        return _gathered(values, order, where)


def _gathered(values: Any, order: NDArray[np.int64], where: str) -> NDArray[np.float32]:
    rows = SpilledArray(values.shape[1])
    count = max(1, _BLOCK // values.shape[1])
    for start in range(0, len(order), count):
        chosen = order[start : start + count]
        with np.errstate(over="ignore"):
            block = np.asarray(values[chosen]).astype(np.float32, copy=False)
        if not np.isfinite(block).all():
            bad = int(chosen[~np.isfinite(block).all(axis=1)].min())
            raise DataError(f"{where}: row {bad + 1} holds a value that is not finite")
        rows.append(block)
        release_pages(values)
    return rows.finished()


@contextmanager
def _opened(given: str) -> Iterator[tuple[Any, str]]:
    """Open the array of `FILE` or `FILE.h5:NAME`, and give its name for errors."""
    file_name, colon, name = given.rpartition(":")
    if not (colon and file_name.lower().endswith(_HDF5)):
        file_name, name = given, ""
    path = Path(file_name)
    if path.suffix.lower() == ".npy":
        yield _mapped(path), str(path)
    elif path.suffix.lower() in _HDF5:
        with open_plain(path) as file:
            chosen = name or _only(file, path)
            yield plain_dataset(file, chosen), f"{path}: {chosen!r}"
    else:
        raise DataError(f"{given}: unknown kind of file; known: .npy, {', '.join(_HDF5)}, or FILE.h5:NAME")


def _mapped(path: Path) -> NDArray[Any]:
    try:
        if not path.is_file():
            raise DataError(f"{path}: no such file")
        return np.lib.format.open_memmap(path, mode="r")
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {os_reason(error)}") from error
    except _DAMAGE as error:
        raise DataError(f"{path}: damaged or refused: {one_line(str(error), 200)}") from error


def _only(file: h5py.File, path: Path) -> str:
    names = sorted(file)
    if len(names) != 1:
        shown = one_line(", ".join(names), 200) or "none"
        raise DataError(f"{path}: has {len(names)} datasets ({shown}); write {path}:NAME for one of them")
    return str(names[0])
