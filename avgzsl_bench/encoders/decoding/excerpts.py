"""Windows of a sound that is read piece by piece."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


class Excerpts:
    """Stretches of a sound; what lies outside them is dropped as it comes.

    Args:
        windows: ranges of samples; neither their beginnings nor their ends go back. What is not given is zeros.
        lead: samples before the first that is given.
    """

    def __init__(self, windows: Sequence[range], lead: int) -> None:
        self._starts = [window.start for window in windows]
        self._stops = [window.stop for window in windows]
        self._position = lead
        self.arrays = tuple(np.zeros(len(window), np.float32) for window in windows)

    def add(self, piece: NDArray[np.float32]) -> None:
        """Take the next samples, float32 `[n]`."""
        start, stop = self._position, self._position + len(piece)
        self._position = stop
        for index in range(bisect_right(self._stops, start), bisect_left(self._starts, stop)):
            first, last = max(start, self._starts[index]), min(stop, self._stops[index])
            at = first - self._starts[index]
            self.arrays[index][at : at + last - first] = piece[first - start : last - start]
