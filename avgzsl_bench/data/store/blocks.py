"""Large arrays a block at a time, so that no more than a block of them has to be in memory."""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

_BYTES = 1 << 20
"""Size of a block: large for the system's calls, small enough to stay in a processor's cache."""

_GIVEN_BACK = 16
"""BlockStack between two times of giving pages back, which takes longer the larger a map is."""


def blocks(values: NDArray[Any]) -> Iterator[NDArray[Any]]:
    """The rows of an array in order, as contiguous arrays.

    Args:
        values: `[N, ...]`; in memory, a memory map, or an HDF5 dataset. The pages of a memory map that was opened
            to read are given back to the system block by block.
    """
    row = max(1, int(np.prod(values.shape[1:])) * values.dtype.itemsize)
    count = max(1, _BYTES // row)
    for number, start in enumerate(range(0, len(values), count), start=1):
        yield np.ascontiguousarray(values[start : start + count])
        if number % _GIVEN_BACK == 0:
            give_back(values)


def give_back(values: NDArray[Any]) -> None:
    """Give the pages of a memory map that was opened to read back to the system; of other arrays, nothing."""
    mapping = values.base if isinstance(values, np.memmap) and values.mode == "r" else None
    if isinstance(mapping, mmap.mmap) and hasattr(mapping, "madvise"):
        mapping.madvise(mmap.MADV_DONTNEED)  # which Windows has not


def all_finite(values: NDArray[Any]) -> bool:
    """Whether no number of an array is infinite or NaN; fast, and without further memory."""
    return all(
        bool(np.isfinite(block.min()) and np.isfinite(block.max())) for block in blocks(values) if block.size
    )
