"""The feature table: result of a reader or the simulator, and content of a store."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LONGEST_ID = 255
"""Characters of a video id, at most; published ones have some 30."""
_BLOCK = 256
"""Videos averaged at a time, so that double precision takes little memory."""


@dataclass(frozen=True)
class Ragged:
    """Sequences of vectors end to end.

    Attributes:
        values: float32 `[S, D]`, the steps of all videos.
        offsets: int64 `[N + 1]`, video `i` is `values[offsets[i]:offsets[i + 1]]`.
        seconds: time from one step to the next.
    """

    values: NDArray[np.float32]
    offsets: NDArray[np.int64]
    seconds: float

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def mean(self) -> NDArray[np.float32]:
        """Average each video over time: float32 `[N, D]`."""
        means = np.empty((len(self), self.values.shape[1]), np.float32)
        for start in range(0, len(self), _BLOCK):
            offsets = self.offsets[start : start + _BLOCK + 1]
            steps = self.values[offsets[0] : offsets[-1]].astype(np.float64)
            sums = np.add.reduceat(steps, offsets[:-1] - offsets[0], axis=0)
            means[start : start + _BLOCK] = sums / np.diff(offsets)[:, None]
        return means


Feature = NDArray[np.float32] | Ragged
"""One vector per video, float32 `[N, D]`, or sequences."""


@dataclass(frozen=True)
class FeatureTable:
    """All videos of a dataset with one feature set, each video once.

    Rows are in ascending class id, then ascending video id.

    Attributes:
        dataset, features: names of the dataset and of the feature set.
        simulated: true where no video was used.
        audio, visual: the features of `N` videos.
        label: int64 `[N]`, class ids of the dataset's full class list.
        video_id: `N` unique ids of printable characters, at most `LONGEST_ID`.
        partition: uint8 `[N]`, bit `i` is set if the video is in `facts.PARTITIONS[i]`.
        text: float32 `[C, Dw]` by text encoder; row = class id; a class without a vector is all NaN.
        source: layout it came from, e.g. `avca`, `clipclap`, `tcaf`; `added` by hand; version of the simulation.
    """

    dataset: str
    features: str
    simulated: bool
    audio: Feature
    visual: Feature
    label: NDArray[np.int64]
    video_id: list[str]
    partition: NDArray[np.uint8]
    text: dict[str, NDArray[np.float32]]
    source: str = ""

    def __len__(self) -> int:
        return len(self.label)
