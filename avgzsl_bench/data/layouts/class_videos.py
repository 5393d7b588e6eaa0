"""The videos of one class from all partitions of a tree, each once, in the order of their ids."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from avgzsl_bench.data.layouts.class_file import ClassFile
from avgzsl_bench.errors import DataError

AUDIO, VISUAL = 0, 1

_Place = tuple[ClassFile, int]
"""A video in one modality: its file and its position there."""
_Places = dict[str, tuple[_Place, _Place]]
"""Videos in both modalities, audio and visual, by id."""


class ClassVideos:
    """The videos of a class, gathered partition by partition."""

    def __init__(self) -> None:
        self._mask: dict[str, int] = {}
        self._places: _Places = {}

    def add(self, audio: ClassFile, visual: ClassFile, bit: int, where: str) -> None:
        """Add a partition.

        Args:
            audio, visual: its class files, each in any order of the videos.
            bit: mask bit of the partition.
            where: place to name in an error.

        Raises:
            DataError: a video of one modality only, or one that has other values in another partition.
        """
        _check_same_ids(audio, visual, where)
        visual_at = {video: i for i, video in enumerate(visual.video_id)}
        found = {video: ((audio, i), (visual, visual_at[video])) for i, video in enumerate(audio.video_id)}
        again = [video for video in found if video in self._places]
        for modality in (AUDIO, VISUAL):
            different = _different([(self._places[v][modality], found[v][modality]) for v in again])
            if different is not None:
                raise DataError(f"{where}: video {again[different]!r} has other vectors than in another partition")
        for video, place in found.items():
            self._mask[video] = self._mask.get(video, 0) | bit
            self._places.setdefault(video, place)

    def __len__(self) -> int:
        return len(self._mask)

    @property
    def video_id(self) -> list[str]:
        """Ids, ascending."""
        return sorted(self._mask)

    @property
    def mask(self) -> list[int]:
        """Partition mask of each video."""
        return [self._mask[video] for video in self.video_id]

    def steps(self, modality: int) -> list[int]:
        """Count the steps of each video."""
        return [len(file.video(i)) for file, i in (self._places[v][modality] for v in self.video_id)]

    def values(self, modality: int) -> Iterator[NDArray[np.float32]]:
        """Give the videos end to end, in pieces: float32 `[S, D]`."""
        for (piece,) in _pieces([(self._places[video][modality],) for video in self.video_id]):
            yield piece


def _check_same_ids(audio: ClassFile, visual: ClassFile, where: str) -> None:
    for ids, others, modality in ((audio, visual, "audio"), (visual, audio, "video")):
        unpaired = sorted(set(ids.video_id).difference(others.video_id))
        if unpaired:
            some = ", ".join(map(repr, unpaired[:3]))
            raise DataError(
                f"{where}: {len(unpaired)} of {len(ids)} videos are in {modality} only, such as {some}"
            )


def _different(pairs: Sequence[tuple[_Place, _Place]]) -> int | None:
    """Find the first video with different values in its two places."""
    steps = [[len(file.video(i)) for file, i in places] for places in zip(*pairs, strict=True)]
    if all(now == steps[0] for now in steps) and all(np.array_equal(a, b) for a, b in _pieces(pairs)):
        return None
    same = (np.array_equal(one.video(i), other.video(k)) for (one, i), (other, k) in pairs)
    return next(i for i, is_same in enumerate(same) if not is_same)


def _pieces(videos: Sequence[tuple[_Place, ...]]) -> Iterator[tuple[NDArray[np.float32], ...]]:
    """Give videos in one or several places in as few pieces as possible: neighbours everywhere are one piece."""
    starts = [
        *range(len(videos[:1])),
        *(i + 1 for i, both in enumerate(pairwise(videos)) if not all(map(_follows, *both))),
    ]
    for start, end in pairwise([*starts, len(videos)]):
        yield tuple(
            file.values[file.offsets[first] : file.offsets[last + 1]]
            for (file, first), (_, last) in zip(videos[start], videos[end - 1], strict=True)
        )


def _follows(one: _Place, other: _Place) -> bool:
    return other[0] is one[0] and other[1] == one[1] + 1
