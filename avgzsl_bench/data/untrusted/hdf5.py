"""Reading HDF5 files without trusting them: plain datasets that lie in the file itself, whole and bounded.

HDF5 can point elsewhere (external links, external storage, virtual datasets) and can declare sizes without
content. Neither is accepted here. Version and header of our own files are attributes of the root, in text of fixed
length: the HDF5 library may hang on damaged text of variable length.
"""

from __future__ import annotations

import errno
import math
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import h5py
import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ValidationError

from avgzsl_bench.errors import DataError, InaccessibleError, first_fault, one_line
from avgzsl_bench.system.files import broken_link, os_reason

Header = TypeVar("Header", bound=BaseModel)

_COMPRESSION_LIMIT = 100
"""Largest ratio of declared to stored bytes of a compressed dataset."""

_LARGEST_CHUNK = 64 << 20
"""Largest bytes of a chunk that is larger than its dataset. A chunk is read into memory as a whole."""


@contextmanager
def open_plain(path: Path) -> Iterator[h5py.File]:
    """Open an HDF5 file for reading; errors inside the block are reported as damage to the file.

    Raises:
        InaccessibleError: the file cannot be read, is locked, or lies where there are no locks.
        DataError: the file is missing, not an HDF5 file, or damaged.
    """
    _require_readable(path)
    access = h5py.h5p.create(h5py.h5p.FILE_ACCESS)
    access.set_fclose_degree(h5py.h5f.CLOSE_STRONG)  # closing the file closes all its objects
    try:
        # Nothing else may hold the identifier: the file is closed with its last holder.
        with h5py.File(h5py.h5f.open(os.fsencode(path), h5py.h5f.ACC_RDONLY, access)) as file:
            yield file
    # h5py also raises RuntimeError and KeyError for damage that the library finds.
    except (OSError, RuntimeError, LookupError, ValueError, TypeError, AttributeError, MemoryError) as error:
        if lock := _lock_fault(str(error)):
            raise InaccessibleError(f"{path}: {lock}") from error
        reason = " ".join(str(error).split())[:200]
        raise DataError(f"{path}: damaged or no HDF5 file: {reason}") from error


def _require_readable(path: Path) -> None:
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # opening a pipe would wait for a writer
            raise DataError(f"{path}: not a file")
        path.open("rb").close()
    except (FileNotFoundError, NotADirectoryError) as error:
        if broken := broken_link(path):
            raise InaccessibleError(f"{path}: cannot be read: {broken}") from error
        raise DataError(f"{path}: no such file") from error
    except OSError as error:
        raise InaccessibleError(f"{path}: cannot be read: {os_reason(error)}") from error


def _lock_fault(message: str) -> str | None:
    """Explain an error of the library about the lock that it takes on a file; None for any other error."""
    found = re.search(r"unable to lock file, errno = (\d+)", message)
    if found is None:
        return None
    number = int(found[1])
    if number in (errno.EAGAIN, errno.EWOULDBLOCK, errno.EACCES):
        return "locked: another program has it open for writing; close it there"
    return (
        f"its file system has no locks ({os.strerror(number)}); set the environment variable "
        "HDF5_USE_FILE_LOCKING=FALSE, and nothing waits for locks there"
    )


def plain_dataset(file: h5py.File, name: str) -> h5py.Dataset:
    """Find a dataset of the file's root that is stored in the file itself and declares no more than is stored.

    Raises:
        DataError: it is missing, stored elsewhere, declares more than is stored, or takes far more memory than it
            declares.
        InaccessibleError: it is compressed in a way that cannot be undone here.
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
    _require_filters(creation, f"{path}: {name!r}")
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


def _require_filters(creation: h5py.h5p.PropDCID, what: str) -> None:
    for i in range(creation.get_nfilters()):
        code, _, _, name = creation.get_filter(i)
        if not h5py.h5z.filter_avail(code):
            called = one_line(name.decode(errors="replace"), 40)
            raise InaccessibleError(
                f"{what} is compressed with HDF5 filter {code}{f' ({called})' if called else ''}, which is not "
                "installed: write it with gzip or uncompressed, or name the filter's folder in HDF5_PLUGIN_PATH"
            )


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
