"""Datasets as facts: class list, readable names, the classes and standard video counts of each partition.

The class order is defined here and nowhere else: class id = position in the dataset's own list. A dataset is
a JSON data file (see `class_lists/`), registered by the hook `avbench_datasets`.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection
from functools import cached_property, lru_cache
from importlib.resources import files
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from avgzsl_bench.data.datasets.class_names import plain_name
from avgzsl_bench.errors import ConfigError, PluginError, UnknownNameError, first_fault
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

STAGES = (PARTITIONS[:3], PARTITIONS[3:])
"""The partitions of each stage: training, scored videos of seen classes, scored videos of unseen classes."""

STAGE1_BITS = 0b000111
"""Mask bits of all stage-1 partitions."""

DEFAULT_SPLIT = "cls"
"""The split of a dataset that has it, where none is named."""

DISJOINT = "-disjoint"
"""Suffix of a split's source-disjoint view: `cls-disjoint`. See `datasets/splits.py`."""


def partition_bit(partition: str) -> int:
    """Give the mask bit of a partition."""
    return 1 << PARTITIONS.index(partition)


class ClassNames(BaseModel):
    """Names of one class, as the published files spell them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(description="Name in the split files and of the class's feature files.")
    listed: str = Field(description="Name in the full class list, by which classes are sorted.")
    readable: str = Field(description="Name in words, the key of its word2vec embedding.")
    clip: str = Field(description="Name in words, the key of its CLIP and CLAP embeddings.")


class PartitionFacts(BaseModel):
    """Classes of a partition and their standard videos."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    classes: tuple[int, ...] = Field(description="Class ids, ascending. A class id is a position in `classes`.")
    videos: tuple[int, ...] = Field(description="Standard number of videos per class, in the order of `classes`.")
    ids_sha256: str | None = Field(
        default=None, description="sha256 of the partition's sorted unique video ids, joined by single newlines."
    )


class Dataset(BaseModel):
    """The facts of a dataset; as JSON, the data file that a plugin registers."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(description="Value of `--dataset`: lower-case letters, digits, '-' and '_'.")
    title: str = Field(description="Name in tables, such as 'UCF-GZSL'.")
    match_case: bool = Field(description="Whether names of class files are compared by upper and lower case.")
    classes: tuple[ClassNames, ...] = Field(description="All classes; a class id is the position in this list.")
    partitions: dict[str, PartitionFacts] = Field(
        description=f"Facts of each of the partitions {', '.join(PARTITIONS)}, unless a split replaces them."
    )
    splits: dict[str, dict[str, PartitionFacts]] = Field(
        description="Class splits by name, such as 'cls'; each holds the partitions in which it differs."
    )
    recording: str | None = Field(
        default=None,
        description="Regular expression for a whole video id with one group: the recording that the video was "
        "cut from. Without it there are no source-disjoint splits.",
    )

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

    @cached_property
    def class_names(self) -> tuple[str, ...]:
        """Names of all classes in class-id order, as the split files spell them."""
        return tuple(c.name for c in self.classes)

    def class_id(self, name: str) -> int | None:
        """Give the class id of a name spelled as in the split files or the full list; None for no class.

        Blanks at its ends and Unicode forms make no difference, unless classes differ by them alone.
        """
        key = name if self.match_case else name.lower()
        return self._ids.get(key, self._ids.get(plain_name(key)))

    @cached_property
    def _ids(self) -> dict[str, int]:
        fold = str if self.match_case else str.lower
        exact = {fold(spelling): i for i, c in enumerate(self.classes) for spelling in (c.listed, c.name)}
        return {plain_name(spelling): i for spelling, i in exact.items()} | exact

    def naming(self, keys: Collection[str]) -> list[str]:
        """Give the readable names by class id, of either list (UCF has two) the one that fits some keys better."""
        namings = [[c.readable for c in self.classes], [c.clip for c in self.classes]]
        return max(namings, key=lambda names: len(set(names).intersection(keys)))

    @property
    def split_names(self) -> tuple[str, ...]:
        """Values of `--split`: the splits, then their source-disjoint views where video ids name the recording."""
        views = [f"{split}{DISJOINT}" for split in self.splits] if self.recording else []
        return *self.splits, *views

    def standard_split(self, split: str) -> str:
        """Give the standard split of a name: the name itself, or the split of a source-disjoint view.

        Raises:
            UnknownNameError: the dataset has no such split.
        """
        if split not in self.split_names:
            raise UnknownNameError(f"split of {self.name}", split, self.split_names)
        return split if split in self.splits else split.removesuffix(DISJOINT)

    def chosen_split(self, split: str | None) -> str:
        """Give the split of a name; without a name `cls`, or the only split there is.

        Raises:
            UnknownNameError: the dataset has no such split.
            ConfigError: no name, no split `cls`, and several others.
        """
        if split is not None:
            self.standard_split(split)
            return split
        if DEFAULT_SPLIT not in self.splits and len(self.splits) > 1:
            raise ConfigError(
                f"{self.name} has several splits; name one with --split: {', '.join(self.split_names)}"
            )
        return DEFAULT_SPLIT if DEFAULT_SPLIT in self.splits else next(iter(self.splits))

    def facts(self, split: str) -> dict[str, PartitionFacts]:
        """Give the facts of all six partitions under a split; for a source-disjoint view those of the whole split.

        Raises:
            UnknownNameError: the dataset has no such split.
        """
        return {**self.partitions, **self.splits[self.standard_split(split)]}

    def split_hash(self, split: str) -> str:
        """Hash (sha256) the class order and the classes of each partition under a split.

        The hash of a source-disjoint view depends on the data: see `splits.split_rows`.

        Raises:
            UnknownNameError: the dataset has no such split.
        """
        if split not in self.splits:
            raise UnknownNameError(f"split of {self.name}", split, self.splits)
        facts = self.facts(split)
        content = {"classes": self.class_names, "partitions": {p: facts[p].classes for p in PARTITIONS}}
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _require_fit(partitions: dict[str, PartitionFacts]) -> None:
    """Require in either stage that seen videos are of trained classes and unseen ones are not."""
    for train, seen, unseen in STAGES:
        trained = set(partitions[train].classes)
        if not set(partitions[seen].classes) <= trained:
            raise ValueError(f"{seen} has classes that {train} has not")
        if not trained.isdisjoint(partitions[unseen].classes):
            raise ValueError(f"{unseen} shares classes with {train}")


@lru_cache(maxsize=32)
def read_dataset(spec: DatasetSpec) -> Dataset:
    """Read the dataset of a spec.

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
