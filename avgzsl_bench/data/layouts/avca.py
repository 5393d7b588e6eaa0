"""The AVCA layout: one HDF5 file a class, one averaged vector a video."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import h5py

from avgzsl_bench.data.datasets.facts import Dataset
from avgzsl_bench.data.datasets.feature_sets import PUBLISHED, FeatureSet
from avgzsl_bench.data.layouts.assemble import assemble
from avgzsl_bench.data.layouts.class_file import ClassFile
from avgzsl_bench.data.layouts.marker import marked_datasets, marked_features
from avgzsl_bench.data.layouts.readers import DetectedFeatures
from avgzsl_bench.data.layouts.text import text_keys
from avgzsl_bench.data.layouts.tree import MODALITIES, FeatureTree, dataset_of, find_trees
from avgzsl_bench.data.layouts.vectors import class_file
from avgzsl_bench.data.layouts.video_ids import LONGEST, video_ids
from avgzsl_bench.data.store.table import FeatureTable
from avgzsl_bench.data.untrusted.hdf5 import open_plain, plain_dataset
from avgzsl_bench.data.untrusted.hdf5_text import read_texts
from avgzsl_bench.errors import DataError

NAME = "avca"
EXTENSION = ".h5"
FEATURE_SETS = {f.name: f for f in PUBLISHED if f.name in ("selavi", "c3d_vggish")}


class AvcaReader:
    """Reads `features/<set>/{audio,video}/<partition>/<class>.h5`."""

    def recognise(self, directory: Path, datasets: Sequence[Dataset]) -> list[DetectedFeatures]:
        """Feature-set folders at or below `directory`; see `FeatureReader`."""
        found = []
        for tree in find_trees(directory, EXTENSION):
            dataset = dataset_of(tree, marked_datasets(tree, datasets), text_keys(tree))
            if dataset is not None:
                features = marked_features(tree) or _feature_set(tree)
                found.append(DetectedFeatures(NAME, dataset.name, features.name, tree.path))
        return found

    def read(self, found: DetectedFeatures, dataset: Dataset) -> FeatureTable:
        """The whole feature set; see `FeatureReader`."""
        tree = FeatureTree(found.path, EXTENSION)
        features = marked_features(tree) or FEATURE_SETS[found.features]
        return assemble(tree, dataset, features, read_class_file, NAME)


READER = AvcaReader()


def read_class_file(path: Path, width: int) -> ClassFile:
    """The videos of a class file, a vector `[width]` each.

    Raises:
        DataError: another structure or width, ids that do not fit the rows, a value that is not finite.
    """
    with open_plain(path) as file:
        data, urls = plain_dataset(file, "data"), plain_dataset(file, "video_urls")
        _require_vectors(path, data)
        if len(urls.shape) != 1 or h5py.check_string_dtype(urls.dtype) is None:
            raise DataError(
                f"{path}: 'video_urls' has shape {urls.shape} and type {urls.dtype}, expected (n,) text"
            )
        raw = read_texts(urls, LONGEST) if urls.dtype.kind == "O" else urls[()].tolist()
        ids = video_ids(raw, path)
        if len(ids) != data.shape[0]:
            raise DataError(f"{path}: {data.shape[0]} vectors for {len(ids)} video ids")
        if data.shape[1] != width:
            raise DataError(f"{path}: vectors of width {data.shape[1]}, expected {width}")
        return class_file(ids, data[()], width, path)


def _require_vectors(path: Path, data: h5py.Dataset) -> None:
    if len(data.shape) != 2 or data.dtype.kind not in "fiu":
        raise DataError(
            f"{path}: 'data' has shape {data.shape} and type {data.dtype}, expected (n, width) numbers"
        )


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
            data = plain_dataset(file, "data")
            _require_vectors(path, data)
            if data.shape[0]:
                return data.shape[1], path.relative_to(tree.path)
    raise DataError(f"{tree.path / modality}: holds no vectors")
