"""The AVCA layout: one HDF5 file a class, one averaged vector a video."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import h5py
import numpy as np

from avgzsl_bench.data.datasets import Dataset
from avgzsl_bench.data.feature_sets import PUBLISHED, FeatureSet
from avgzsl_bench.data.hdf5_text import read_texts
from avgzsl_bench.data.official.assemble import ClassFile, assemble
from avgzsl_bench.data.official.text import text_keys
from avgzsl_bench.data.official.tree import MODALITIES, FeatureTree, dataset_of, find_trees
from avgzsl_bench.data.official.vectors import finite_float32
from avgzsl_bench.data.official.video_ids import LONGEST, video_ids
from avgzsl_bench.data.plain_hdf5 import open_plain, plain_dataset
from avgzsl_bench.data.readers import Found
from avgzsl_bench.data.table import FeatureTable
from avgzsl_bench.errors import DataError

NAME = "avca"
EXTENSION = ".h5"
FEATURE_SETS = {f.name: f for f in PUBLISHED if f.name in ("selavi", "c3d_vggish")}


class AvcaReader:
    """Reads `features/<set>/{audio,video}/<partition>/<class>.h5`."""

    def recognise(self, directory: Path, datasets: Sequence[Dataset]) -> list[Found]:
        """Feature-set folders at or below `directory`; see `FeatureReader`."""
        found = []
        for tree in find_trees(directory, EXTENSION):
            dataset = dataset_of(tree, datasets, text_keys(tree))
            if dataset is not None:
                found.append(Found(NAME, dataset.name, _feature_set(tree).name, tree.path))
        return found

    def read(self, found: Found, dataset: Dataset) -> FeatureTable:
        """The whole feature set; see `FeatureReader`."""
        tree = FeatureTree(found.path, EXTENSION)
        return assemble(tree, dataset, FEATURE_SETS[found.features], read_class_file, NAME)


READER = AvcaReader()


def read_class_file(path: Path, width: int) -> ClassFile:
    """Video id to vector `[width]`.

    Raises:
        DataError: another structure or width, ids that do not fit the rows, a value that is not finite.
    """
    with open_plain(path) as file:
        data = _data(path, file)
        ids = video_ids(_raw_ids(path, file), path)
        if len(ids) != len(data):
            raise DataError(f"{path}: {len(data)} vectors for {len(ids)} video ids")
        if data.shape[1] != width:
            raise DataError(f"{path}: vectors of width {data.shape[1]}, expected {width}")
        values = np.asarray(data[()])
    return {video: finite_float32(row, video, path) for video, row in zip(ids, values, strict=True)}


def _data(path: Path, file: h5py.File) -> h5py.Dataset:
    data = plain_dataset(file, "data")
    if data.ndim != 2 or data.dtype.kind not in "fiu":
        raise DataError(
            f"{path}: 'data' has shape {data.shape} and type {data.dtype}, expected (n, width) numbers"
        )
    return data


def _raw_ids(path: Path, file: h5py.File) -> list[bytes]:
    urls = plain_dataset(file, "video_urls")
    if urls.ndim != 1 or h5py.check_string_dtype(urls.dtype) is None:
        raise DataError(f"{path}: 'video_urls' has shape {urls.shape} and type {urls.dtype}, expected (n,) text")
    if urls.dtype.kind == "O":
        return read_texts(urls, LONGEST)
    raw: list[bytes] = urls[()].tolist()
    return raw


def _feature_set(tree: FeatureTree) -> FeatureSet:
    (audio, audio_file), (visual, visual_file) = (_width(tree, modality) for modality in MODALITIES)
    for features in FEATURE_SETS.values():
        if (audio, visual) == (features.audio, features.visual):
            return features
    known = ", ".join(f"{f.audio}/{f.visual} ({f.name})" for f in FEATURE_SETS.values())
    raise DataError(
        f"{tree.path}: widths {audio}/{visual} (audio in {audio_file}, visual in {visual_file}) "
        f"are of no known feature set; known: {known}"
    )


def _width(tree: FeatureTree, modality: str) -> tuple[int, Path]:
    """Width of the vectors, by the smallest file that has any, and that file relative to the tree."""
    for path in tree.smallest_files(modality):
        with open_plain(path) as file:
            data = _data(path, file)
            if len(data):
                return int(data.shape[1]), path.relative_to(tree.path)
    raise DataError(f"{tree.path / modality}: holds no vectors")
