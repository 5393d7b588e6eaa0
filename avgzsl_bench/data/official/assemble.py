"""From class files to one table: modalities paired by id, each video once, partitions as a mask."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from avgzsl_bench.data.datasets import PARTITIONS, Dataset, partition_bit
from avgzsl_bench.data.feature_sets import FeatureSet
from avgzsl_bench.data.official.text import read_text
from avgzsl_bench.data.official.tree import MODALITIES, FeatureTree, disk_name, files_by_class
from avgzsl_bench.data.table import Feature, FeatureTable, Ragged
from avgzsl_bench.errors import DataError

ClassFile = dict[str, NDArray[np.float32]]
"""Video id to its vector `[D]`, or its sequence `[T, D]`."""

ClassFileReader = Callable[[Path, int], ClassFile]
"""Reads a class file whose vectors have a given width."""

_STAGE1 = sum(partition_bit(p) for p in PARTITIONS if p.startswith("stage1"))


@dataclass
class _Video:
    audio: NDArray[np.float32]
    visual: NDArray[np.float32]
    mask: int


@dataclass
class _Rows:
    """What was gathered so far, class by class."""

    audio: list[NDArray[np.float32]] = field(default_factory=list)
    visual: list[NDArray[np.float32]] = field(default_factory=list)
    audio_steps: list[int] = field(default_factory=list)
    visual_steps: list[int] = field(default_factory=list)
    label: list[int] = field(default_factory=list)
    video_id: list[str] = field(default_factory=list)
    mask: list[int] = field(default_factory=list)


def assemble(
    tree: FeatureTree, dataset: Dataset, features: FeatureSet, read: ClassFileReader, source: str
) -> FeatureTable:
    """Read a whole tree.

    Raises:
        DataError: a missing partition, files or ids that one modality lacks, a video with two labels or with
            different vectors in two partitions, and whatever `read` and the text embeddings object to.
    """
    text = read_text(tree, dataset, features)
    audio_files, visual_files = (_files(tree, modality, dataset) for modality in MODALITIES)
    rows = _Rows()
    owner: dict[str, int] = {}
    for class_id, class_name in enumerate(dataset.class_names):
        videos: dict[str, _Video] = {}
        for partition in PARTITIONS:
            where = f"{tree.path}: class {class_name!r}, {disk_name(partition)}"
            paths = audio_files[partition].get(class_id), visual_files[partition].get(class_id)
            if paths[0] is None and paths[1] is None:
                continue
            if paths[0] is None or paths[1] is None:
                raise DataError(f"{where}: {'audio' if paths[0] is None else 'video'} has no file")
            audio, visual = read(paths[0], features.audio), read(paths[1], features.visual)
            _check_same_ids(audio, visual, where)
            _merge(videos, audio, visual, partition_bit(partition), where)
        for video in videos:
            if owner.setdefault(video, class_id) != class_id:
                other = dataset.class_names[owner[video]]
                raise DataError(f"{tree.path}: video {video!r} is in classes {other!r} and {class_name!r}")
        _append(rows, videos, class_id, features.sequences)
    if not rows.label:
        raise DataError(f"{tree.path}: holds no videos")
    return FeatureTable(
        dataset=dataset.name,
        features=features.name,
        simulated=False,
        audio=_feature(rows.audio, rows.audio_steps, features.audio_seconds),
        visual=_feature(rows.visual, rows.visual_steps, features.visual_seconds),
        label=np.array(rows.label, np.int64),
        video_id=rows.video_id,
        partition=np.array(rows.mask, np.uint8),
        text=text,
        source=source,
    )


def _files(tree: FeatureTree, modality: str, dataset: Dataset) -> dict[str, dict[int, Path]]:
    files = {p: files_by_class(tree, modality, p, dataset) for p in PARTITIONS}
    # What stage_2_train holds follows from the stage-1 partitions; the official code never opens it either.
    missing = [disk_name(p) for p in PARTITIONS if not files[p] and p != "stage2_train"]
    if missing:
        raise DataError(f"{tree.path / modality}: no class files in {', '.join(missing)}")
    return files


def _check_same_ids(audio: ClassFile, visual: ClassFile, where: str) -> None:
    for ids, others, modality in ((audio, visual, "audio"), (visual, audio, "video")):
        alone = sorted(ids.keys() - others.keys())
        if alone:
            some = ", ".join(map(repr, alone[:3]))
            raise DataError(f"{where}: {len(alone)} of {len(ids)} videos are in {modality} only, such as {some}")


def _merge(videos: dict[str, _Video], audio: ClassFile, visual: ClassFile, bit: int, where: str) -> None:
    for name, vector in audio.items():
        known = videos.get(name)
        if known is None:
            videos[name] = _Video(vector, visual[name], bit)
        elif np.array_equal(known.audio, vector) and np.array_equal(known.visual, visual[name]):
            known.mask |= bit
        else:
            raise DataError(f"{where}: video {name!r} has other vectors than in another partition")


def _append(rows: _Rows, videos: dict[str, _Video], class_id: int, sequences: bool) -> None:
    if not videos:
        return
    train_too = partition_bit("stage2_train")
    ordered = [videos[name] for name in sorted(videos)]
    join = np.concatenate if sequences else np.stack
    rows.audio.append(join([v.audio for v in ordered]))
    rows.visual.append(join([v.visual for v in ordered]))
    rows.audio_steps += [len(v.audio) for v in ordered]
    rows.visual_steps += [len(v.visual) for v in ordered]
    rows.label += [class_id] * len(ordered)
    rows.video_id += sorted(videos)
    rows.mask += [v.mask | (train_too if v.mask & _STAGE1 else 0) for v in ordered]


def _feature(blocks: list[NDArray[np.float32]], steps: list[int], seconds: float | None) -> Feature:
    """Join the blocks, letting go of each once copied: the largest sets fill most of the memory once."""
    end = sum(len(block) for block in blocks)
    values = np.empty((end, blocks[0].shape[1]), np.float32)
    while blocks:
        block = blocks.pop()
        values[end - len(block) : end] = block
        end -= len(block)
    return values if seconds is None else Ragged(values, np.cumsum([0, *steps], dtype=np.int64), seconds)
