"""Trees in the published layouts that nothing is wrong with: plausible values, class lists and csvs beside them.

A tree is small: a few classes, a few videos each. Values are noise in the range of the feature set.
"""

from __future__ import annotations

import csv
import zlib
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from published_tree import DATASETS, WIDTHS, write_classes

from avgzsl_bench.data.datasets.facts import Dataset
from avgzsl_bench.data.datasets.feature_sets import PUBLISHED

BY_NAME = {dataset.name: dataset for dataset in DATASETS}
FOLDERS = {"ucf": "UCF", "vggsound": "VGGSound", "activitynet": "ActivityNet"}
TEXT_NAMES = {"ucf": "ucf", "vggsound": "vggsound", "activitynet": "activity"}
Videos = dict[str, dict[str, list[str]]]
"""Partition as on disk -> class -> video ids."""

UCF_VIDEOS: Videos = {
    "stage_1_train": {
        "Archery": [f"v_Archery_g0{i}_c01" for i in range(1, 9)],
        "Bowling": [f"v_Bowling_g0{i}_c01" for i in range(1, 9)],
    },
    "stage_1_val_seen": {
        "Archery": [f"v_Archery_g1{i}_c01" for i in range(6)],
        "Bowling": [f"v_Bowling_g1{i}_c01" for i in range(6)],
    },
    "stage_1_val_unseen": {"ApplyEyeMakeup": [f"v_ApplyEyeMakeup_g0{i}_c01" for i in range(1, 9)]},
    "stage_2_test_seen": {
        name: [f"v_{name}_g2{i}_c01" for i in range(6)] for name in ("Archery", "Bowling", "ApplyEyeMakeup")
    },
    "stage_2_test_unseen": {"BlowDryHair": [f"v_BlowDryHair_g0{i}_c01" for i in range(1, 9)]},
}


def with_stage_2_train(videos: Videos) -> Videos:
    """The partitions, with the stage-2 training partition that follows from the stage-1 ones."""
    union: dict[str, list[str]] = {}
    for partition in ("stage_1_train", "stage_1_val_seen", "stage_1_val_unseen"):
        for name, ids in videos[partition].items():
            union[name] = union.get(name, []) + ids
    return {**videos, "stage_2_train": union}


def values(video: str, modality: str, features: str) -> np.ndarray:
    """What the tree holds for a video, in the range of the feature set: `[D]`, or `[T, D]` for sequences."""
    random = np.random.default_rng(zlib.crc32(f"{video} {modality}".encode()))
    width = WIDTHS[features][modality == "video"]
    steps = (1 + zlib.crc32(video.encode()) % 3,) if features.endswith("_seq") else ()
    if features.startswith("c3d_vggish"):
        if modality == "audio":
            codes = random.integers(0, 256, (*steps, width))
            return codes.astype(np.uint8) if steps else codes.astype(np.float32)
        return np.maximum(random.standard_normal((*steps, width)), 0).astype(np.float32)
    noise = random.standard_normal((*steps, width)).astype(np.float32)
    return noise / np.linalg.norm(noise) if features == "clip_clap" else noise


def text_keys(dataset: Dataset, features: str) -> list[str]:
    """The name of each class in the text file, by class id."""
    return [c.clip if features == "clip_clap" else c.readable for c in dataset.classes]


def word_vector(key: str, width: int) -> np.ndarray:
    noise = np.random.default_rng(zlib.crc32(key.encode())).standard_normal(width).astype(np.float32)
    return noise / np.linalg.norm(noise)


def write_texts(folder: Path, dataset: Dataset, features: str) -> list[Path]:
    """The text files of a feature set."""
    folder.mkdir(parents=True, exist_ok=True)
    (feature_set,) = (f for f in PUBLISHED if f.name == features)
    paths = []
    for encoder, width in feature_set.text.items():
        prefix = "wavcaps_" if encoder == "clap" else ""
        path = folder / f"{prefix}word_embeddings_{TEXT_NAMES[dataset.name]}_normed.npy"
        words = {key: word_vector(key, width) for key in text_keys(dataset, features)}
        np.save(path, np.array(words, dtype=object), allow_pickle=True)
        paths.append(path)
    return paths


def write_lists(folder: Path, dataset: Dataset, videos: Videos, split: str) -> None:
    """Class lists and csvs, as published: the csvs of `cls` hold the classes of `main`."""
    folder.mkdir(parents=True, exist_ok=True)
    names = "".join(f"{c.listed}\n" for c in dataset.classes)
    (folder / "all_class.txt").write_text(names)
    with (folder / f"{dataset.name}_w2v_class_names.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["original", "manual"])
        writer.writerows([c.listed, c.readable] for c in dataset.classes)
    lists = folder / f"{split}_split"
    lists.mkdir(exist_ok=True)
    for partition, classes in videos.items():
        (lists / f"{partition}.txt").write_text("".join(f"{name}\n" for name in sorted(classes)))
        with (lists / f"{partition}.csv").open("w", newline="") as stream:
            writer = csv.writer(stream)
            writer.writerow(["filename", "label", "label_code"])
            writer.writerows([i, name, dataset.class_id(name)] for name, ids in classes.items() for i in ids)


def write_plausible_tree(
    directory: Path, features: str = "selavi", dataset: str = "ucf", videos: Videos = UCF_VIDEOS
) -> SimpleNamespace:
    """A whole tree; gives its folders, its videos and `.file(modality, partition, class)`."""
    facts, videos = BY_NAME[dataset], with_stage_2_train(videos)
    split = "main" if features.startswith("selavi") else "cls"
    averaged = "" if features in ("selavi", "c3d_vggish") else "_non_averaged"
    folder = directory / FOLDERS[dataset] / "features" / f"{split}_features{averaged}"
    file = write_classes(folder, features, videos, values)
    texts = write_texts(folder / "text", facts, features)
    lists = directory / FOLDERS[dataset] / "class-split"
    write_lists(lists, facts, videos, split)
    return SimpleNamespace(
        root=directory, set=folder, file=file, lists=lists, texts=texts, videos=videos, split=split
    )
