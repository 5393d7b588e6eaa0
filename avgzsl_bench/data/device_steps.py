"""Sequences on the device, laid out so that a method is handed the steps of its own videos and no others.

The store keeps videos in the order of their classes. Where a video's steps lie must not tell its class, so they
are put in another order before a method sees them.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from avgzsl_bench.data.store.table import Ragged
from avgzsl_bench.gzsl.sequences import Sequences


class DeviceSteps:
    """The steps of one modality.

    Args:
        feature: the sequences of all videos of a store.
        order: int64 `[M]`, rows of the videos that will be asked for, in the order in which their steps are to
            lie. Groups of videos that are asked for together should lie together.
        device: where to put them.
    """

    def __init__(self, feature: Ragged, order: NDArray[np.int64], device: torch.device) -> None:
        self._length = np.diff(feature.offsets)
        self._position = np.full(len(feature), -1, np.int64)
        self._position[order] = np.arange(len(order))
        self._first = np.concatenate([[0], np.cumsum(self._length[order])])
        steps = _step_rows(feature.offsets[order], self._length[order])
        self._values = torch.from_numpy(feature.values[steps]).to(device)
        self._seconds = feature.seconds

    def of(self, rows: NDArray[np.int64]) -> Sequences:
        """The sequences of some videos, int64 `[N]` rows of the store.

        Videos that lie together are a view of what is on the device; others are copied.
        """
        position, length = self._position[rows], self._length[rows]
        low, high = int(position.min()), int(position.max()) + 1
        if high - low == len(rows):
            values = self._values[int(self._first[low]) : int(self._first[high])]
            first = self._first[position] - self._first[low]
        else:
            steps = torch.from_numpy(_step_rows(self._first[position], length))
            values = self._values[steps.to(self._values.device)]
            first = np.cumsum(length) - length
        return Sequences(
            values=values,
            first=torch.from_numpy(first).to(values.device),
            length=torch.from_numpy(length).to(values.device),
            longest=int(length.max()),
            seconds=self._seconds,
        )


def _step_rows(first: NDArray[np.int64], length: NDArray[np.int64]) -> NDArray[np.int64]:
    """The rows of all steps of videos that begin at `first` and are `length` long, one video after the other."""
    skipped = first - (np.cumsum(length) - length)
    return np.repeat(skipped, length) + np.arange(length.sum())
