"""A clip's vector from those of its frames or windows."""

from __future__ import annotations

import numpy as np

from avgzsl_bench.encoders.extraction.pooling import in_chunks, pooled, unit_rows


def test_unit_vectors_are_averaged_and_brought_to_unit_length() -> None:
    vectors = np.array([[3, 0], [0, 0.5]], np.float32)
    assert np.allclose(pooled(vectors, unit_length=True), [0.5**0.5, 0.5**0.5])
    assert pooled(vectors, unit_length=False).tolist() == [1.5, 0.25]
    assert pooled(vectors, unit_length=True).dtype == np.float32


def test_a_vector_of_zeros_stays() -> None:
    assert unit_rows(np.zeros((2, 3), np.float32)).tolist() == [[0] * 3] * 2


def test_chunks_give_what_all_at_once_gives() -> None:
    sizes: list[int] = []

    def encode(part: list[float]) -> np.ndarray:
        sizes.append(len(part))
        return np.array(part, np.float32)[:, None]

    assert in_chunks(encode, [1.0, 2.0, 3.0, 4.0, 5.0], 2)[:, 0].tolist() == [1, 2, 3, 4, 5]
    assert sizes == [2, 2, 1]
