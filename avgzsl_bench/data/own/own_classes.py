"""The dataset of a user's features: a known one, or one made of the tables of its classes and videos."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from pydantic import ValidationError

from avgzsl_bench.data.datasets.class_names import near_miss, plain_name, shown
from avgzsl_bench.data.datasets.facts import PARTITIONS, ClassNames, Dataset, PartitionFacts, partition_bit
from avgzsl_bench.data.datasets.registry import (
    dataset_path,
    known_dataset,
    own_dataset_problem,
    read_own_dataset,
    registered_datasets,
)
from avgzsl_bench.data.own.class_vectors import require_classes
from avgzsl_bench.data.own.table_file import Places, missing_column, read_columns
from avgzsl_bench.data.own.video_table import VideoTable
from avgzsl_bench.errors import DataError, UnknownNameError, first_fault, one_line
from avgzsl_bench.system.folders import is_there

_NAMES = ("name", "readable", "clip")

ROLES = ("train", "val_unseen", "test_unseen")
"""Roles of a class in a split: for training in both stages, in stage 2 only, or in neither."""

_IN = {
    "stage1_train": ("train",),
    "stage1_val_seen": ("train",),
    "stage1_val_unseen": ("val_unseen",),
    "stage2_train": ("train", "val_unseen"),
    "stage2_test_seen": ("train", "val_unseen"),
    "stage2_test_unseen": ("test_unseen",),
}
"""Roles of the classes of each partition."""

_HELD_OUT = ("stage1_val_seen", "stage2_test_seen")
"""Partitions in which a class may have no videos."""


def find_dataset(
    root: Path, name: str, table: Path | None, videos: VideoTable, source: Path
) -> tuple[Dataset, Path | None]:
    """Find the dataset of a user's features, or make it of tables, and the path for its facts if they are new.

    Raises:
        DataError: an unknown dataset without a table of classes, a table that contradicts the videos, or classes
            that differ from those of the dataset with this name.
    """
    if table is None:
        try:
            known = known_dataset(name, root)
            if known.name != name:
                raise UnknownNameError("dataset", name, [known.name], meant=[known.name])
            return known, None
        except UnknownNameError as error:
            raise DataError(f"{error}; describe a new dataset with --classes FILE") from error
    if name in registered_datasets():
        raise DataError(f"{name!r} is a registered dataset; leave --classes out, or choose another name")
    new = read_dataset_table(name, table, videos, source)
    path = dataset_path(root, name)
    if not is_there(path):
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
    """Give classes and their roles, without the videos; older files may spell names with blanks at their ends."""
    names = [[plain_name(name) for name in (c.name, c.readable, c.clip)] for c in dataset.classes]
    return names, {s: [dataset.facts(s)[p].classes for p in PARTITIONS] for s in dataset.splits}


def read_dataset_table(name: str, path: Path, videos: VideoTable, source: Path) -> Dataset:
    """Make a new dataset.

    Columns: `name`; `readable` and `clip`, the names of the class in texts (default: `name`, and `readable`);
    every other column is a split and holds the role of the class, or nothing where the split leaves it out. Class
    ids are the positions in the sorted list of names. The given videos, of the file `source`, become the standard.

    Raises:
        DataError: unreadable, a role that does not exist, or classes and videos that contradict each other.
    """
    table = read_columns(path)
    if "name" not in table.columns:
        raise missing_column(path, "name", list(table.columns))
    columns = {c: [plain_name(v) for v in vs] if c in _NAMES else vs for c, vs in table.columns.items()}
    _require_distinct(columns["name"], table.places)
    splits = [column for column in columns if column not in _NAMES]
    if not splits:
        raise DataError(f"{path}: has no column of roles, e.g. 'cls' with {', '.join(ROLES)} or nothing")
    order = sorted(range(len(columns["name"])), key=columns["name"].__getitem__)
    classes = [_names(columns, i) for i in order]
    names = [c.name for c in classes]
    roles = {split: [columns[split][i].strip() for i in order] for split in splits}
    for split, of_class in roles.items():
        odd = next((i for i, role in enumerate(of_class) if role not in ("", *ROLES)), None)
        if odd is not None:
            role, place = of_class[odd], table.places.of(order[odd])
            raise DataError(
                f"{place}: class {names[odd][:60]!r} has role {role[:60]!r} in {split[:60]!r}"
                f"{_meant(role, ROLES)} (known: {', '.join(ROLES)}, or nothing; every column but "
                f"{', '.join(_NAMES)} is a split{_meant(split, _NAMES)})"
            )
    known = set(names)
    require_classes(videos, name, [c for c in dict.fromkeys(videos.class_name) if c not in known], names)
    facts = {split: _facts(names, of_class, videos) for split, of_class in roles.items()}
    _require_videos(facts, names, source)
    first, *_ = facts.values()
    try:
        dataset = Dataset(
            name=name,
            title=name,
            match_case=True,
            classes=tuple(classes),
            partitions=first,
            splits={s: {p: f for p, f in found.items() if f != first[p]} for s, found in facts.items()},
        )
    except ValidationError as error:
        raise DataError(f"{path}: {first_fault(error)}") from error
    if (problem := own_dataset_problem(dataset)) is not None:
        raise DataError(f"{path}: {one_line(problem, 300)}")
    return dataset


def _require_distinct(names: Sequence[str], places: Places) -> None:
    first: dict[str, int] = {}
    for row, name in enumerate(names):
        if first.setdefault(name, row) != row:
            raise DataError(
                f"{places.of(row)}: two classes have the same name, {shown(name)}: see {places.of(first[name])}"
            )


def _meant(name: str, known: Sequence[str]) -> str:
    near = near_miss(name, known)
    return f"; did you mean {near!r}?" if near else ""


def _names(columns: Mapping[str, Sequence[str]], row: int) -> ClassNames:
    name = columns["name"][row]
    readable = columns["readable"][row] if "readable" in columns else ""
    clip = columns["clip"][row] if "clip" in columns else ""
    return ClassNames(name=name, listed=name, readable=readable or name, clip=clip or readable or name)


def _facts(names: Sequence[str], roles: Sequence[str], videos: VideoTable) -> dict[str, PartitionFacts]:
    ids = {name: i for i, name in enumerate(names)}
    label = np.array([ids.get(name, -1) for name in videos.class_name])
    facts = {}
    for partition in PARTITIONS:
        inside = (videos.partition & partition_bit(partition)) != 0
        count = np.bincount(label[inside & (label >= 0)], minlength=len(names))
        listed = [i for i, role in enumerate(roles) if role in _IN[partition]]
        if partition in _HELD_OUT:
            listed = [i for i in listed if count[i]]
        there = np.flatnonzero(inside & np.isin(label, listed))
        content = "\n".join(sorted(videos.video_id[i] for i in there))
        facts[partition] = PartitionFacts(
            classes=tuple(listed),
            videos=tuple(int(count[i]) for i in listed),
            ids_sha256=hashlib.sha256(content.encode()).hexdigest(),
        )
    return facts


def _require_videos(splits: Mapping[str, dict[str, PartitionFacts]], names: Sequence[str], source: Path) -> None:
    for split, facts in splits.items():
        for partition, found in facts.items():
            if not found.classes:
                raise DataError(f"{source}: no video of split {split[:60]!r} is in {partition}")
            bare = [c for c, n in zip(found.classes, found.videos, strict=True) if not n]
            if bare:
                raise DataError(
                    f"{source}: class {names[bare[0]][:60]!r} has no video in {partition}, where its role in "
                    f"split {split[:60]!r} puts it"
                )
