"""Clips, what is left out, and the result of looking through a folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from avgzsl_bench.data.datasets.facts import Dataset
from avgzsl_bench.data.store.verify import Finding


@dataclass(frozen=True)
class Stretch:
    """A stretch [start, end) in seconds; None where the file begins or ends."""

    start: float | None = None
    end: float | None = None


WHOLE = Stretch()
"""All of a file."""


@dataclass(frozen=True)
class Clip:
    """A video file, or a stretch of one, that is a video of the dataset.

    Attributes:
        video_id, class_name, label: id, class and class id by the lists.
        partition: mask of partitions, as in `FeatureTable`.
        path: the file.
        place: the file below the folder of videos, for people.
        stretch: what to take of the file.
    """

    video_id: str
    class_name: str
    label: int
    partition: int
    path: Path
    place: str
    stretch: Stretch = WHOLE


@dataclass(frozen=True)
class LeftOut:
    """A video that will not be in the store, or a file that leads to none.

    Attributes:
        video_id, class_name: id and class by the lists; empty for a file that leads to none.
        place: the file below the folder of videos; empty where there is none.
        reason: one line; up to the first colon it is the same for all of its kind.
    """

    video_id: str
    class_name: str
    place: str
    reason: str


@dataclass(frozen=True)
class ClipList:
    """The clips of a dataset in a folder.

    Attributes:
        dataset: its facts.
        dataset_file: where to write them if the dataset is new; None if it is known.
        source: where the partitions come from, for people.
        clips: in the order of class id, then id.
        left_out: in the order of reason, id and place.
        findings: differences from the standard, and what else to know.
    """

    dataset: Dataset
    dataset_file: Path | None
    source: str
    clips: tuple[Clip, ...]
    left_out: tuple[LeftOut, ...]
    findings: tuple[Finding, ...]


def leave_out(clip: Clip, reason: str) -> LeftOut:
    """Leave out a clip for a reason."""
    return LeftOut(clip.video_id, clip.class_name, clip.place, reason)


def shown_place(place: str) -> str:
    """Give the path of a file in a form that can be printed and written, whatever its name holds."""
    return "".join(c if c.isprintable() else "?" for c in place)
