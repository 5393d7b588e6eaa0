"""The built-in readers of published layouts, called as the import calls them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from published_tree import DATASETS, UCF

from avgzsl_bench.data.layouts.avca import READER
from avgzsl_bench.data.layouts.pickled import CLIPCLAP, TCAF
from avgzsl_bench.data.layouts.readers import DetectedFeatures
from avgzsl_bench.data.store.table import FeatureTable, Ragged

READERS = {"avca": READER, "clipclap": CLIPCLAP, "tcaf": TCAF}


def recognise(directory: Path) -> list[DetectedFeatures]:
    return [found for reader in READERS.values() for found in reader.recognise(directory, DATASETS)]


def read(directory: Path) -> FeatureTable:
    (found,) = recognise(directory)
    assert found.dataset == "ucf"
    return READERS[found.reader].read(found, UCF)


def row(feature: Any, i: int) -> np.ndarray:
    """Values of one video."""
    sequences = isinstance(feature, Ragged)
    return feature.values[feature.offsets[i] : feature.offsets[i + 1]] if sequences else feature[i]
