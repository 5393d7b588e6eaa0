"""The text embedding of each class: its own, or the one that the published loaders give it.

The published loaders sort the embeddings by readable name and index them by class id, which follows the sort
of the original names. The two sorts differ, so 36 of the 51 UCF-GZSL classes get another class's word vector.
`official` reproduces that, for comparison with published results.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from avgzsl_bench.data.datasets.facts import Dataset
from avgzsl_bench.errors import UnknownNameError

TEXT_ORDERS = ("by-name", "official")
_CLIP_KEYED = ("clip", "clap")
"""Encoders whose published dictionaries are keyed by the class names that ClipClap-GZSL puts in its prompts."""


def text_rows(dataset: Dataset, encoder: str, text_order: str) -> NDArray[np.int64]:
    """Give for each class id the class whose text embedding it gets: int64 `[C]`.

    Raises:
        UnknownNameError: no such text order.
    """
    if text_order not in TEXT_ORDERS:
        raise UnknownNameError("text order", text_order, TEXT_ORDERS)
    if text_order == "by-name":
        return np.arange(len(dataset.classes))
    keys = [c.clip if encoder in _CLIP_KEYED else c.readable for c in dataset.classes]
    return np.array(sorted(range(len(keys)), key=keys.__getitem__))
