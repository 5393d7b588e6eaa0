"""Vectors of clips from the vectors of their frames and windows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def unit_rows(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Bring each row of `[n, d]` to unit length; a row of zeros stays."""
    length = np.linalg.norm(vectors.astype(np.float64), axis=1, keepdims=True)
    scaled: NDArray[np.float32] = (vectors / np.where(length > 0, length, 1.0)).astype(np.float32)
    return scaled


def pooled(vectors: NDArray[np.float32], *, unit_length: bool) -> NDArray[np.float32]:
    """Average the vectors of a clip, `[n, d]`: `[d]`.

    Args:
        vectors: of its frames, or of its windows of sound.
        unit_length: whether each is brought to unit length first, and the mean afterwards.
    """
    rows = unit_rows(vectors) if unit_length else vectors
    mean = rows.astype(np.float64).mean(axis=0, keepdims=True).astype(np.float32)
    vector: NDArray[np.float32] = (unit_rows(mean) if unit_length else mean)[0]
    return vector
