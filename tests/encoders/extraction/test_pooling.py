"""A clip's vector from those of its frames or windows."""

from __future__ import annotations

import numpy as np

from avgzsl_bench.encoders.extraction.pooling import pooled


def test_unit_vectors_are_averaged_and_brought_to_unit_length() -> None:
    vectors = np.array([[3, 0], [0, 0.5]], np.float32)
    assert np.allclose(pooled(vectors, unit_length=True), [0.5**0.5, 0.5**0.5])
    assert pooled(vectors, unit_length=False).tolist() == [1.5, 0.25]
    assert pooled(vectors, unit_length=True).dtype == np.float32


def test_a_vector_of_zeros_stays() -> None:
    assert pooled(np.zeros((2, 3), np.float32), unit_length=True).tolist() == [0] * 3
