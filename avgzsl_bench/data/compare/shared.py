"""The videos that two feature sets share, by id."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from avgzsl_bench.data.store.table import FeatureTable


@dataclass(frozen=True)
class SharedVideos:
    """Videos that are in two tables, in ascending class id, then ascending id.

    Attributes:
        video_id: `N` ids.
        label: class ids of the first table: int64 `[N]`.
        partition: partitions that a video is in by both tables: uint8 `[N]`.
        rows: rows in either table: int64 `[N]` each.
        other_class, other_partition: number of videos of which the tables say different things.
    """

    video_id: list[str]
    label: NDArray[np.int64]
    partition: NDArray[np.uint8]
    rows: tuple[NDArray[np.int64], NDArray[np.int64]]
    other_class: int
    other_partition: int

    def __len__(self) -> int:
        return len(self.video_id)


def shared_videos(one: FeatureTable, other: FeatureTable) -> SharedVideos:
    """Pair the videos of two tables by id."""
    at = {video: row for row, video in enumerate(other.video_id)}
    first = np.array([row for row, video in enumerate(one.video_id) if video in at], np.int64)
    second = np.array([at[one.video_id[row]] for row in first], np.int64)
    return SharedVideos(
        video_id=[one.video_id[row] for row in first],
        label=one.label[first],
        partition=one.partition[first] & other.partition[second],
        rows=(first, second),
        other_class=int((one.label[first] != other.label[second]).sum()),
        other_partition=int((one.partition[first] != other.partition[second]).sum()),
    )


def chosen_by_hash(video_ids: Sequence[str], most: int) -> NDArray[np.int64]:
    """Choose at most `most` videos by the SHA-256 of their ids, ascending: the same ones on every machine."""
    keys = [hashlib.sha256(video.encode()).digest() for video in video_ids]
    order = sorted(range(len(keys)), key=keys.__getitem__)
    return np.array(sorted(order[:most]), np.int64)
