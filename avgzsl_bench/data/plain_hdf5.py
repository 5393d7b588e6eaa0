"""Reading HDF5 files without trusting them: plain datasets that lie in the file itself, whole and bounded.

HDF5 can point elsewhere (external links, external storage, virtual datasets) and can declare sizes of which
nothing is stored. Neither is followed here.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from avgzsl_bench.errors import DataError

_COMPRESSION_LIMIT = 100
"""How many times larger than what is stored a compressed dataset may be."""


@contextmanager
def open_plain(path: Path) -> Iterator[h5py.File]:
    """Open an HDF5 file to read from; what goes wrong inside the block is reported as damage to the file.

    Raises:
        DataError: the file is missing, no HDF5 file, or damaged.
    """
    if not path.is_file():
        raise DataError(f"{path}: no such file")
    try:
        with h5py.File(path, "r") as file:
            yield file
    # h5py raises RuntimeError and KeyError, too, for what the library finds damaged.
    except (OSError, RuntimeError, LookupError, ValueError, TypeError, AttributeError, MemoryError) as error:
        reason = " ".join(str(error).split())[:200]
        raise DataError(f"{path}: damaged or no HDF5 file: {reason}") from error


def plain_dataset(file: h5py.File, name: str) -> h5py.Dataset:
    """A dataset of the file's root that is stored in the file itself and no larger than what is stored.

    Raises:
        DataError: it is missing, lies elsewhere, or declares more than the file holds.
    """
    link = file.get(name, getlink=True)
    if link is None:
        raise DataError(f"{file.filename}: has no dataset {name!r} (it has: {', '.join(sorted(file)) or 'none'})")
    if not isinstance(link, h5py.HardLink):
        raise DataError(f"{file.filename}: refused: {name!r} is a link")
    dataset = file[name]
    if not isinstance(dataset, h5py.Dataset):
        raise DataError(f"{file.filename}: {name!r} is not a dataset")
    if dataset.is_virtual or dataset.external is not None:
        raise DataError(f"{file.filename}: refused: {name!r} is stored in other files")
    if dataset.shape is None:
        raise DataError(f"{file.filename}: {name!r} is empty")
    stored = dataset.id.get_storage_size()
    filters = dataset.id.get_create_plist().get_nfilters()
    # Chunks are stored whole, so `stored` may exceed the size of the content, but not that of the file.
    if stored > Path(file.filename).stat().st_size:
        raise DataError(f"{file.filename}: damaged: {name!r} is larger than the file")
    if _declared(dataset) > stored * (_COMPRESSION_LIMIT if filters else 1):
        raise DataError(f"{file.filename}: {name!r} declares shape {dataset.shape}, of which little is stored")
    return dataset


def read_array(file: h5py.File, name: str, kinds: str, dimensions: int) -> NDArray[Any]:
    """The whole of a plain dataset whose NumPy kind is one of `kinds`.

    Raises:
        DataError: as `plain_dataset`; another type, or another number of dimensions.
    """
    dataset = plain_dataset(file, name)
    if dataset.dtype.kind not in kinds:
        raise DataError(f"{file.filename}: {name!r} has type {dataset.dtype}")
    if dataset.ndim != dimensions:
        raise DataError(f"{file.filename}: {name!r} has shape {dataset.shape}, expected {dimensions} dimensions")
    return np.asarray(dataset[()])


def _declared(dataset: h5py.Dataset) -> int:
    return int(np.prod([int(n) for n in dataset.shape], dtype=object)) * int(dataset.dtype.itemsize)
