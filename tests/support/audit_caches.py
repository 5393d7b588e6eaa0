"""Caches as the published code writes them beside the features."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from plausible_tree import BY_NAME, UCF_VIDEOS, text_keys, values, word_vector

PHASES = {
    "training": ("stage_1_train",),
    "val": ("stage_1_val_seen", "stage_1_val_unseen"),
    "train_val": ("stage_1_train", "stage_1_val_seen", "stage_1_val_unseen"),
    "test": ("stage_2_test_seen", "stage_2_test_unseen"),
}


def write_caches(
    folder: Path, features: str, change: Callable[[str, dict], None] = lambda phase, parts: None
) -> None:
    """As the published programs write them: tensors for averaged features, lists of arrays for the others."""
    small = BY_NAME["ucf"]
    split = "main" if features.startswith("selavi") else "cls"
    order = sorted(range(101), key=lambda i: text_keys(small, features)[i])
    for phase, partitions in PHASES.items():
        videos = [(small.class_id(c), i) for p in partitions for c, ids in UCF_VIDEOS[p].items() for i in ids]
        target = torch.tensor([label for label, _ in videos])
        parts = {}
        for name in ("audio", "video"):
            rows = [values(i, name, features) for _, i in videos]
            averaged = features in ("selavi", "c3d_vggish")
            url = np.array([i if averaged else repr(i.encode()) for _, i in videos])
            data = torch.from_numpy(np.stack(rows)) if averaged else rows
            parts[name] = {"data": data, "target": target, "url": url}
        width = 300 if averaged else 512
        text = np.stack([word_vector(text_keys(small, features)[i], width) for i in order])
        parts["text"] = {
            "data": torch.from_numpy(text) if averaged else list(text),
            "target": torch.tensor(order),
            "url": np.array([]),
        }
        change(phase, parts)
        path = folder / "_features_processed" / f"{split}_features" / f"{phase}{split}_split.pkl"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(pickle.dumps(parts))
