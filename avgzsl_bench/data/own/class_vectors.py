"""Text embeddings that a user brings, placed by class."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from avgzsl_bench.data.datasets.facts import Dataset
from avgzsl_bench.data.own.vector_files import read_vectors_by_name, shown
from avgzsl_bench.errors import DataError

_NAMED = 3
"""Number of names that an error message gives before it only counts the rest."""


def read_class_vectors(path: Path, dataset: Dataset) -> NDArray[np.float32]:
    """Read vectors by class id: float32 `[C, E]`, all NaN for a class that the file leaves out.

    Classes are found by name: the name in the dataset's class list, or either of its readable names. For the forms
    of files see `vector_files`.

    Raises:
        DataError: unreadable, of another form, a name of no class, two entries for one class, or vectors that
            differ in width or are not finite numbers.
    """
    ids = _ids_by_name(dataset)
    vectors = read_vectors_by_name(path, ids.keys())
    (first, example), *_ = vectors.items()
    odd = next((name for name, vector in vectors.items() if len(vector) != len(example)), None)
    if odd is not None:
        raise DataError(
            f"{path}: the vector of {shown(odd)} has width {len(vectors[odd])}, that of {shown(first)} "
            f"{len(example)}"
        )
    unknown = sorted(vectors.keys() - ids.keys())
    if unknown:
        raise DataError(f"{path}: no class of {dataset.name} is called {some_names(unknown)}")
    placed = np.full((len(dataset.classes), len(example)), np.nan, np.float32)
    owner: dict[int, str] = {}
    for name, vector in vectors.items():
        class_id = ids[name]
        if class_id in owner:
            raise DataError(f"{path}: {owner[class_id]!r} and {name!r} are the same class of {dataset.name}")
        owner[class_id] = name
        placed[class_id] = vector
    return placed


def some_names(names: Sequence[str]) -> str:
    """Quote the first names of a list, and count the rest."""
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(map(shown, names[:_NAMED])) + more


def _ids_by_name(dataset: Dataset) -> dict[str, int]:
    """Give the class id by any of its names; a name of two classes is left out."""
    ids: dict[str, set[int]] = defaultdict(set)
    for class_id, c in enumerate(dataset.classes):
        for name in (c.listed, c.name, c.readable, c.clip):
            ids[name].add(class_id)
    return {name: owners.pop() for name, owners in ids.items() if len(owners) == 1}
