"""The AVCA layout: one HDF5 file per class, one averaged vector per video."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py

from avgzsl_bench.data.datasets.feature_sets import PUBLISHED, FeatureSet
from avgzsl_bench.data.layouts.class_file import ClassFile, make_class_file
from avgzsl_bench.data.layouts.tree import MODALITIES, FeatureTree
from avgzsl_bench.data.layouts.tree_reader import TreeReader
from avgzsl_bench.data.layouts.video_ids import video_ids
from avgzsl_bench.data.store.table import LONGEST_ID
from avgzsl_bench.data.untrusted.hdf5 import open_plain, plain_dataset
from avgzsl_bench.data.untrusted.hdf5_text import read_texts
from avgzsl_bench.errors import DataError

_FEATURE_SETS = [f for f in PUBLISHED if f.name in ("selavi", "c3d_vggish")]


def read_class_file(path: Path, width: int) -> ClassFile:
    """Read the videos of a class file, one vector `[width]` each.

    Raises:
        DataError: another structure or width, ids that do not fit the rows, a value that is not finite.
    """
    with open_plain(path) as file:
        raw, data = read_datasets(file, path)
        ids = video_ids(raw, path)
        if len(ids) != data.shape[0]:
            raise DataError(f"{path}: {data.shape[0]} vectors for {len(ids)} video ids")
        if data.shape[1] != width:
            raise DataError(f"{path}: vectors of width {data.shape[1]}, expected {width}")
        return make_class_file(ids, data[()], width, path)


def read_datasets(file: h5py.File, path: Path) -> tuple[list[Any], h5py.Dataset]:
    """Read the ids of a class file as stored, and find its vectors, `[n, width]` numbers.

    Raises:
        DataError: damaged, refused, or of another structure.
    """
    data, urls = plain_dataset(file, "data"), plain_dataset(file, "video_urls")
    _require_vectors(path, data)
    if len(urls.shape) != 1 or h5py.check_string_dtype(urls.dtype) is None:
        raise DataError(f"{path}: 'video_urls' has shape {urls.shape} and type {urls.dtype}, expected (n,) text")
    raw = read_texts(urls, LONGEST_ID) if urls.dtype.kind == "O" else urls[()].tolist()
    return raw, data


def _require_vectors(path: Path, data: h5py.Dataset) -> None:
    if len(data.shape) != 2 or data.dtype.kind not in "fiu":
        raise DataError(
            f"{path}: 'data' has shape {data.shape} and type {data.dtype}, expected (n, width) numbers"
        )


def _feature_set(tree: FeatureTree) -> FeatureSet:
    (audio, audio_file), (visual, visual_file) = (_width(tree, modality) for modality in MODALITIES)
    for features in _FEATURE_SETS:
        if (audio, visual) == (features.audio, features.visual):
            return features
    known = ", ".join(f"{f.audio}/{f.visual} ({f.name})" for f in _FEATURE_SETS)
    raise DataError(
        f"{tree.path}: widths {audio}/{visual} (audio in {audio_file}, visual in {visual_file}) "
        f"are of no known feature set; known: {known}"
    )


def _width(tree: FeatureTree, modality: str) -> tuple[int, Path]:
    """Find the width of the vectors in the smallest file that has any, and that file relative to the tree."""
    for path in tree.smallest_files(modality):
        with open_plain(path) as file:
            data = plain_dataset(file, "data")
            _require_vectors(path, data)
            if data.shape[0]:
                return data.shape[1], path.relative_to(tree.path)
    raise DataError(f"{tree.path / modality}: holds no vectors")


READER = TreeReader("avca", ".h5", sequences=False, feature_set=_feature_set, read_file=read_class_file)
