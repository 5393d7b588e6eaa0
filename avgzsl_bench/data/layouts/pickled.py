"""The ClipClap and TCAF layouts: one pickle per class, one vector or one sequence of vectors per video.

Both use the same folders and the same keys; widths and dimensions distinguish them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avgzsl_bench.data.datasets.feature_sets import PUBLISHED, FeatureSet
from avgzsl_bench.data.layouts.class_file import ClassFile, make_class_file
from avgzsl_bench.data.layouts.tree import MODALITIES, FeatureTree
from avgzsl_bench.data.layouts.tree_reader import TreeReader
from avgzsl_bench.data.layouts.video_ids import video_ids
from avgzsl_bench.data.untrusted.unpickle import load_pickle
from avgzsl_bench.errors import DataError

_FEATURE_SETS = [f for f in PUBLISHED if f.name in ("clip_clap", "c3d_vggish_seq", "selavi_seq")]


def read_vectors(path: Path, width: int) -> ClassFile:
    """Read the videos of a class file, one vector `[width]` each; `[1, width]` on disk is accepted.

    Raises:
        DataError: another structure or width, ids that do not fit the vectors, a value that is not finite.
    """
    content = _read(path)
    for video, array in content.items():
        if array.shape not in ((width,), (1, width)):
            raise DataError(f"{path}: video {video!r} has shape {array.shape}, expected ({width},)")
    return make_class_file(list(content), [array.reshape(1, width) for array in content.values()], width, path)


def read_sequences(path: Path, width: int) -> ClassFile:
    """Read the videos of a class file, one sequence `[T, width]` each, `T >= 1`.

    Raises:
        DataError: as `read_vectors`; a sequence without steps.
    """
    content = _read(path)
    for video, array in content.items():
        if array.size == 0:
            raise DataError(f"{path}: video {video!r} is a sequence without steps")
        if array.ndim != 2 or array.shape[1] != width:
            raise DataError(f"{path}: video {video!r} has shape {array.shape}, expected (steps, {width})")
    return make_class_file(list(content), list(content.values()), width, path)


def _read(path: Path) -> dict[str, NDArray[Any]]:
    """Read the arrays of a class file as stored, by video id."""
    names, arrays = read_lists(path)
    if len(arrays) != len(names):
        # Some published archives skip a feature but not its name; the file does not show which one.
        raise DataError(
            f"{path}: {len(arrays)} features for {len(names)} video names, so it is unclear which belong together"
        )
    refuse_repeated(arrays, path)
    return dict(zip(video_ids(names, path), arrays, strict=True))


def read_lists(path: Path) -> tuple[list[Any], list[NDArray[Any]]]:
    """Read the ids and arrays of a class file as stored.

    Raises:
        DataError: damaged, refused, or of another structure.
    """
    content = load_pickle(path)
    if not isinstance(content, dict) or not {"features", "video_names"} <= content.keys():
        raise DataError(f"{path}: expected a dictionary with 'features' and 'video_names'")
    arrays, names = listed(content["features"]), listed(content["video_names"])
    if arrays is None or names is None or not all(isinstance(a, np.ndarray) for a in arrays):
        raise DataError(f"{path}: expected 'features' to be a list of arrays and 'video_names' a list")
    return names, arrays


def refuse_repeated(arrays: list[NDArray[Any]], path: Path) -> None:
    """Refuse arrays that are larger than their file: a pickle may refer to one array many times over.

    Raises:
        DataError: they are.
    """
    if sum(array.nbytes for array in arrays) > path.stat().st_size:
        raise DataError(f"{path}: refused: its arrays are larger than the file")


def listed(value: object) -> list[Any] | None:
    """Give a list, tuple or one-dimensional array as a list; None for anything else."""
    if isinstance(value, np.ndarray) and value.ndim == 1:
        return list(value)
    return list(value) if isinstance(value, list | tuple) else None


@dataclass(frozen=True)
class _Form:
    """Form of the vectors of a modality, by the smallest file that has any.

    Attributes:
        width: of the vectors.
        sequences: whether videos are sequences; None where the file leaves it open, as all have a single step.
        path: the file, relative to the tree.
    """

    width: int
    sequences: bool | None
    path: Path

    def __str__(self) -> str:
        shown = {True: "sequences", False: "one vector per video", None: "single steps"}[self.sequences]
        return f"{self.path} has {shown} of width {self.width}"


def _feature_set(tree: FeatureTree) -> FeatureSet:
    audio, visual = (_form(tree, modality) for modality in MODALITIES)
    for features in _FEATURE_SETS:
        widths_fit = (audio.width, visual.width) == (features.audio, features.visual)
        if widths_fit and {audio.sequences, visual.sequences} <= {features.sequences, None}:
            return features
    shown = {True: "sequences", False: "one vector per video"}
    known = ", ".join(f"{f.audio}/{f.visual} {shown[f.sequences]} ({f.name})" for f in _FEATURE_SETS)
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


CLIPCLAP = TreeReader("clipclap", ".pkl", sequences=False, feature_set=_feature_set, read_file=read_vectors)
TCAF = TreeReader("tcaf", ".pkl", sequences=True, feature_set=_feature_set, read_file=read_sequences)
