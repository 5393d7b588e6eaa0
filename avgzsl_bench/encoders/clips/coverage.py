"""What the clips of a folder cover of a dataset, and what is left out and why."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from avgzsl_bench.data.datasets.counts import Covered, PartitionCount, covered, partition_counts
from avgzsl_bench.data.datasets.facts import STAGES, Dataset
from avgzsl_bench.encoders.clips.clip import Clip, LeftOut

_SHOWN = 3
"""Ids or classes that a line names before it only counts the rest."""

COLUMNS = ("id", "class", "path", "reason", "note")
"""Columns of `left_out.csv`."""


@dataclass(frozen=True)
class ReasonCount:
    """How many videos or files are left out for a reason, and the first few: ids, or paths of what has none."""

    reason: str
    count: int
    first: tuple[str, ...]


@dataclass(frozen=True)
class Coverage:
    """What clips cover.

    Attributes:
        counts: classes and videos of each partition under each split, next to the standard.
        covered: the standard videos that are there, of all partitions of stage 2.
        bare: the classes with standard videos that have no clip, in the order of class ids.
        reasons: the most frequent first, then by name.
    """

    counts: tuple[PartitionCount, ...]
    covered: Covered
    bare: tuple[str, ...]
    reasons: tuple[ReasonCount, ...]

    def lines(self) -> Iterator[str]:
        """Say it in lines, but for the counts."""
        yield f"{self.covered.videos:,} of {self.covered.standard:,} standard videos are there"
        if self.bare:
            yield f"{len(self.bare)} classes without a clip: {_some(self.bare, len(self.bare))}"
        for item in self.reasons:
            yield f"left out, {item.reason}: {item.count:,}: {_some(item.first, item.count)}"


def coverage(dataset: Dataset, clips: Sequence[Clip], left_out: Iterable[LeftOut]) -> Coverage:
    """Count clips, and what is left out, of a dataset; its facts are the standard.

    Reasons are the same up to their first colon.
    """
    label = np.array([clip.label for clip in clips], np.int64)
    partition = np.array([clip.partition for clip in clips], np.uint8)
    facts = [dataset.facts(split)[name] for split in dataset.splits for name in STAGES[1]]
    standard = {c for f in facts for c, n in zip(f.classes, f.videos, strict=True) if n}
    places: dict[str, list[str]] = {}
    for item in left_out:
        places.setdefault(item.reason.partition(":")[0], []).append(item.video_id or item.place)
    reasons = [ReasonCount(reason, len(names), tuple(names[:_SHOWN])) for reason, names in places.items()]
    return Coverage(
        counts=tuple(partition_counts(dataset, label, partition)),
        covered=covered(dataset, label, partition),
        bare=tuple(dataset.class_names[c] for c in sorted(standard.difference(label.tolist()))),
        reasons=tuple(sorted(reasons, key=lambda item: (-item.count, item.reason))),
    )


def left_out_csv(left_out: Iterable[LeftOut], notes: Iterable[tuple[Clip, str]] = ()) -> str:
    """Write `left_out.csv`: what is left out with the reason, then the clips that were taken with a note."""
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows((item.video_id, item.class_name, item.place, item.reason, "") for item in left_out)
    writer.writerows((clip.video_id, clip.class_name, clip.place, "", note) for clip, note in notes)
    return stream.getvalue()


def _some(names: Sequence[str], count: int) -> str:
    more = f" and {count - _SHOWN:,} more" if count > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
