"""Reading HDF5 files without trusting them: plain datasets that lie in the file itself, whole and bounded.

HDF5 can point elsewhere (external links, external storage, virtual datasets) and can declare sizes without
content. Neither is accepted here. Version and header of our own files are attributes of the root, in text of fixed
length: the HDF5 library may hang on damaged text of variable length.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import h5py
import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ValidationError

from avgzsl_bench.errors import DataError, first_fault, one_line

Header = TypeVar("Header", bound=BaseModel)

_COMPRESSION_LIMIT = 100
"""Largest ratio of declared to stored bytes of a compressed dataset."""

_LARGEST_CHUNK = 64 << 20
"""Largest bytes of a chunk that is larger than its dataset. A chunk is read into memory as a whole."""


@contextmanager
def open_plain(path: Path) -> Iterator[h5py.File]:
    """Open an HDF5 file for reading; errors inside the block are reported as damage to the file.

    Raises:
        DataError: the file is missing, not an HDF5 file, or damaged.
    """
    if not path.is_file():
        raise DataError(f"{path}: no such file")
    access = h5py.h5p.create(h5py.h5p.FILE_ACCESS)
    access.set_fclose_degree(h5py.h5f.CLOSE_STRONG)  # closing the file closes all its objects
    try:
        # Nothing else may hold the identifier: the file is closed with its last holder.
        with h5py.File(h5py.h5f.open(os.fsencode(path), h5py.h5f.ACC_RDONLY, access)) as file:
            yield file
    # h5py also raises RuntimeError and KeyError for damage that the library finds.
    except (OSError, RuntimeError, LookupError, ValueError, TypeError, AttributeError, MemoryError) as error:
        reason = " ".join(str(error).split())[:200]
        raise DataError(f"{path}: damaged or no HDF5 file: {reason}") from error


def plain_dataset(file: h5py.File, name: str) -> h5py.Dataset:
    """Find a dataset of the file's root that is stored in the file itself and declares no more than is stored.

    Raises:
        DataError: it is missing, stored elsewhere, declares more than is stored, or takes far more memory than it
            declares.
    """
    path, key, root = file.filename, name.encode(), file.id
    if not root.links.exists(key):
        there = one_line(", ".join(sorted(file)), 200)
        raise DataError(f"{path}: has no dataset {name!r} (it has: {there or 'none'})")
    if root.links.get_info(key).type != h5py.h5l.TYPE_HARD:
        raise DataError(f"{path}: refused: {name!r} is a link")
    found = h5py.h5o.open(root, key)
    if not isinstance(found, h5py.h5d.DatasetID):
        raise DataError(f"{path}: {name!r} is not a dataset")
    creation = found.get_create_plist()
    if creation.get_layout() == h5py.h5d.VIRTUAL or creation.get_external_count():
        raise DataError(f"{path}: refused: {name!r} is stored in other files")
    shape, dtype, stored = found.shape, found.dtype, found.get_storage_size()
    if not shape and found.get_space().get_simple_extent_type() == h5py.h5s.NULL:
        raise DataError(f"{path}: {name!r} is empty")
    # Chunks are stored whole, so `stored` may exceed the size of the content, but not that of the file.
    if stored > root.get_filesize():
        raise DataError(f"{path}: damaged: {name!r} is larger than the file")
    if math.prod(shape) * dtype.itemsize > stored * (_COMPRESSION_LIMIT if creation.get_nfilters() else 1):
        raise DataError(f"{path}: {name!r} declares shape {shape}, of which little is stored")
    if creation.get_layout() == h5py.h5d.CHUNKED:
        chunk = math.prod(creation.get_chunk()) * dtype.itemsize
        if chunk > max(_LARGEST_CHUNK, math.prod(shape) * dtype.itemsize):
            raise DataError(f"{path}: {name!r} is stored in chunks of {chunk:,} bytes, far larger than it is")
    return h5py.Dataset(found)


def read_array(file: h5py.File, name: str, kinds: str, dimensions: int) -> NDArray[Any]:
    """Read a plain dataset whose NumPy kind is one of `kinds`.

    Raises:
        DataError: as `plain_dataset`, another type, or another number of dimensions.
    """
    dataset = plain_dataset(file, name)
    if dataset.dtype.kind not in kinds:
        raise DataError(f"{file.filename}: {name!r} has type {dataset.dtype}")
    if len(dataset.shape) != dimensions:
        raise DataError(f"{file.filename}: {name!r} has shape {dataset.shape}, expected {dimensions} dimensions")
    return np.asarray(dataset[()])


def write_header(file: h5py.File, schema: str, header: BaseModel) -> None:
    """Write the version of a file's layout, and its header as JSON."""
    file.attrs["schema"] = np.bytes_(schema.encode())
    file.attrs["header"] = np.bytes_(header.model_dump_json().encode())


def parse_header(file: h5py.File, schema: str, form: type[Header]) -> Header:
    """Read the header of an open file.

    Raises:
        DataError: another version, or a header that is missing or malformed.
    """
    found = _fixed_text(file, "schema")
    if found != schema:
        shown = None if found is None else one_line(found, 60)
        raise DataError(f"{file.filename}: not a file of this version (schema {shown!r}, expected {schema!r})")
    try:
        return form.model_validate_json(_fixed_text(file, "header") or "")
    except ValidationError as error:
        raise DataError(f"{file.filename}: damaged: {first_fault(error, 'header')}") from error


def _fixed_text(file: h5py.File, name: str) -> str | None:
    """Read an attribute of fixed-length text; None if there is no such attribute."""
    if name not in file.attrs or file.attrs.get_id(name).dtype.kind != "S" or file.attrs.get_id(name).shape:
        return None
    return bytes(file.attrs[name]).decode()
