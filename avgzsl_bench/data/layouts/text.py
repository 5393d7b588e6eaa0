"""Text embeddings of the published layouts: dictionaries from readable class name to vector, placed by name."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from avgzsl_bench.data.datasets.facts import Dataset
from avgzsl_bench.data.datasets.feature_sets import FeatureSet
from avgzsl_bench.data.layouts.tree import FeatureTree
from avgzsl_bench.data.untrusted.unpickle import load_object_array
from avgzsl_bench.errors import DataError

Vectors = dict[str, NDArray[np.float32]]


def text_keys(tree: FeatureTree) -> set[str]:
    """Collect the names that a tree has text embeddings for.

    Raises:
        DataError: a file cannot be read.
    """
    return {name for path in tree.text_files() for name in _read(path)}


def read_text(
    tree: FeatureTree, dataset: Dataset, features: FeatureSet, file_names: Mapping[str, str] | None = None
) -> dict[str, NDArray[np.float32]]:
    """Read text embeddings by encoder: float32 `[C, Dw]`, row = class id, NaN where a class has no vector.

    Without names of files the width of the vectors identifies the encoder. Files of other widths belong to other
    feature sets and are ignored.

    Args:
        file_names: file of each encoder in the text folder, as the marker of a tree states them.

    Raises:
        DataError: an encoder without a file or with two, a name of no class, a class in use without a vector.
    """
    if file_names is not None:
        return {e: _read_named(tree, dataset, e, w, file_names[e]) for e, w in features.text.items()}
    files: dict[int, tuple[Path, Vectors]] = {}
    for path in tree.text_files():
        vectors = _read(path)
        width = len(next(iter(vectors.values())))
        if width in files:
            raise DataError(f"{path}: a second text file of width {width}, beside {files[width][0].name}")
        files[width] = (path, vectors)
    text = {}
    for encoder, width in features.text.items():
        if width not in files:
            found = ", ".join(f"{w} in {path.name}" for w, (path, _) in sorted(files.items())) or "none"
            raise DataError(
                f"{tree.path / 'text'}: no text embeddings of width {width} ({encoder}), "
                f"which {features.name} needs; widths found: {found}"
            )
        text[encoder] = _place(*files[width], dataset)
    return text


def _read_named(tree: FeatureTree, dataset: Dataset, encoder: str, width: int, name: str) -> NDArray[np.float32]:
    """Read the text embeddings of an encoder from the file that a tree's marker names."""
    path = next((path for path in tree.text_files() if path.name == name), None)
    if path is None:
        raise DataError(f"{tree.path / 'text' / name}: missing; it holds the text embeddings of {encoder}")
    placed = _place(path, _read(path), dataset)
    if placed.shape[1] != width:
        raise DataError(f"{path}: vectors of width {placed.shape[1]}, expected {width} ({encoder})")
    return placed


def _read(path: Path) -> Vectors:
    content = load_object_array(path)
    if not isinstance(content, dict) or not content:
        raise DataError(f"{path}: expected a dictionary from class name to vector")
    vectors: Vectors = {}
    width = None
    for key, vector in content.items():
        name = key.decode("utf-8", "replace") if isinstance(key, bytes) else str(key)
        if not isinstance(vector, np.ndarray) or vector.dtype.kind != "f" or vector.ndim != 1:
            raise DataError(f"{path}: the entry of {name!r} is not a vector")
        width = width or len(vector)
        if len(vector) != width or not width:
            raise DataError(f"{path}: the vector of {name!r} has width {len(vector)}, others have {width}")
        with np.errstate(over="ignore"):
            vectors[name] = vector.astype(np.float32)
        if not np.isfinite(vectors[name]).all():
            raise DataError(f"{path}: the vector of {name!r} holds a value that is not finite")
    return vectors


def _place(path: Path, vectors: Vectors, dataset: Dataset) -> NDArray[np.float32]:
    """Sort vectors by class id."""
    names = dataset.naming(vectors)
    unknown = sorted(vectors.keys() - set(names))
    if unknown:
        raise DataError(f"{path}: no class of {dataset.name} is called {_some(unknown)}")
    used = {c for split in dataset.splits for facts in dataset.facts(split).values() for c in facts.classes}
    missing = [names[i] for i in sorted(used) if names[i] not in vectors]
    if missing:
        raise DataError(f"{path}: no vector for {_some(missing)}")
    absent = np.full(len(next(iter(vectors.values()))), np.nan, np.float32)
    return np.stack([vectors.get(name, absent) for name in names])


def _some(names: list[str]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return f"{', '.join(map(repr, names[:3]))}{more}"
