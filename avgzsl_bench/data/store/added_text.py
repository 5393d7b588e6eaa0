"""Text embeddings that a user adds to a dataset, such as those of class descriptions.

They belong to the dataset and not to a feature set, so the fingerprint of a feature set does not change. A method
gets one only if its `Needs.added_text` names it.
"""

from __future__ import annotations

import hashlib
import io
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import h5py
import numpy as np
from numpy.typing import NDArray
from pydantic import StringConstraints

from avgzsl_bench.data.datasets.facts import Dataset
from avgzsl_bench.data.untrusted.hdf5 import open_plain, parse_header, read_array, write_header
from avgzsl_bench.data.untrusted.json_file import JsonModel, Name, Sha256
from avgzsl_bench.errors import DataError, InaccessibleError
from avgzsl_bench.system.files import write_atomically
from avgzsl_bench.system.folders import sub_folders
from avgzsl_bench.system.identifiers import require_names
from avgzsl_bench.system.signals import defer_signals

SCHEMA = "avgzsl-bench text 1"

_AGAIN = "add it again with 'avbench data add-text DATASET FILE --force'"

_LONGEST_SOURCE = 200


@dataclass(frozen=True, eq=False)
class AddedText:
    """One vector per class.

    Attributes:
        name: as in `Needs.added_text`, e.g. `knowledge`.
        vectors: float32 `[C, E]`, row = class id, all NaN for a class without a vector.
        source: name of the file it came from, or `simulated`.
    """

    dataset: str
    name: str
    vectors: NDArray[np.float32]
    source: str

    @property
    def fingerprint(self) -> str:
        """sha256 of dataset, name, shape and values."""
        little = np.ascontiguousarray(self.vectors, dtype="<f4")
        heading = f"{self.dataset} {self.name} {little.shape}\n".encode()
        return hashlib.sha256(heading + little.tobytes()).hexdigest()

    @property
    def present(self) -> NDArray[np.bool_]:
        """Classes that have a vector: bool `[C]`."""
        return np.logical_not(np.isnan(self.vectors).any(axis=1))


class _StoredText(JsonModel):
    """The header as stored in the file, as JSON."""

    dataset: Name
    name: Name
    source: Annotated[str, StringConstraints(max_length=_LONGEST_SOURCE)]
    fingerprint: Sha256


def added_text_path(root: Path, dataset: str, name: str) -> Path:
    """Give the path of the added text `name` of a dataset.

    Raises:
        DataError: a name that could lead out of the data folder.
    """
    require_names(dataset, name)
    return root / dataset / f"text-{name}.h5"


def check_added_text(text: AddedText, dataset: Dataset, where: str) -> None:
    """Check that an added text has a row for each class of the dataset, finite or all NaN.

    Raises:
        DataError: other classes, no width, or a vector that is not finite throughout.
    """
    vectors = text.vectors
    if vectors.shape[0] != len(dataset.classes):
        raise DataError(
            f"{where}: {len(vectors)} rows, but {dataset.name} has {len(dataset.classes)} classes; {_AGAIN}"
        )
    if vectors.shape[1] == 0 or not np.isfinite(vectors[~np.isnan(vectors).all(axis=1)]).all():
        raise DataError(f"{where}: a vector without numbers, or with one that is not finite; {_AGAIN}")


def missing_classes(text: AddedText, dataset: Dataset) -> list[str]:
    """List the classes in use that an added text has no vector for; without these vectors runs are refused."""
    return classes_without_vector(text.vectors, dataset)


def classes_without_vector(vectors: NDArray[np.float32], dataset: Dataset) -> list[str]:
    """List the classes that any split uses and whose row of `[C, E]` vectors holds NaN."""
    used = {c for split in dataset.splits for facts in dataset.facts(split).values() for c in facts.classes}
    return [dataset.class_names[i] for i in sorted(used) if np.isnan(vectors[i]).any()]


def write_added_text(root: Path, text: AddedText) -> Path:
    """Write an added text whole or not at all, replacing what is there, and give its path.

    Raises:
        DataError: a name that is not valid.
        AvbenchError: the file cannot be written.
    """
    path = added_text_path(root, text.dataset, text.name)
    source = "".join(c if c.isprintable() else "?" for c in text.source)[:_LONGEST_SOURCE]
    header = _StoredText(dataset=text.dataset, name=text.name, source=source, fingerprint=text.fingerprint)
    content = io.BytesIO()  # HDF5 may lose the error of a disk that is full when it closes a file
    with defer_signals(), h5py.File(content, "w") as file:
        write_header(file, SCHEMA, header)
        file["vectors"] = text.vectors
    write_atomically(path, content.getvalue())
    return path


def read_added_text(path: Path) -> AddedText:
    """Read an added text and check it against its fingerprint.

    Raises:
        DataError: missing, damaged, foreign, altered or out of place.
    """
    if os.path.exists(path) and not os.path.isfile(path):
        raise DataError(f"{path}: neither a file nor a link to one; remove it")
    try:
        with open_plain(path) as file:
            header = parse_header(file, SCHEMA, _StoredText)
            if not header.source.isprintable():
                raise DataError(f"{path}: damaged: header.source holds control characters")
            vectors = read_array(file, "vectors", "f", 2).astype(np.float32, copy=False)
    except InaccessibleError:
        raise
    except DataError as error:
        raise DataError(f"{error}; {_AGAIN}") from error
    text = AddedText(header.dataset, header.name, vectors, header.source)
    if text.fingerprint != header.fingerprint:
        raise DataError(f"{path}: altered: its vectors do not have the stored fingerprint; {_AGAIN}")
    if path.name != f"text-{header.name}.h5" or path.parent.name != header.dataset:
        raise DataError(f"{path}: holds {header.name} of {header.dataset}, which belongs elsewhere; remove it")
    return text


@dataclass(frozen=True)
class AddedTexts:
    """The added texts of a data folder, by dataset and name, and each file that cannot be read with the reason."""

    texts: list[AddedText]
    unreadable: list[tuple[Path, str]]


def scan_added_text(root: Path) -> AddedTexts:
    """Read every added text below a data folder; a damaged one does not hide the others.

    Folders that cannot be listed are left out: `installed.scan` names them.

    Raises:
        InaccessibleError: the data folder itself cannot be listed.
    """
    texts, unreadable = [], []
    for path in (path for folder in sub_folders(root)[0] for path in sorted(folder.glob("text-*.h5"))):
        try:
            texts.append(read_added_text(path))
        except DataError as error:
            unreadable.append((path, str(error)))
    return AddedTexts(texts, unreadable)
