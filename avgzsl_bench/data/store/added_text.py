"""Text embeddings that a user adds to a dataset, such as those of class descriptions.

They belong to the dataset and not to a feature set, so a feature set's fingerprint stays what it was. Only a
method that asks for one by name is given it (`Needs.added_text`).
"""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import h5py
import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from avgzsl_bench.data.datasets.facts import Dataset
from avgzsl_bench.data.simulated.extras import simulate_descriptions
from avgzsl_bench.data.store.store import StoreHeader, read_attribute
from avgzsl_bench.data.untrusted.hdf5 import open_plain, read_array
from avgzsl_bench.errors import DataError, first_fault
from avgzsl_bench.system.files import write_atomically
from avgzsl_bench.system.identifiers import IDENTIFIER_RULE, NAME
from avgzsl_bench.system.signals import defer_signals

SCHEMA = "avgzsl-bench text 1"

DESCRIPTIONS = "knowledge"
"""The name under which methods look for embeddings of class descriptions."""

_AGAIN = "add it again with 'avbench data add-text DATASET FILE --force'"

_LONGEST_SOURCE = 200


@dataclass(frozen=True, eq=False)
class AddedText:
    """One vector a class.

    Attributes:
        dataset: dataset name.
        name: what methods ask for, e.g. `knowledge`.
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
        digest = hashlib.sha256(f"{self.dataset} {self.name} {little.shape}\n".encode())
        digest.update(little.tobytes())
        return digest.hexdigest()

    @property
    def present(self) -> NDArray[np.bool_]:
        """Which classes have a vector: bool `[C]`."""
        return np.logical_not(np.isnan(self.vectors).any(axis=1))


_Name = Annotated[str, StringConstraints(pattern=rf"^(?:{NAME.pattern})$")]


class _Kept(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    dataset: _Name
    name: _Name
    source: Annotated[str, StringConstraints(max_length=_LONGEST_SOURCE)]
    fingerprint: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


def added_text_path(root: Path, dataset: str, name: str) -> Path:
    """Where a dataset's added text of a name belongs.

    Raises:
        DataError: a name that could lead out of the data folder.
    """
    for part in (dataset, name):
        if not NAME.fullmatch(part):
            raise DataError(f"{part!r} is no name of a text embedding ({IDENTIFIER_RULE})")
    return root / dataset / f"text-{name}.h5"


def check_added_text(text: AddedText, dataset: Dataset, where: str) -> None:
    """Check that there is a vector, or its absence, for each class of the dataset.

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
    """Classes in use, on any split, that have no vector; runs are refused without."""
    used = {c for split in dataset.splits for facts in dataset.facts(split).values() for c in facts.classes}
    return [dataset.class_names[i] for i in sorted(used) if not text.present[i]]


def write_added_text(root: Path, text: AddedText) -> Path:
    """Write it whole or not at all, replacing what is there, and say where.

    Raises:
        DataError: a name that cannot be stored.
        AvbenchError: the file cannot be written.
    """
    path = added_text_path(root, text.dataset, text.name)
    source = "".join(c if c.isprintable() else "?" for c in text.source)[:_LONGEST_SOURCE]
    kept = _Kept(dataset=text.dataset, name=text.name, source=source, fingerprint=text.fingerprint)
    content = io.BytesIO()  # HDF5 may lose the error of a disk that is full when it closes a file
    with defer_signals(), h5py.File(content, "w") as file:
        file.attrs["schema"] = np.bytes_(SCHEMA.encode())
        file.attrs["header"] = np.bytes_(kept.model_dump_json().encode())
        file["vectors"] = text.vectors
    write_atomically(path, content.getvalue())
    return path


def read_added_text(path: Path) -> AddedText:
    """Read it and check it against its fingerprint.

    Raises:
        DataError: missing, damaged, foreign, altered or out of place.
    """
    if os.path.lexists(path) and not os.path.isfile(path):
        raise DataError(f"{path}: neither a file nor a link to one; remove it")
    try:
        with open_plain(path) as file:
            if read_attribute(file, "schema") != SCHEMA:
                raise DataError(f"{path}: no added text of this version")
            kept = _kept(path, read_attribute(file, "header") or "")
            vectors = read_array(file, "vectors", "f", 2).astype(np.float32, copy=False)
    except DataError as error:
        raise DataError(f"{error}; {_AGAIN}") from error
    text = AddedText(kept.dataset, kept.name, vectors, kept.source)
    if text.fingerprint != kept.fingerprint:
        raise DataError(f"{path}: altered: not the vectors that its fingerprint stands for; {_AGAIN}")
    if path.name != f"text-{kept.name}.h5" or path.parent.name != kept.dataset:
        raise DataError(f"{path}: holds {kept.name} of {kept.dataset}, which belongs elsewhere; remove it")
    return text


def _kept(path: Path, header: str) -> _Kept:
    try:
        kept = _Kept.model_validate_json(header)
    except ValidationError as error:
        raise DataError(f"{path}: damaged: {first_fault(error, 'header')}") from error
    if not kept.source.isprintable():
        raise DataError(f"{path}: damaged: header.source holds control characters")
    return kept


@dataclass(frozen=True)
class AddedTexts:
    """What was added to the datasets of a data folder.

    Attributes:
        texts: those that can be used, by dataset and name.
        unreadable: files in their place that cannot be read, with the reason.
    """

    texts: list[AddedText]
    unreadable: list[tuple[Path, str]]


def scan_added_text(root: Path) -> AddedTexts:
    """Every added text below a data folder; a damaged one does not hide the others."""
    texts, unreadable = [], []
    for path in sorted(root.glob("*/text-*.h5")):
        try:
            texts.append(read_added_text(path))
        except DataError as error:
            unreadable.append((path, str(error)))
    return AddedTexts(texts, unreadable)


def find_added_text(
    root: Path, dataset: Dataset, store: StoreHeader, names: Sequence[str]
) -> tuple[AddedText, ...]:
    """Those of the named texts that the dataset has. Simulated features come with simulated descriptions.

    Raises:
        DataError: one is there and cannot be used, or is called like a text encoder of the feature set.
    """
    taken = [name for name in names if name in store.text]
    if taken:
        raise DataError(f"{store.features} of {dataset.name} have a text encoder {taken[0]!r} of their own")
    if store.simulated:
        if DESCRIPTIONS not in names:
            return ()
        return (AddedText(dataset.name, DESCRIPTIONS, simulate_descriptions(dataset), "simulated"),)
    paths = (added_text_path(root, dataset.name, name) for name in names)
    found = tuple(read_added_text(path) for path in paths if os.path.lexists(path))
    for text in found:
        check_added_text(text, dataset, str(added_text_path(root, dataset.name, text.name)))
    return found
