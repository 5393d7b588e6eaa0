"""Writing a store whole or not at all."""

from __future__ import annotations

import errno
import os
import warnings
from pathlib import Path

import h5py
import numpy as np

from avgzsl_bench.data.store.checks import check_table
from avgzsl_bench.data.store.fingerprint import begin_digest, digested, named_arrays
from avgzsl_bench.data.store.store import SCHEMA, StoredHeader
from avgzsl_bench.data.store.table import FeatureTable, Ragged
from avgzsl_bench.data.untrusted.hdf5 import write_header
from avgzsl_bench.system.files import atomic_file
from avgzsl_bench.system.identifiers import require_names
from avgzsl_bench.system.locks import writing_alone
from avgzsl_bench.system.signals import defer_signals

_STRUCTURE = 1 << 16
"""Bytes that are ample for what a store holds beside its arrays: HDF5's own structures and the header."""


def write_store(path: Path, table: FeatureTable) -> str:
    """Write a table whole or not at all, replacing what is there, and give its fingerprint.

    Raises:
        DataError: the table is inconsistent, or a name in it is not valid.
        AvbenchError: the file cannot be written.
    """
    check_table(table, f"features {table.features!r} of {table.dataset!r}")
    require_names(table.dataset, table.features, *table.text)
    # h5py loses the exception of a signal that arrives while it writes.
    with writing_alone(path, warnings.warn), atomic_file(path) as temporary, defer_signals():
        try:
            with h5py.File(temporary, "w", locking=False) as file:  # nobody else knows the file
                _reserve(temporary, table)
                mark = _write(file, table)
                size = file.id.get_filesize()
            os.truncate(temporary, min(size, temporary.stat().st_size))
            return mark
        except RuntimeError as error:  # h5py's form of some errors of the system
            raise OSError(None, str(error)) from error


def _reserve(path: Path, table: FeatureTable) -> None:
    """Take the space on disk that a table needs, where the system can do that; the surplus is cut off later.

    HDF5 writes the last of a file when it closes it, and if the disk is full by then, h5py keeps the error to
    itself, or the library brings the process down.
    """
    if not hasattr(os, "posix_fallocate"):
        return
    ids = len(table.video_id) * max((len(i.encode()) for i in table.video_id), default=0)
    size = ids + sum(values.nbytes for values in named_arrays(table).values()) + _STRUCTURE
    with path.open("rb+") as stream:
        try:
            os.posix_fallocate(stream.fileno(), 0, size)
        except OSError as error:
            if error.errno not in (errno.EOPNOTSUPP, errno.EINVAL):  # a file system without this call
                raise


def _write(file: h5py.File, table: FeatureTable) -> str:
    """Write a table and give its fingerprint; each block of the features is read once for both."""
    digest = begin_digest(table)
    for name, values in named_arrays(table).items():
        in_header = name.endswith(" seconds")
        stored = None if in_header else file.create_dataset(name.replace(" ", "_"), values.shape, values.dtype)
        start = 0
        for block in digested(digest, name, values):
            if stored is not None:
                stored[start : start + len(block)] = block
            start += len(block)
        if stored is not None:
            stored.id.flush()  # an error here is reported; one at the end of the object's life is not
    file["video_id"] = np.array([i.encode() for i in table.video_id], dtype=np.bytes_)
    mark = digest.hexdigest()
    header = StoredHeader(
        dataset=table.dataset,
        features=table.features,
        simulated=table.simulated,
        source=table.source,
        encoders=list(table.text),
        fingerprint=mark,
        audio_seconds=table.audio.seconds if isinstance(table.audio, Ragged) else None,
        visual_seconds=table.visual.seconds if isinstance(table.visual, Ragged) else None,
    )
    write_header(file, SCHEMA, header)
    file.flush()
    return mark
