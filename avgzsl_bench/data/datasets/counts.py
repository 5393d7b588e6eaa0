"""How many classes and videos of a dataset there are, next to the standard numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from avgzsl_bench.data.datasets.facts import PARTITIONS, STAGES, Dataset, partition_bit


@dataclass(frozen=True)
class PartitionCount:
    """Classes and videos in a partition under a split, and how many the standard has."""

    partition: str
    split: str
    classes: int
    standard_classes: int
    videos: int
    standard_videos: int


@dataclass(frozen=True)
class Covered:
    """How many of the standard videos are there."""

    videos: int
    standard: int

    @property
    def share(self) -> float:
        """From 0 to 1; 1 where the standard has none."""
        return self.videos / self.standard if self.standard else 1.0


def partition_counts(
    dataset: Dataset, label: NDArray[np.int64], partition: NDArray[np.uint8]
) -> list[PartitionCount]:
    """Count the classes and videos of each partition under each split.

    Args:
        dataset: its facts are the standard.
        label, partition: class id and mask of partitions of each video, `[N]`.
    """
    counts = []
    for name in PARTITIONS:
        there = label[(partition & partition_bit(name)) != 0]
        for split in dataset.splits:
            facts = dataset.facts(split)[name]
            listed = there[np.isin(there, facts.classes)]
            counts.append(
                PartitionCount(
                    partition=name,
                    split=split,
                    classes=len(np.unique(listed)),
                    standard_classes=len(facts.classes),
                    videos=len(listed),
                    standard_videos=sum(facts.videos),
                )
            )
    return counts


def covered(
    dataset: Dataset, label: NDArray[np.int64], partition: NDArray[np.uint8], split: str | None = None
) -> Covered:
    """Count the standard videos that are there: no more of a class and partition than the standard has.

    Only partitions of stage 2 are counted, which hold every video once.

    Args:
        dataset: its facts are the standard.
        label, partition: class id and mask of partitions of each video, `[N]`.
        split: the only one that counts, which may be a source-disjoint view; None: the videos of any split.
    """
    videos = standard = 0
    splits = list(dataset.splits) if split is None else [split]
    known = (label >= 0) & (label < len(dataset.classes))
    for name in STAGES[1]:
        of_class: dict[int, int] = {}
        for facts in (dataset.facts(s)[name] for s in splits):
            of_class |= dict(zip(facts.classes, facts.videos, strict=True))
        found = np.bincount(
            label[known & ((partition & partition_bit(name)) != 0)], minlength=len(dataset.classes)
        )
        standard += sum(of_class.values())
        videos += sum(min(int(found[c]), n) for c, n in of_class.items())
    return Covered(videos, standard)
