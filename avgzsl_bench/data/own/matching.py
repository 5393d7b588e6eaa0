"""The dataset of a user's features, and their class ids and text embeddings by its classes."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from avgzsl_bench.data.datasets.facts import PARTITIONS, Dataset, partition_bit
from avgzsl_bench.data.datasets.registry import (
    dataset_path,
    known_dataset,
    read_own_dataset,
    registered_datasets,
)
from avgzsl_bench.data.own.class_vectors import read_class_vectors, some_names
from avgzsl_bench.data.own.own_classes import read_dataset_table
from avgzsl_bench.data.own.sources import FeatureSources
from avgzsl_bench.data.own.video_table import VideoTable
from avgzsl_bench.data.store.added_text import classes_without_vector
from avgzsl_bench.errors import DataError, UnknownNameError


def find_dataset(root: Path, sources: FeatureSources, videos: VideoTable) -> tuple[Dataset, Path | None]:
    """Find the dataset of a user's features, or make it of the table of classes.

    Returns:
        The dataset, and the path for its facts if they are new.

    Raises:
        DataError: an unknown dataset without a table of classes, a table that contradicts the videos, or classes
            that differ from those of the dataset with this name.
    """
    if sources.classes is None:
        try:
            return known_dataset(sources.dataset, root), None
        except UnknownNameError as error:
            raise DataError(f"{error}; describe a new dataset with --classes FILE") from error
    if sources.dataset in registered_datasets():
        raise DataError(
            f"{sources.dataset!r} is a registered dataset; leave --classes out, or choose another name"
        )
    new = read_dataset_table(sources.dataset, sources.classes, videos, sources.videos)
    path = dataset_path(root, sources.dataset)
    if not os.path.lexists(path):
        return new, path
    existing = read_own_dataset(path)
    if _structure(existing) != _structure(new):
        others = any(path.parent.glob("*/features.h5"))
        obsolete = f"{path.parent}, with every feature set in it," if others else path
        raise DataError(
            f"{path} has other classes or roles; leave --classes out, choose another name, or remove {obsolete} "
            "to begin anew"
        )
    return existing, None


def _structure(dataset: Dataset) -> object:
    """Give classes and their roles, without the videos."""
    return dataset.classes, {split: dataset.split_hash(split) for split in dataset.splits}


def class_ids(videos: VideoTable, dataset: Dataset, path: Path) -> NDArray[np.int64]:
    """Give the class id of each row of a table: int64 `[N]`.

    Raises:
        DataError: a class that is not of the dataset, or that no split has in the partition of one of its videos.
    """
    ids = {name: dataset.class_id(name) for name in dict.fromkeys(videos.class_name)}
    unknown = [name for name, class_id in ids.items() if class_id is None]
    if unknown:
        raise DataError(f"{path}: no class of {dataset.name} is called {some_names(unknown)}")
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


def read_text(path: Path, dataset: Dataset, encoder: str) -> NDArray[np.float32]:
    """Read a vector for each class in use: float32 `[C, E]`, row = class id.

    Raises:
        DataError: as `read_class_vectors`, or a class in use has no vector.
    """
    vectors = read_class_vectors(path, dataset)
    missing = classes_without_vector(vectors, dataset)
    if missing:
        raise DataError(f"{path}: text {encoder!r} has no vector for {some_names(missing)}")
    return vectors
