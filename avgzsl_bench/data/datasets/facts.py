"""Datasets as facts: class list, readable names, the classes and standard video counts of each partition.

The class order is defined here and nowhere else: class id = position in the dataset's own list. A dataset is
a JSON data file (see `class_lists/`), announced by the hook `avbench_datasets`.
"""

from __future__ import annotations

import hashlib
import json
import re
from functools import cached_property, lru_cache
from importlib.resources import files
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator, model_validator

from avgzsl_bench.errors import PluginError, UnknownNameError, first_fault
from avgzsl_bench.plugins.specs import DatasetSpec

PARTITIONS = (
    "stage1_train",
    "stage1_val_seen",
    "stage1_val_unseen",
    "stage2_train",
    "stage2_test_seen",
    "stage2_test_unseen",
)
"""The six partitions, in the order of their bits in a store's mask: bit `i` is `PARTITIONS[i]`."""

DISJOINT = "-disjoint"
"""Ends the name of a split's source-disjoint view: `cls-disjoint`. See `data/splits.py`."""


def partition_bit(partition: str) -> int:
    """The mask bit of a partition."""
    return 1 << PARTITIONS.index(partition)


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
    """The facts of a dataset.

    `recording` is a regular expression for the whole of a video id; its group is the recording that the video
    was cut from. Without one, nobody can tell which videos share a recording.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    title: str
    match_case: bool
    classes: tuple[ClassNames, ...]
    partitions: dict[str, PartitionFacts]
    splits: dict[str, dict[str, PartitionFacts]]
    recording: str | None = None

    @field_validator("recording")
    @classmethod
    def _one_group(cls, pattern: str | None) -> str | None:
        try:
            if pattern is not None and re.compile(pattern).groups != 1:
                raise ValueError("must have one group")
        except re.error as error:
            raise ValueError(f"no regular expression: {error}") from error
        return pattern

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
        return self._ids.get(name if self.match_case else name.lower())

    @cached_property
    def _ids(self) -> dict[str, int]:
        fold = str if self.match_case else str.lower
        return {fold(spelling): i for i, c in enumerate(self.classes) for spelling in (c.listed, c.name)}

    @property
    def split_names(self) -> tuple[str, ...]:
        """What may be typed after `--split`: the splits, then their source-disjoint views where ids tell."""
        views = [f"{split}{DISJOINT}" for split in self.splits] if self.recording else []
        return *self.splits, *views

    def official_split(self, split: str) -> str:
        """The split that a name is of: itself, or that of which it is the source-disjoint view.

        Raises:
            UnknownNameError: the dataset has no such split.
        """
        if split not in self.split_names:
            raise UnknownNameError(f"split of {self.name}", split, self.split_names)
        return split if split in self.splits else split.removesuffix(DISJOINT)

    def facts(self, split: str) -> dict[str, PartitionFacts]:
        """Facts of all six partitions under a split; for a source-disjoint view those of the whole split.

        Raises:
            UnknownNameError: the dataset has no such split.
        """
        return {**self.partitions, **self.splits[self.official_split(split)]}

    def split_hash(self, split: str) -> str:
        """sha256 of the class order and of the classes of each partition under a split.

        A source-disjoint view leaves out videos, which only the data tell: `splits.split_rows` has its hash.

        Raises:
            UnknownNameError: the dataset has no such split.
        """
        if split not in self.splits:
            raise UnknownNameError(f"split of {self.name}", split, self.splits)
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
        raise PluginError(
            f"dataset {spec.name!r}: {spec.resource} cannot be read: {first_fault(error)}"
        ) from error
    except (OSError, ModuleNotFoundError, ValueError, TypeError, RecursionError) as error:
        raise PluginError(f"dataset {spec.name!r}: {spec.resource} cannot be read: {error}") from error
    if dataset.name != spec.name:
        raise PluginError(f"dataset {spec.name!r}: {spec.resource} is of dataset {dataset.name!r}")
    return dataset
