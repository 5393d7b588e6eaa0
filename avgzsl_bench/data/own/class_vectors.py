"""Class names in a user's files: text embeddings placed by class, and the class ids of videos."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from avgzsl_bench.data.datasets.class_names import plain_name, shown, with_suggestion
from avgzsl_bench.data.datasets.facts import PARTITIONS, Dataset, partition_bit
from avgzsl_bench.data.own.vector_files import read_vectors_by_name
from avgzsl_bench.data.own.video_table import VideoTable
from avgzsl_bench.data.store.added_text import classes_without_vector
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
        raise DataError(f"{path}: {no_class(dataset.name, unknown, ids)}")
    placed = np.full((len(dataset.classes), len(example)), np.nan, np.float32)
    owner: dict[int, str] = {}
    for name, vector in vectors.items():
        class_id = ids[name]
        if class_id in owner:
            raise DataError(f"{path}: {owner[class_id]!r} and {name!r} are the same class of {dataset.name}")
        owner[class_id] = name
        placed[class_id] = vector
    return placed


def read_text(path: Path, dataset: Dataset, encoder: str) -> NDArray[np.float32]:
    """Read a vector for each class in use: float32 `[C, E]`, row = class id.

    Raises:
        DataError: as `read_class_vectors`, or a class in use has no vector.
    """
    vectors = read_class_vectors(path, dataset)
    missing = classes_without_vector(vectors, dataset)
    if missing:
        raise DataError(f"{path}: text {encoder!r} has no vector for {_some(missing)}")
    return vectors


def class_ids(videos: VideoTable, dataset: Dataset, path: Path) -> NDArray[np.int64]:
    """Give the class id of each row of a table: int64 `[N]`.

    Raises:
        DataError: a class that is not of the dataset, or that no split has in the partition of one of its videos.
    """
    ids = {name: dataset.class_id(name) for name in dict.fromkeys(videos.class_name)}
    require_classes(videos, dataset.name, [name for name, i in ids.items() if i is None], dataset.class_names)
    label = np.array([ids[name] for name in videos.class_name], np.int64)
    for partition in PARTITIONS:
        listed = sorted({c for split in dataset.splits for c in dataset.facts(split)[partition].classes})
        inside = (videos.partition & partition_bit(partition)) != 0
        if not inside.any():
            raise DataError(f"{path}: no video is in {partition}")
        odd = np.flatnonzero(inside & ~np.isin(label, listed))
        if len(odd):
            raise DataError(
                f"{path}: {len(odd)} videos, such as {videos.video_id[odd[0]][:60]!r}, are in {partition}, where "
                f"no split of {dataset.name} has their class ({videos.class_name[odd[0]][:60]!r})"
            )
    return label


def require_classes(videos: VideoTable, dataset: str, unknown: Sequence[str], known: Collection[str]) -> None:
    """Require that no class of a table of videos is unknown.

    Raises:
        DataError: one is; its line is named, and the class that was probably meant.
    """
    if unknown:
        row = videos.class_name.index(unknown[0])
        raise DataError(f"{videos.places.of(row)}: {no_class(dataset, unknown, known)}")


def no_class(dataset: str, unknown: Sequence[str], known: Collection[str]) -> str:
    """Say that no class of a dataset has some names, of which the first is shown with a suggestion."""
    others = f"; nor {_some(unknown[1:])}" if len(unknown) > 1 else ""
    return f"no class of {dataset} is called {with_suggestion(unknown[0], known)}{others}"


def _some(names: Sequence[str]) -> str:
    """Quote the first names of a list, and count the rest."""
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(map(shown, names[:_NAMED])) + more


def _ids_by_name(dataset: Dataset) -> dict[str, int]:
    """Give the class id by any of its names; a name of two classes is left out."""
    ids: dict[str, set[int]] = defaultdict(set)
    for class_id, c in enumerate(dataset.classes):
        for name in (c.listed, c.name, c.readable, c.clip):
            ids[plain_name(name)].add(class_id)
    return {name: owners.pop() for name, owners in ids.items() if len(owners) == 1}
