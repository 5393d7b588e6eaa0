"""The store: a dataset with one feature set in one HDF5 file. Its header, and reading it.

Features are uncompressed and contiguous, so that loading is one read. `SCHEMA` changes when the layout does.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from avgzsl_bench.data.store.checks import check_table
from avgzsl_bench.data.store.origin import Origin, origin_of
from avgzsl_bench.data.store.table import Feature, FeatureTable, Ragged
from avgzsl_bench.data.untrusted.hdf5 import open_plain, parse_header, plain_dataset, read_array
from avgzsl_bench.data.untrusted.json_file import JsonModel, Name, Sha256
from avgzsl_bench.errors import DataError, InaccessibleError
from avgzsl_bench.system.folders import is_there

SCHEMA = "avgzsl-bench features 1"

_AGAIN = "import the data again with 'avbench data import DIR --force'"


class StoredHeader(JsonModel):
    """The header as stored in the file, as JSON."""

    dataset: Name
    features: Name
    simulated: bool
    source: str
    encoders: list[Name]
    fingerprint: Sha256
    audio_seconds: float | None = None
    visual_seconds: float | None = None


@dataclass(frozen=True)
class StoreHeader:
    """A store without its features.

    Attributes:
        dataset, features, simulated, source: as in `FeatureTable`.
        videos, audio, visual: number of videos, and widths of the vectors.
        text: width of each text encoder's vectors, in the encoders' order.
        audio_seconds, visual_seconds: from one step of a sequence to the next; None for one vector per video.
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

    @property
    def origin(self) -> Origin | None:
        """Where the vectors came from; None if the store does not say."""
        return origin_of(self.source, simulated=self.simulated)

    @property
    def layout(self) -> str | None:
        """The layout of the files that the vectors were imported from; None if they were not imported."""
        return self.source if self.origin == "imported" else None


@dataclass(frozen=True)
class StoreRows:
    """The videos of a store without their features: int64, uint8 and text `[N]` each, as in `FeatureTable`."""

    label: NDArray[np.int64]
    partition: NDArray[np.uint8]
    video_id: list[str]


def read_header(path: Path) -> StoreHeader:
    """Read and check the header of a store.

    Raises:
        DataError: the file is missing, damaged, foreign or of another schema.
    """
    with _open(path) as file:
        return _header(path, file)


def read_store(path: Path) -> tuple[StoreHeader, FeatureTable]:
    """Read a store's header and its whole content, as `read_header` and `read_table`."""
    with _open(path) as file:
        header = _header(path, file)
        return header, _table(header, file)


def read_table(header: StoreHeader) -> FeatureTable:
    """Read the whole content of a store; it is checked for consistency but not against its fingerprint.

    Raises:
        DataError: the file is missing, damaged or foreign.
    """
    with _open(header.path) as file:
        return _table(header, file)


def read_rows(header: StoreHeader) -> StoreRows:
    """Read class id, partitions and id of each video, without the features.

    Raises:
        DataError: the file is missing, damaged or foreign.
    """
    with _open(header.path) as file:
        return _rows(file)


@contextlib.contextmanager
def _open(path: Path) -> Iterator[h5py.File]:
    if not is_there(path):
        raise DataError(f"{path}: no such file; install the data with 'avbench data import DIR'")
    if os.path.exists(path) and not os.path.isfile(path):
        raise DataError(f"{path}: damaged: neither a file nor a link to one; remove it, then {_AGAIN}")
    try:
        with open_plain(path) as file:
            yield file
    except InaccessibleError:
        raise
    except DataError as error:
        raise DataError(f"{error}; {_AGAIN}") from error


def _header(path: Path, file: h5py.File) -> StoreHeader:
    stored = parse_header(file, SCHEMA, StoredHeader)
    audio, visual = plain_dataset(file, "audio"), plain_dataset(file, "visual")
    text = {encoder: plain_dataset(file, f"text_{encoder}") for encoder in stored.encoders}
    if any(values.ndim != 2 for values in (audio, visual, *text.values())):
        raise DataError(f"{path}: features are not in two dimensions")
    for modality, seconds in (("audio", stored.audio_seconds), ("visual", stored.visual_seconds)):
        if (f"{modality}_offsets" in file) != (seconds is not None):
            raise DataError(
                f"{path}: {modality}: sequences without the seconds per step, as an older version wrote them, or "
                "seconds without sequences"
            )
    if (stored.audio_seconds is None) != (stored.visual_seconds is None):
        raise DataError(f"{path}: one modality holds sequences and the other does not")
    return StoreHeader(
        **stored.model_dump(exclude={"encoders"}),
        videos=int(plain_dataset(file, "video_id").size),
        audio=int(audio.shape[1]),
        visual=int(visual.shape[1]),
        text={encoder: int(values.shape[1]) for encoder, values in text.items()},
        path=path,
    )


def _table(header: StoreHeader, file: h5py.File) -> FeatureTable:
    rows = _rows(file)
    table = FeatureTable(
        dataset=header.dataset,
        features=header.features,
        simulated=header.simulated,
        audio=_feature(file, "audio", header.audio_seconds),
        visual=_feature(file, "visual", header.visual_seconds),
        label=rows.label,
        video_id=rows.video_id,
        partition=rows.partition,
        text={encoder: read_array(file, f"text_{encoder}", "f", 2) for encoder in header.text},
        source=header.source,
    )
    check_table(table, str(header.path))
    return table


def _rows(file: h5py.File) -> StoreRows:
    label, partition = read_array(file, "label", "i", 1), read_array(file, "partition", "u", 1)
    video_id = [i.decode() for i in read_array(file, "video_id", "S", 1).tolist()]
    if not len(label) == len(partition) == len(video_id):
        raise DataError(
            f"{file.filename}: {len(label)} labels, {len(partition)} partition masks and {len(video_id)} video ids"
        )
    return StoreRows(label, partition, video_id)


def _feature(file: h5py.File, modality: str, seconds: float | None) -> Feature:
    values = read_array(file, modality, "f", 2)
    if seconds is None:
        return values
    return Ragged(values, read_array(file, f"{modality}_offsets", "i", 1), seconds)
