"""The store: a dataset with one feature set in one HDF5 file.

Features are stored uncompressed and contiguous, so that loading is one read. What is not an array is kept as
JSON in an attribute of the root. `SCHEMA` changes when the layout does.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import h5py
import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from avgzsl_bench.data.store.blocks import blocks
from avgzsl_bench.data.store.checks import check_table
from avgzsl_bench.data.store.table import Feature, FeatureTable, Ragged
from avgzsl_bench.data.untrusted.hdf5 import open_plain, plain_dataset, read_array
from avgzsl_bench.errors import DataError, first_fault
from avgzsl_bench.system.files import atomic_file
from avgzsl_bench.system.identifiers import IDENTIFIER_RULE, NAME
from avgzsl_bench.system.locks import writing_alone
from avgzsl_bench.system.signals import defer_signals

SCHEMA = "avgzsl-bench features 1"

_AGAIN = "import the data again with 'avbench data import DIR --force'"

_STRUCTURE = 1 << 16
"""Bytes that are ample for what a store holds beside its arrays: HDF5's own structures and the header."""

_Name = Annotated[str, StringConstraints(pattern=rf"^(?:{NAME.pattern})$")]


class _Kept(BaseModel):
    """The header as kept in the file, as JSON."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    dataset: _Name
    features: _Name
    simulated: bool
    source: str
    encoders: list[_Name]
    fingerprint: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    audio_seconds: float | None = None
    visual_seconds: float | None = None


@dataclass(frozen=True)
class StoreHeader:
    """What a store holds, without the features.

    Attributes:
        dataset, features, simulated, source: as in `FeatureTable`.
        videos: number of videos.
        audio, visual: widths of the vectors.
        text: width of each text encoder's vectors, in the encoders' order.
        audio_seconds, visual_seconds: from one step of a sequence to the next; None for one vector a video.
        fingerprint: sha256 of the content, see `fingerprint`.
        path: the file.
    """

    dataset: str
    features: str
    simulated: bool
    source: str
    videos: int
    audio: int
    visual: int
    text: Mapping[str, int]
    audio_seconds: float | None
    visual_seconds: float | None
    fingerprint: str
    path: Path

    @property
    def sequences(self) -> bool:
        """True where a video is a sequence of vectors."""
        return self.audio_seconds is not None


def fingerprint(table: FeatureTable) -> str:
    """sha256 of a table's content: names, flags, seconds a step, and type, shape and bytes of each array.

    It does not depend on how or where the content is stored, nor on which layout it came from.
    """
    digest = _digest(table)
    for name, values in _arrays(table).items():
        for _ in _added(digest, name, values):
            pass
    return digest.hexdigest()


def _digest(table: FeatureTable) -> hashlib._Hash:
    """The beginning of a fingerprint: all that is not an array."""
    names = [table.dataset, table.features, bool(table.simulated), list(table.text), table.video_id]
    return hashlib.sha256(json.dumps(names).encode() + b"\n")


def _arrays(table: FeatureTable) -> dict[str, NDArray[Any]]:
    """All arrays of a table in the fingerprint's order, by the names they have there."""
    arrays: dict[str, NDArray[Any]] = {}
    for modality, feature in (("audio", table.audio), ("visual", table.visual)):
        if isinstance(feature, Ragged):
            arrays[f"{modality} offsets"] = feature.offsets
            arrays[f"{modality} seconds"] = np.array([feature.seconds])
        arrays[modality] = feature.values if isinstance(feature, Ragged) else feature
    arrays |= {"label": table.label, "partition": table.partition}
    return arrays | {f"text {encoder}": vectors for encoder, vectors in table.text.items()}


def _added(digest: hashlib._Hash, name: str, values: NDArray[Any]) -> Iterator[NDArray[Any]]:
    """The blocks of an array, each once it is in the fingerprint."""
    little = values.dtype.newbyteorder("<")
    digest.update(f"{name} {little.str} {values.shape}\n".encode())
    for block in blocks(values):
        digest.update(np.ascontiguousarray(block, dtype=little).reshape(-1).view(np.uint8).data)
        yield block


def write_store(path: Path, table: FeatureTable) -> str:
    """Write a table whole or not at all, replacing what is there.

    Returns:
        The fingerprint.

    Raises:
        DataError: the table is inconsistent.
        AvbenchError: the file cannot be written.
    """
    check_table(table, f"features {table.features!r} of {table.dataset!r}")
    for name in (table.dataset, table.features, *table.text):
        if not NAME.fullmatch(name):
            raise DataError(f"{name!r} cannot be stored as a name; use {IDENTIFIER_RULE}")
    # h5py loses the exception of a signal that arrives while it writes.
    with writing_alone(path, warnings.warn), atomic_file(path) as temporary, defer_signals():
        try:
            with h5py.File(temporary, "w") as file:
                _reserve(temporary, table)
                mark = _write(file, table)
                size = file.id.get_filesize()
            os.truncate(temporary, min(size, temporary.stat().st_size))
            return mark
        except RuntimeError as error:  # what h5py makes of some errors of the system
            raise OSError(None, str(error)) from error


def _reserve(path: Path, table: FeatureTable) -> None:
    """Take the space on disk that a table needs, where the system can do that. What is left over is cut off.

    HDF5 writes the last of a file when it closes it, and if the disk is full by then, h5py keeps the error to
    itself, or the library brings the process down.
    """
    if not hasattr(os, "posix_fallocate"):
        return
    ids = len(table.video_id) * max((len(i.encode()) for i in table.video_id), default=0)
    size = ids + sum(values.nbytes for values in _arrays(table).values()) + _STRUCTURE
    with path.open("rb+") as stream:
        try:
            os.posix_fallocate(stream.fileno(), 0, size)
        except OSError as error:
            if error.errno not in (errno.EOPNOTSUPP, errno.EINVAL):  # a file system that cannot
                raise


def _write(file: h5py.File, table: FeatureTable) -> str:
    """Write a table and give its fingerprint; each block of the features is read once for both."""
    digest = _digest(table)
    for name, values in _arrays(table).items():
        in_header = name.endswith(" seconds")
        stored = None if in_header else file.create_dataset(name.replace(" ", "_"), values.shape, values.dtype)
        start = 0
        for block in _added(digest, name, values):
            if stored is not None:
                stored[start : start + len(block)] = block
            start += len(block)
        if stored is not None:
            stored.id.flush()  # what fails here is told; what fails when it is let go is not
    file["video_id"] = np.array([i.encode() for i in table.video_id], dtype=np.bytes_)
    mark = digest.hexdigest()
    header = _Kept(
        dataset=table.dataset,
        features=table.features,
        simulated=table.simulated,
        source=table.source,
        encoders=list(table.text),
        fingerprint=mark,
        audio_seconds=table.audio.seconds if isinstance(table.audio, Ragged) else None,
        visual_seconds=table.visual.seconds if isinstance(table.visual, Ragged) else None,
    )
    # Text of fixed length: the HDF5 library may hang on damaged text of variable length.
    file.attrs["schema"] = np.bytes_(SCHEMA.encode())
    file.attrs["header"] = np.bytes_(header.model_dump_json().encode())
    file.flush()
    return mark


def read_header(path: Path) -> StoreHeader:
    """What a store holds.

    Raises:
        DataError: the file is missing, damaged, foreign or of another schema.
    """
    with _open(path) as file:
        return _header(path, file)


def read_store(path: Path) -> tuple[StoreHeader, FeatureTable]:
    """The whole content of a store, checked for consistency but not against its fingerprint.

    Raises:
        DataError: the file is missing, damaged, foreign or of another schema.
    """
    with _open(path) as file:
        header = _header(path, file)
        label, partition = _members(file)
        table = FeatureTable(
            dataset=header.dataset,
            features=header.features,
            simulated=header.simulated,
            audio=_feature(file, "audio", header.audio_seconds),
            visual=_feature(file, "visual", header.visual_seconds),
            label=label,
            video_id=[i.decode() for i in read_array(file, "video_id", "S", 1).tolist()],
            partition=partition,
            text={encoder: read_array(file, f"text_{encoder}", "f", 2) for encoder in header.text},
            source=header.source,
        )
        check_table(table, str(path))
    return header, table


def read_members(path: Path) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    """Class id and partition mask of each video, without the features: int64 `[N]`, uint8 `[N]`.

    Raises:
        DataError: as `read_header`.
    """
    with _open(path) as file:
        _header(path, file)
        return _members(file)


def read_video_ids(path: Path) -> list[str]:
    """The id of each video, without the features.

    Raises:
        DataError: as `read_header`.
    """
    with _open(path) as file:
        _header(path, file)
        return [i.decode() for i in read_array(file, "video_id", "S", 1).tolist()]


@contextlib.contextmanager
def _open(path: Path) -> Iterator[h5py.File]:
    if not os.path.lexists(path):
        raise DataError(f"{path}: no such file; install the data with 'avbench data import DIR'")
    if not os.path.isfile(path):
        raise DataError(f"{path}: damaged: neither a file nor a link to one; remove it, then {_AGAIN}")
    try:
        with open_plain(path) as file:
            yield file
    except DataError as error:
        raise DataError(f"{error}; {_AGAIN}") from error


def _header(path: Path, file: h5py.File) -> StoreHeader:
    schema = read_attribute(file, "schema")
    if schema != SCHEMA:
        raise DataError(f"{path}: not a store of this version (schema {schema!r}, expected {SCHEMA!r})")
    kept = _kept(path, read_attribute(file, "header") or "")
    audio, visual = plain_dataset(file, "audio"), plain_dataset(file, "visual")
    text = {encoder: plain_dataset(file, f"text_{encoder}") for encoder in kept.encoders}
    if any(values.ndim != 2 for values in (audio, visual, *text.values())):
        raise DataError(f"{path}: features are not in two dimensions")
    for modality, seconds in (("audio", kept.audio_seconds), ("visual", kept.visual_seconds)):
        if (f"{modality}_offsets" in file) != (seconds is not None):
            raise DataError(
                f"{path}: {modality}: sequences without the seconds of a step, as an older version wrote them, or "
                f"seconds without sequences; {_AGAIN}"
            )
    if (kept.audio_seconds is None) != (kept.visual_seconds is None):
        raise DataError(f"{path}: one modality holds sequences and the other does not")
    return StoreHeader(
        dataset=kept.dataset,
        features=kept.features,
        simulated=kept.simulated,
        source=kept.source,
        videos=int(plain_dataset(file, "video_id").size),
        audio=int(audio.shape[1]),
        visual=int(visual.shape[1]),
        text={encoder: int(values.shape[1]) for encoder, values in text.items()},
        audio_seconds=kept.audio_seconds,
        visual_seconds=kept.visual_seconds,
        fingerprint=kept.fingerprint,
        path=path,
    )


def _kept(path: Path, text: str) -> _Kept:
    try:
        return _Kept.model_validate_json(text)
    except ValidationError as error:
        raise DataError(f"{path}: damaged: {first_fault(error, 'header')}") from error


def read_attribute(file: h5py.File, name: str) -> str | None:
    """An attribute of fixed-length text; None if there is no such."""
    if name not in file.attrs or file.attrs.get_id(name).dtype.kind != "S" or file.attrs.get_id(name).shape:
        return None
    return bytes(file.attrs[name]).decode()


def _members(file: h5py.File) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    label, partition = read_array(file, "label", "i", 1), read_array(file, "partition", "u", 1)
    if len(label) != len(partition):
        raise DataError(f"{file.filename}: {len(label)} labels and {len(partition)} partition masks")
    return label, partition


def _feature(file: h5py.File, modality: str, seconds: float | None) -> Feature:
    values = read_array(file, modality, "f", 2)
    if seconds is None:
        return values
    return Ragged(values, read_array(file, f"{modality}_offsets", "i", 1), seconds)
