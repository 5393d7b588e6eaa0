"""A tree in the AVCA layout with as many videos as the published one, in each class and partition; values are
noise."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np

from avgzsl_bench.data.datasets.facts import PARTITIONS, Dataset
from avgzsl_bench.data.layouts.tree import disk_name

AUDIO, VISUAL, TEXT = 128, 4096, 300


def write_tree(folder: Path, dataset: Dataset, split: str) -> int:
    """Write a feature-set folder and give the number of its videos, each counted once."""
    random = np.random.default_rng(0)
    facts = dataset.facts(split)
    total = 0
    for class_id, class_name in enumerate(dataset.class_names):
        videos = {
            p: dict(zip(facts[p].classes, facts[p].videos, strict=True)).get(class_id, 0)
            for p in PARTITIONS
            if p != "stage2_train"
        }
        ends = np.cumsum([0, *videos.values()])
        rows = {p: slice(*ends[i : i + 2]) for i, p in enumerate(videos)}
        rows["stage2_train"] = slice(0, ends[3])  # all of stage 1
        ids = np.array([f"v_{class_id:03d}_g{i:04d}_c01".encode() for i in range(ends[-1])], "S80")
        for modality, width in (("audio", AUDIO), ("video", VISUAL)):
            values = random.random((int(ends[-1]), width), np.float32)
            for partition, some in rows.items():
                if len(ids[some]):
                    _write_class(
                        folder / modality / disk_name(partition) / f"{class_name}.h5", ids[some], values[some]
                    )
        total += int(ends[-1])
    (folder / "text").mkdir()
    words = {c.readable: random.random(TEXT, np.float32) for c in dataset.classes}
    np.save(folder / "text" / "word_embeddings.npy", np.array(words, dtype=object), allow_pickle=True)
    return total


def _write_class(path: Path, ids: np.ndarray, values: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as file:
        file["data"] = values
        file["video_urls"] = ids
