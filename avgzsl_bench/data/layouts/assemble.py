"""One table from class files: modalities paired by id, each video once, partitions as a mask."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from avgzsl_bench.data.datasets.facts import PARTITIONS, STAGE1_BITS, Dataset, partition_bit
from avgzsl_bench.data.datasets.feature_sets import FeatureSet
from avgzsl_bench.data.layouts.class_file import ClassFileReader
from avgzsl_bench.data.layouts.class_videos import AUDIO, VISUAL, ClassVideos
from avgzsl_bench.data.layouts.marker import refuse_simulated
from avgzsl_bench.data.layouts.tree import MODALITIES, FeatureTree, disk_name, files_by_class
from avgzsl_bench.data.store.spilled import SpilledArray
from avgzsl_bench.data.store.table import Feature, FeatureTable, Ragged
from avgzsl_bench.errors import DataError

_TRAIN_TOO = partition_bit("stage2_train")

_Files = dict[str, dict[int, Path]]
"""The class files of a modality by partition and class id."""


def assemble(
    tree: FeatureTree,
    dataset: Dataset,
    features: FeatureSet,
    read: ClassFileReader,
    text: dict[str, NDArray[np.float32]],
    source: str,
) -> FeatureTable:
    """Read a whole tree, class by class; features wait on disk (`SpilledArray`), in the table's order.

    Args:
        tree, dataset, features: the feature-set folder, its dataset, and its feature set, which gives the widths.
        read: reads a class file.
        text: class vectors by encoder, as in the table.
        source: layout name, kept in the table.

    Raises:
        DataError: a missing partition, files or ids that one modality lacks, a video with two labels or with
            different vectors in two partitions, and errors of `read`.
        AvbenchError: the disk is full.
    """
    audio_files, visual_files = (_files(tree, modality, dataset) for modality in MODALITIES)
    audio, visual = _Modality(features.audio, AUDIO), _Modality(features.visual, VISUAL)
    label: list[int] = []
    mask: list[int] = []
    owner: dict[str, int] = {}
    for class_id, class_name in enumerate(dataset.class_names):
        videos = ClassVideos()
        for partition in PARTITIONS:
            where = f"{tree.path}: class {class_name!r}, {disk_name(partition)}"
            paths = audio_files[partition].get(class_id), visual_files[partition].get(class_id)
            if paths[0] is None and paths[1] is None:
                continue
            if paths[0] is None or paths[1] is None:
                raise DataError(f"{where}: {'audio' if paths[0] is None else 'video'} has no file")
            files = read(paths[0], features.audio), read(paths[1], features.visual)
            videos.add(*files, partition_bit(partition), where)
        for video in videos.video_id:
            if owner.setdefault(video, class_id) != class_id:
                other = dataset.class_names[owner[video]]
                raise DataError(f"{tree.path}: video {video!r} is in classes {other!r} and {class_name!r}")
        audio.append(videos)
        visual.append(videos)
        label += [class_id] * len(videos)
        mask += [m | (_TRAIN_TOO if m & STAGE1_BITS else 0) for m in videos.mask]
    if not label:
        raise DataError(f"{tree.path}: holds no videos")
    refuse_simulated(owner, simulated=features.simulated, where=tree.path)
    return FeatureTable(
        dataset=dataset.name,
        features=features.name,
        simulated=features.simulated,
        audio=audio.feature(features.audio_seconds),
        visual=visual.feature(features.visual_seconds),
        label=np.array(label, np.int64),
        video_id=list(owner),
        partition=np.array(mask, np.uint8),
        text=text,
        source=source,
    )


class _Modality:
    """Features of a modality, gathered class by class."""

    def __init__(self, width: int, modality: int) -> None:
        self._rows = SpilledArray(width)
        self._modality = modality
        self._steps = [0]

    def append(self, videos: ClassVideos) -> None:
        self._steps += videos.steps(self._modality)
        for values in videos.values(self._modality):
            self._rows.append(values)

    def feature(self, seconds: float | None) -> Feature:
        values = self._rows.finished()
        return values if seconds is None else Ragged(values, np.cumsum(self._steps, dtype=np.int64), seconds)


def _files(tree: FeatureTree, modality: str, dataset: Dataset) -> _Files:
    files = {p: files_by_class(tree, modality, p, dataset) for p in PARTITIONS}
    # What stage_2_train holds follows from the stage-1 partitions; the published code never opens it either.
    missing = [disk_name(p) for p in PARTITIONS if not files[p] and p != "stage2_train"]
    if missing:
        raise DataError(f"{tree.path / modality}: no class files in {', '.join(missing)}")
    return files
