"""Vectors of clips from the vectors of their frames and windows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from avgzsl_bench.data.compare.cosines import unit


def pooled(vectors: NDArray[np.float32], *, unit_length: bool) -> NDArray[np.float32]:
    """Average the vectors of a clip, `[n, d]`: `[d]`.

    Args:
        vectors: of its frames, or of its windows of sound.
        unit_length: whether each is brought to unit length first, and the mean afterwards; zeros stay.
    """
    mean = unit(unit(vectors).mean(axis=0)) if unit_length else vectors.mean(axis=0, dtype=np.float64)
    return np.asarray(mean, np.float32)
