"""The folder tree that all published layouts share, and the dataset by its class names.

    <feature set>/audio/<partition>/<class>.<extension>
    <feature set>/video/<partition>/<class>.<extension>
    <feature set>/text/*.npy

Nothing here depends on the order in which a directory lists its files, nor on how folders above are called.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from avgzsl_bench.data.datasets.facts import PARTITIONS, Dataset
from avgzsl_bench.errors import DataError

MODALITIES = ("audio", "video")

_BELOW = ("*", "features/*", "*/features/*")
"""Where feature-set folders may lie below what the user names, if it is not one itself: the features folder,
the dataset's, or the one that holds the datasets."""


def disk_name(partition: str) -> str:
    """Give the folder name of a partition: `stage_1_train` for `stage1_train`."""
    return partition.replace("stage", "stage_", 1)


@dataclass(frozen=True)
class FeatureTree:
    """A feature-set folder.

    Attributes:
        path: the folder.
        extension: suffix of its class files, with the dot.
    """

    path: Path
    extension: str

    def class_files(self, modality: str, partition: str) -> dict[str, Path]:
        """List the class files of a partition by class name, in the order of the names; empty without a folder.

        Raises:
            DataError: a link leads out of the tree, or the folder cannot be listed.
        """
        listed: dict[str, Path] = {}
        for path in self._inside(self.path / modality, disk_name(partition)):
            if path.name.endswith(self.extension) and path.is_file():
                listed[path.name.removesuffix(self.extension)] = path
        return listed

    def text_files(self) -> list[Path]:
        """List the `.npy` files of the text folder, by name.

        Raises:
            DataError: as `class_files`.
        """
        return [p for p in self._inside(self.path, "text") if p.suffix == ".npy" and p.is_file()]

    def class_names(self) -> set[str]:
        """Collect the names of all class files.

        Raises:
            DataError: as `class_files`.
        """
        return {name for m in MODALITIES for p in PARTITIONS for name in self.class_files(m, p)}

    def smallest_files(self, modality: str) -> list[Path]:
        """List all class files of a modality, the smallest first.

        Raises:
            DataError: as `class_files`.
        """
        paths = [path for p in PARTITIONS for path in self.class_files(modality, p).values()]
        return sorted(paths, key=lambda path: (path.stat().st_size, path))

    def _inside(self, parent: Path, folder: str) -> list[Path]:
        """List a folder by name, without hidden files; empty if there is no such folder."""
        try:
            if not (parent / folder).is_dir():
                return []
            entries = sorted(name for name in os.listdir(parent / folder) if not name.startswith("."))
        except OSError as error:
            raise DataError(f"{parent / folder}: cannot be listed: {error.strerror}") from error
        paths = [parent / folder / name for name in entries]
        for path in (parent, parent / folder, *paths):
            refuse_link_out(path, self.path)
        return paths


def refuse_link_out(path: Path, folder: Path) -> None:
    """Fail if a path is a symbolic link out of a folder, or to nothing.

    Raises:
        DataError: it is.
    """
    if path.is_symlink():
        _require_inside(path, folder)


def _require_inside(path: Path, folder: Path) -> None:
    try:
        inside = path.resolve(strict=True).is_relative_to(folder.resolve())
    except (OSError, RuntimeError) as error:  # RuntimeError: a loop, before Python 3.13
        raise DataError(f"{path}: refused: a symbolic link that leads nowhere") from error
    if not inside:
        raise DataError(f"{path}: refused: a symbolic link that leaves {folder}")


def feature_folders(directory: Path) -> list[Path]:
    """Find the folders at or below a directory that have one folder per modality.

    Raises:
        DataError: one of them is a link that leads out of the directory.
    """
    folders = sorted({directory, *(path for pattern in _BELOW for path in directory.glob(pattern))})
    found = [path for path in folders if all((path / modality).is_dir() for modality in MODALITIES)]
    for path in found:
        _require_inside(path, directory)
    return found


def dataset_of(tree: FeatureTree, datasets: Sequence[Dataset], text_keys: set[str]) -> Dataset | None:
    """Find the dataset whose class list has most of a tree's class names; None if none has any.

    Names with text embeddings in the tree (`text_keys`) decide between datasets that fit equally.

    Raises:
        DataError: several datasets fit equally well.
    """
    names = tree.class_names()

    def fit(dataset: Dataset) -> tuple[int, int]:
        readable = {name for c in dataset.classes for name in (c.readable, c.clip)}
        return sum(dataset.class_id(name) is not None for name in names), len(readable & text_keys)

    fits = {dataset.name: fit(dataset) for dataset in datasets}
    best = max(fits.values(), default=(0, 0))
    if best[0] == 0:
        return None
    chosen = [dataset for dataset in datasets if fits[dataset.name] == best]
    if len(chosen) > 1:
        raise DataError(f"{tree.path}: its classes fit several datasets: {', '.join(d.name for d in chosen)}")
    return chosen[0]


def files_by_class(tree: FeatureTree, modality: str, partition: str, dataset: Dataset) -> dict[int, Path]:
    """List the class files of a partition by class id.

    Raises:
        DataError: a file of no class of the dataset, or two of one class.
    """
    by_class: dict[int, Path] = {}
    for name, path in tree.class_files(modality, partition).items():
        class_id = dataset.class_id(name)
        if class_id is None:
            raise DataError(f"{path}: {name!r} is no class of {dataset.name}")
        if class_id in by_class:
            raise DataError(f"{path}: a second file of the class of {by_class[class_id].name!r}")
        by_class[class_id] = path
    return by_class
