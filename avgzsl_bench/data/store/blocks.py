"""Large arrays block by block, so that only one block has to be in memory."""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

_BYTES = 1 << 20
"""Bytes of a block: large for a system call, small enough for a processor's cache."""

_RELEASED = 16
"""Blocks between two releases of pages; a release takes longer the larger a map is."""


def blocks(values: NDArray[Any]) -> Iterator[NDArray[Any]]:
    """Yield the rows of an array in order, as contiguous arrays.

    Args:
        values: `[N, ...]`; in memory, a memory map, or an HDF5 dataset. The pages of a read-only memory map are
            released block by block.
    """
    row = max(1, int(np.prod(values.shape[1:])) * values.dtype.itemsize)
    count = max(1, _BYTES // row)
    for number, start in enumerate(range(0, len(values), count), start=1):
        yield np.ascontiguousarray(values[start : start + count])
        if number % _RELEASED == 0:
            release_pages(values)


def release_pages(values: NDArray[Any]) -> None:
    """Release the memory pages of a read-only memory map; do nothing for other arrays."""
    mapping = values.base if isinstance(values, np.memmap) and values.mode == "r" else None
    if isinstance(mapping, mmap.mmap) and hasattr(mapping, "madvise"):
        mapping.madvise(mmap.MADV_DONTNEED)  # not on Windows


def all_finite(values: NDArray[Any]) -> bool:
    """Check whether no number of an array is infinite or NaN; fast, and without further memory."""
    return all(
        bool(np.isfinite(block.min()) and np.isfinite(block.max())) for block in blocks(values) if block.size
    )
