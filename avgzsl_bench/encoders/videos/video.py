"""A video with its vectors, or with the reason why it has none."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class EncodedVideo:
    """A video as its vectors.

    Attributes:
        name: path or id, for people.
        audio, visual: float32 `[steps, D]`, one step where the video is one vector; None: not read.
        step_seconds: between the steps of sound, and of frames; None: it is one vector.
        seconds: its length; None: not known.
        notes: what is odd about it.
    """

    name: str
    audio: NDArray[np.float32] | None
    visual: NDArray[np.float32] | None
    step_seconds: tuple[float | None, float | None] = (None, None)
    seconds: float | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class UnusableVideo:
    """A video that cannot be used.

    Attributes:
        name: path or id, for people.
        reason: one line.
    """

    name: str
    reason: str
