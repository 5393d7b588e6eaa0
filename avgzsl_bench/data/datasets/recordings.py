"""The recording that a video was cut from, by its id.

UCF clips of one class and group come from one recording, and so do VGGSound and ActivityNet clips of one YouTube
id. Each dataset's data file has the rule (`Dataset.recording`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from avgzsl_bench.data.datasets.facts import Dataset

UNKNOWN = -1
"""The recording of a video whose id does not name it."""

SEEN_OF_TRAINING = MappingProxyType({"stage2_test_seen": "stage2_train", "stage1_val_seen": "stage1_train"})
"""The scored partitions of seen classes, each with the training partition of its stage."""


def recordings(dataset: Dataset, video_ids: Sequence[str]) -> NDArray[np.int64]:
    """Assign a number to the recording of each of `N` videos: int64 `[N]`, `UNKNOWN` without one.

    Equal numbers are equal recordings within one call; numbers of different calls cannot be compared.
    """
    if dataset.recording is None or not len(video_ids):
        return np.full(len(video_ids), UNKNOWN, np.int64)
    match = re.compile(dataset.recording).fullmatch
    names = [found[1] if (found := match(video)) else None for video in video_ids]
    known = np.array([name is not None for name in names])
    numbers = np.full(len(names), UNKNOWN, np.int64)
    numbers[known] = np.unique([name for name in names if name is not None], return_inverse=True)[1]
    return numbers


def shared(scored: NDArray[np.int64], training: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Find the scored videos whose recording, numbered by one call of `recordings`, is in training: bool `[N]`."""
    return np.asarray(np.isin(scored, training) & (scored != UNKNOWN))
