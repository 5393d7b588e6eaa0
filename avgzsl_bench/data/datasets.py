"""Datasets as facts: class list, readable names, the classes and standard video counts of each partition.

The class order is defined here and nowhere else: class id = position in the dataset's own list. A dataset is
a JSON data file (see `class_lists/`), announced by the hook `avbench_datasets`.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from avgzsl_bench.errors import PluginError, UnknownNameError

PARTITIONS = (
    "stage1_train",
    "stage1_val_seen",
    "stage1_val_unseen",
    "stage2_train",
    "stage2_test_seen",
    "stage2_test_unseen",
)
"""The six partitions, in the order of their bits in a store's mask: bit `i` is `PARTITIONS[i]`."""


def partition_bit(partition: str) -> int:
    """The mask bit of a partition."""
    return 1 << PARTITIONS.index(partition)


@dataclass(frozen=True)
class DatasetSpec:
    """A dataset as a plugin registers it.

    Attributes:
        name: what is typed after `--dataset`.
        resource: its data file as `"package:path/file.json"`.
    """

    name: str
    resource: str


class ClassNames(BaseModel):
    """One class: the spelling of the split files, of the full class list, and the keys of the text embeddings."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    listed: str
    readable: str
    clip: str


class PartitionFacts(BaseModel):
    """Classes of a partition (ids, ascending), the standard number of videos of each, and a hash of all ids.

    `ids_sha256` is over the sorted unique video ids joined by single newlines.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    classes: tuple[int, ...]
    videos: tuple[int, ...]
    ids_sha256: str | None = None


class Dataset(BaseModel):
    """The facts of a dataset."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    title: str
    match_case: bool
    classes: tuple[ClassNames, ...]
    partitions: dict[str, PartitionFacts]
    splits: dict[str, dict[str, PartitionFacts]]

    @model_validator(mode="after")
    def _consistent(self) -> Dataset:
        if set(self.partitions) != set(PARTITIONS):
            raise ValueError(f"partitions must be exactly {', '.join(PARTITIONS)}")
        for split in self.splits.values():
            _require_fit({**self.partitions, **split})
            for name, facts in {**self.partitions, **split}.items():
                if name not in PARTITIONS:
                    raise ValueError(f"unknown partition {name!r}")
                if len(facts.classes) != len(facts.videos):
                    raise ValueError(f"{name}: {len(facts.classes)} classes, {len(facts.videos)} counts")
                if sorted(set(facts.classes)) != list(facts.classes):
                    raise ValueError(f"{name}: class ids must ascend without repeats")
                if facts.classes and not 0 <= min(facts.classes) <= max(facts.classes) < len(self.classes):
                    raise ValueError(f"{name}: class id out of range")
        return self

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of all classes in class-id order, as the split files spell them."""
        return tuple(c.name for c in self.classes)

    def class_id(self, name: str) -> int | None:
        """Class id of a name spelled as in the split files or the full list; None if it is none of ours."""
        return self._ids().get(name if self.match_case else name.lower())

    def _ids(self) -> dict[str, int]:
        return _ids_by_name(self.match_case, self.classes)

    def facts(self, split: str) -> dict[str, PartitionFacts]:
        """Facts of all six partitions under a split.

        Raises:
            UnknownNameError: the dataset has no such split.
        """
        if split not in self.splits:
            raise UnknownNameError(f"split of {self.name}", split, self.splits)
        return {**self.partitions, **self.splits[split]}

    def split_hash(self, split: str) -> str:
        """sha256 of the class order and of the classes of each partition under a split."""
        facts = self.facts(split)
        content = {"classes": self.class_names, "partitions": {p: facts[p].classes for p in PARTITIONS}}
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _require_fit(partitions: dict[str, PartitionFacts]) -> None:
    """In either stage the seen videos scored are of trained classes and the unseen ones are not."""
    for train, seen, unseen in (
        ("stage1_train", "stage1_val_seen", "stage1_val_unseen"),
        ("stage2_train", "stage2_test_seen", "stage2_test_unseen"),
    ):
        trained = set(partitions[train].classes)
        if not set(partitions[seen].classes) <= trained:
            raise ValueError(f"{seen} has classes that {train} has not")
        if not trained.isdisjoint(partitions[unseen].classes):
            raise ValueError(f"{unseen} shares classes with {train}")


@lru_cache(maxsize=32)
def _ids_by_name(match_case: bool, classes: tuple[ClassNames, ...]) -> dict[str, int]:
    fold = str if match_case else str.lower
    return {fold(spelling): i for i, c in enumerate(classes) for spelling in (c.listed, c.name)}


@lru_cache(maxsize=32)
def read_dataset(spec: DatasetSpec) -> Dataset:
    """The dataset of a spec.

    Raises:
        PluginError: its data file is missing, malformed or of another dataset.
    """
    package, _, path = spec.resource.partition(":")
    try:
        content: Any = json.loads(files(package).joinpath(path).read_text(encoding="utf-8"))
        dataset = Dataset.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        reason = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
        raise PluginError(f"dataset {spec.name!r}: {spec.resource} cannot be read: {reason}") from error
    except (OSError, ModuleNotFoundError, ValueError, TypeError) as error:
        raise PluginError(f"dataset {spec.name!r}: {spec.resource} cannot be read: {error}") from error
    if dataset.name != spec.name:
        raise PluginError(f"dataset {spec.name!r}: {spec.resource} is of dataset {dataset.name!r}")
    return dataset
