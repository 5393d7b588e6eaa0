"""The ClipClap and TCAF layouts: one pickle a class, a vector or a sequence of vectors a video.

Both use the same folders and the same keys; widths and dimensions tell them apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avgzsl_bench.data.datasets.facts import Dataset
from avgzsl_bench.data.datasets.feature_sets import PUBLISHED, FeatureSet
from avgzsl_bench.data.layouts.assemble import assemble
from avgzsl_bench.data.layouts.class_file import ClassFile
from avgzsl_bench.data.layouts.marker import marked_datasets, marked_features
from avgzsl_bench.data.layouts.readers import DetectedFeatures
from avgzsl_bench.data.layouts.text import text_keys
from avgzsl_bench.data.layouts.tree import MODALITIES, FeatureTree, dataset_of, find_trees
from avgzsl_bench.data.layouts.vectors import class_file
from avgzsl_bench.data.layouts.video_ids import video_ids
from avgzsl_bench.data.store.table import FeatureTable
from avgzsl_bench.data.untrusted.unpickle import load_pickle
from avgzsl_bench.errors import DataError

EXTENSION = ".pkl"
FEATURE_SETS = {f.name: f for f in PUBLISHED if f.name in ("clip_clap", "c3d_vggish_seq", "selavi_seq")}


class PickledReader:
    """Reads `features/<set>/{audio,video}/<partition>/<class>.pkl` of one of the two layouts.

    Args:
        name: layout name.
        sequences: whether the layout keeps sequences.
    """

    def __init__(self, name: str, *, sequences: bool) -> None:
        self.name = name
        self.sequences = sequences

    def recognise(self, directory: Path, datasets: Sequence[Dataset]) -> list[DetectedFeatures]:
        """Feature-set folders at or below `directory`; see `FeatureReader`."""
        found = []
        for tree in find_trees(directory, EXTENSION):
            dataset = dataset_of(tree, marked_datasets(tree, datasets), text_keys(tree))
            if dataset is not None:
                features = marked_features(tree) or _feature_set(tree)
                if features.sequences == self.sequences:
                    found.append(DetectedFeatures(self.name, dataset.name, features.name, tree.path))
        return found

    def read(self, found: DetectedFeatures, dataset: Dataset) -> FeatureTable:
        """The whole feature set; see `FeatureReader`."""
        tree = FeatureTree(found.path, EXTENSION)
        read = read_sequences if self.sequences else read_vectors
        features = marked_features(tree) or FEATURE_SETS[found.features]
        return assemble(tree, dataset, features, read, self.name)


CLIPCLAP = PickledReader("clipclap", sequences=False)
TCAF = PickledReader("tcaf", sequences=True)


def read_vectors(path: Path, width: int) -> ClassFile:
    """The videos of a class file, a vector `[width]` each; `[1, width]` on disk will do.

    Raises:
        DataError: another structure or width, ids that do not fit the vectors, a value that is not finite.
    """
    content = _read(path)
    for video, array in content.items():
        if array.shape not in ((width,), (1, width)):
            raise DataError(f"{path}: video {video!r} has shape {array.shape}, expected ({width},)")
    return class_file(list(content), [array.reshape(1, width) for array in content.values()], width, path)


def read_sequences(path: Path, width: int) -> ClassFile:
    """The videos of a class file, a sequence `[T, width]` each, `T >= 1`.

    Raises:
        DataError: as `read_vectors`; a sequence without steps.
    """
    content = _read(path)
    for video, array in content.items():
        if array.size == 0:
            raise DataError(f"{path}: video {video!r} is a sequence without steps")
        if array.ndim != 2 or array.shape[1] != width:
            raise DataError(f"{path}: video {video!r} has shape {array.shape}, expected (steps, {width})")
    return class_file(list(content), list(content.values()), width, path)


def _read(path: Path) -> dict[str, NDArray[Any]]:
    """Video id to array as stored."""
    content = load_pickle(path)
    if not isinstance(content, dict) or not {"features", "video_names"} <= content.keys():
        raise DataError(f"{path}: expected a dictionary with 'features' and 'video_names'")
    arrays, names = _listed(content["features"]), _listed(content["video_names"])
    if arrays is None or names is None or not all(isinstance(a, np.ndarray) for a in arrays):
        raise DataError(f"{path}: expected 'features' to be a list of arrays and 'video_names' a list")
    if len(arrays) != len(names):
        # Some published archives skip a feature but not its name; which one cannot be told from the file.
        raise DataError(f"{path}: {len(arrays)} features for {len(names)} video names, so none can be told apart")
    # A pickle may refer to one array many times over.
    if sum(array.nbytes for array in arrays) > path.stat().st_size:
        raise DataError(f"{path}: refused: its arrays are larger than the file")
    return dict(zip(video_ids(names, path), arrays, strict=True))


def _listed(value: object) -> list[Any] | None:
    """A list, tuple or one-dimensional array as a list; None if it is neither."""
    if isinstance(value, np.ndarray) and value.ndim == 1:
        return list(value)
    return list(value) if isinstance(value, list | tuple) else None


@dataclass(frozen=True)
class _Form:
    """What the vectors of a modality look like, by the smallest file that has any.

    Attributes:
        width: of the vectors.
        sequences: whether videos are sequences; None if the file does not tell, as all have a single step.
        path: the file, relative to the tree.
    """

    width: int
    sequences: bool | None
    path: Path

    def __str__(self) -> str:
        shown = {True: "sequences", False: "one vector a video", None: "single steps"}[self.sequences]
        return f"{self.path} has {shown} of width {self.width}"


def _feature_set(tree: FeatureTree) -> FeatureSet:
    audio, visual = (_form(tree, modality) for modality in MODALITIES)
    for features in FEATURE_SETS.values():
        widths_fit = (audio.width, visual.width) == (features.audio, features.visual)
        if widths_fit and {audio.sequences, visual.sequences} <= {features.sequences, None}:
            return features
    shown = {True: "sequences", False: "one vector a video"}
    known = ", ".join(f"{f.audio}/{f.visual} {shown[f.sequences]} ({f.name})" for f in FEATURE_SETS.values())
    raise DataError(f"{tree.path}: of no known feature set: {audio}, {visual}; known (audio/visual): {known}")


def _form(tree: FeatureTree, modality: str) -> _Form:
    for path in tree.smallest_files(modality):
        arrays = [array for array in _read(path).values() if array.size and array.ndim in (1, 2)]
        if arrays:
            flat = any(array.ndim == 1 for array in arrays)
            long = any(len(array) > 1 for array in arrays if array.ndim == 2)
            sequences = False if flat else True if long else None
            return _Form(int(arrays[0].shape[-1]), sequences, path.relative_to(tree.path))
    raise DataError(f"{tree.path / modality}: holds no vectors")
