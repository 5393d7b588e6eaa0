"""Sequences on the device, laid out so that a method gets only the steps of its own videos.

The store keeps videos in the order of their classes; the position of a video's steps must not reveal its class.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.dlpack import from_dlpack

from avgzsl_bench.data.store.table import Ragged
from avgzsl_bench.gzsl.sequences import Sequences


class DeviceSteps:
    """The steps of one modality of a store's videos, on a device.

    Args:
        order: int64 `[M]`, rows of the videos in use, in the order in which their steps are stored. Groups of
            videos that are read together should be stored together.
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
        """Give the sequences of some videos.

        Args:
            rows: int64 `[N]`, rows of the store. Videos stored together share the memory of the steps on the
                device, others are copied; either way no step of another video can be reached from the tensor.
        """
        position, length = self._position[rows], self._length[rows]
        low, high = int(position.min()), int(position.max()) + 1
        if high - low == len(rows):
            values = _window(self._values, int(self._first[low]), int(self._first[high]))
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


def _window(values: Tensor, start: int, stop: int) -> Tensor:
    """Give some rows as a tensor whose storage ends where they end, in the same memory where the device has it."""
    rows = values[start:stop]
    # A view would share the storage of all rows; through DLPack a tensor gets one of its own over the same memory.
    return from_dlpack(rows) if rows.device.type in ("cpu", "cuda") else rows.clone()


def _step_rows(first: NDArray[np.int64], length: NDArray[np.int64]) -> NDArray[np.int64]:
    """Give the rows of all steps of videos that begin at `first` and have `length` steps, video after video."""
    skipped = first - (np.cumsum(length) - length)
    return np.repeat(skipped, length) + np.arange(length.sum())
