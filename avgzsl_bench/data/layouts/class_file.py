"""What a class file holds: videos end to end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class ClassFile:
    """The videos of one class in one partition and modality.

    Attributes:
        video_id: `N` unique ids.
        values: float32 `[S, D]`: vectors, `S = N`, or the steps of sequences.
        offsets: int64 `[N + 1]`, video `i` is `values[offsets[i]:offsets[i + 1]]`.
    """

    video_id: list[str]
    values: NDArray[np.float32]
    offsets: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.video_id)

    def video(self, index: int) -> NDArray[np.float32]:
        """One video, float32 `[T, D]`."""
        return self.values[self.offsets[index] : self.offsets[index + 1]]


ClassFileReader = Callable[[Path, int], ClassFile]
"""Reads a class file whose vectors have a given width."""
