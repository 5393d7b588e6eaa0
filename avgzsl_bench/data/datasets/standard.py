"""The standard videos of a dataset, and how others differ from them.

Published figures are of the standard videos: as many in each class as the facts of the dataset say, and with the
ids whose hash they hold.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from avgzsl_bench.data.datasets.facts import PARTITIONS, Dataset, PartitionFacts, partition_bit

_ROLES = (
    ("test videos", ("stage2_test_seen", "stage2_test_unseen")),
    ("training videos", ("stage2_train",)),
    ("validation videos", ("stage1_val_seen", "stage1_val_unseen")),
    ("training videos of stage 1", ("stage1_train",)),
)
"""What partitions are for, in the order of their weight for a figure."""
MOST_VIDEOS = 2**53


class PartitionDifference(BaseModel):
    """How many videos a partition has, and the standard number; if they are equal, other videos."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    present: int = Field(ge=0, le=MOST_VIDEOS)
    standard: int = Field(ge=0, le=MOST_VIDEOS)

    def __str__(self) -> str:
        return numbers(self.present, self.standard)


def numbers(present: int, standard: int) -> str:
    """Write a number of videos that differ from the standard, and the standard one.

    Examples:
        >>> numbers(177, 1400), numbers(1500, 1400), numbers(1400, 1400)
        ('177 of 1,400', '1,500 in place of 1,400', '1,400 others in place of 1,400')
    """
    if present < standard:
        return f"{present:,} of {standard:,}"
    return f"{present:,} {'others ' if present == standard else ''}in place of {standard:,}"


Differences = Mapping[str, PartitionDifference]
"""By partition, in their order; partitions that do not differ are left out."""


@dataclass(frozen=True)
class Comparison:
    """The videos of a partition next to the standard ones; those of classes that the standard lacks do not count.

    Attributes:
        count: number of videos of each class of the standard.
        other: the classes with another number than the standard.
        ids_sha256: hash of the ids; None where they were not compared, as other numbers imply other ids.
        other_ids: there are as many videos in each class, but others.
    """

    count: Mapping[int, int]
    other: tuple[int, ...]
    ids_sha256: str | None
    other_ids: bool

    @property
    def present(self) -> int:
        """Number of videos."""
        return sum(self.count.values())


def compare(
    facts: PartitionFacts, label: NDArray[np.int64], ids: Callable[[NDArray[np.int64]], Sequence[str]] | None
) -> Comparison:
    """Compare the videos of a partition with the standard: number in each class, then ids.

    Args:
        facts: the standard.
        label: class id of each video: int64 `[n]`.
        ids: gives the ids of some positions in `label`; None: ids are not compared, as those of simulated videos.
    """
    rows = np.flatnonzero(np.isin(label, facts.classes))
    found = np.bincount(label[rows], minlength=max(facts.classes, default=0) + 1)
    count = {c: int(found[c]) for c in facts.classes}
    other = tuple(c for c, n in zip(facts.classes, facts.videos, strict=True) if count[c] != n)
    if other or ids is None or facts.ids_sha256 is None:
        return Comparison(count, other, None, False)
    mark = hashlib.sha256("\n".join(sorted(ids(rows))).encode()).hexdigest()
    return Comparison(count, other, mark, mark != facts.ids_sha256)


def standard_differences(
    dataset: Dataset,
    split: str,
    label: NDArray[np.int64],
    partition: NDArray[np.uint8],
    video_id: Sequence[str],
    *,
    simulated: bool,
) -> dict[str, PartitionDifference]:
    """Find how the videos of a split differ from the standard ones of each partition.

    A partition whose standard number is 0 has no standard.

    Args:
        dataset: its facts are the standard.
        split: for a source-disjoint view, the split behind it is compared.
        label, partition: class id and mask of partitions of each video, `[N]`.
        video_id: `N` ids; those of simulated videos are not compared.
        simulated: the videos are simulated.
    """
    differences = {}
    facts = dataset.facts(split)
    for name in PARTITIONS:
        inside = np.flatnonzero((partition & partition_bit(name)) != 0)
        standard = sum(facts[name].videos)
        if not standard:
            continue
        ids = None if simulated else lambda rows, at=inside: [video_id[i] for i in at[rows]]
        found = compare(facts[name], label[inside], ids)
        if found.other or found.other_ids:
            differences[name] = PartitionDifference(present=found.present, standard=standard)
    return differences


def differences_text(differences: Differences) -> str:
    """List how many videos each partition that differs has, and its standard number."""
    return ", ".join(f"{name} {found}" for name, found in differences.items())


def differences_summary(differences: Differences) -> str:
    """Say in a few words how the videos differ, where it weighs most: `177 of 1,400 test videos`.

    Examples:
        >>> few = PartitionDifference(present=62, standard=845)
        >>> differences_summary({"stage2_train": few, "stage2_test_unseen": few})
        '62 of 845 test videos of unseen classes'
    """
    for role, partitions in _ROLES:
        names = [name for name in partitions if name in differences]
        if names:
            present, standard = (
                sum(getattr(differences[name], number) for name in names) for number in ("present", "standard")
            )
            one_role = len(names) < len(partitions)
            classes = f" of {names[0].rpartition('_')[2]} classes" if one_role else ""
            return f"{numbers(present, standard)} {role}{classes}"
    return ""
