"""Windows of a sound that is read piece by piece."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from avgzsl_bench.encoders.decoding.file_arrays import LARGE, ArrayWriter, FileArrays


class Excerpts:
    """Stretches of a sound; what lies outside them is dropped as it comes.

    Args:
        windows: ranges of samples; neither their beginnings nor their ends go back. What is not given is zeros.
        lead: samples before the first that is given.
        file: for windows that are large together; None: they are kept in memory.

    Raises:
        AvbenchError: the file cannot be written.
    """

    def __init__(self, windows: Sequence[range], lead: int, file: Path | None = None) -> None:
        self._starts = [window.start for window in windows]
        self._stops = [window.stop for window in windows]
        self._position = lead
        lengths = [len(window) for window in windows]
        is_large = sum(lengths) * np.dtype(np.float32).itemsize > LARGE
        self._kept: _InMemory | ArrayWriter[np.float32] = _InMemory(lengths)
        if file is not None and is_large:
            self._kept = ArrayWriter(file, np.float32, [(length,) for length in lengths])

    def add(self, piece: NDArray[np.float32]) -> None:
        """Take the next samples, float32 `[n]`.

        Raises:
            AvbenchError: the file cannot be written.
        """
        start, stop = self._position, self._position + len(piece)
        self._position = stop
        for index in range(bisect_right(self._stops, start), bisect_left(self._starts, stop)):
            first, last = max(start, self._starts[index]), min(stop, self._stops[index])
            self._kept.put(index, first - self._starts[index], piece[first - start : last - start])

    def arrays(self) -> tuple[NDArray[np.float32], ...] | FileArrays[np.float32]:
        """Give the windows, float32 `[L]` each, when all samples were given."""
        return self._kept.finished()


class _InMemory:
    def __init__(self, lengths: Sequence[int]) -> None:
        self._arrays = tuple(np.zeros(length, np.float32) for length in lengths)

    def put(self, index: int, first: int, part: NDArray[np.float32]) -> None:
        self._arrays[index][first : first + len(part)] = part

    def finished(self) -> tuple[NDArray[np.float32], ...]:
        return self._arrays
