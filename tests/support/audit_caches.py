"""Caches as the published code writes them beside the features."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from plausible_tree import UCF_VIDEOS
from published_tree import UCF, text_keys, text_vector, vector

STAGE_1 = ("stage_1_train", "stage_1_val_seen", "stage_1_val_unseen")
PHASES = {"training": STAGE_1[:1], "val": STAGE_1[1:], "train_val": STAGE_1}
PHASES["test"] = ("stage_2_test_seen", "stage_2_test_unseen")


def write_caches(
    folder: Path, features: str, change: Callable[[str, dict], object] = lambda phase, parts: None
) -> Path:
    """Tensors for averaged features, lists of arrays for the others; gives the folder."""
    split = "main" if features.startswith("selavi") else "cls"
    averaged = features in ("selavi", "c3d_vggish")
    keys = text_keys(features)
    order = sorted(range(101), key=keys.__getitem__)
    form = (lambda rows: torch.from_numpy(np.stack(rows))) if averaged else list
    for phase, partitions in PHASES.items():
        videos = [(UCF.class_id(c), i) for p in partitions for c, ids in UCF_VIDEOS[p].items() for i in ids]
        target = torch.tensor([label for label, _ in videos])
        url = np.array([i if averaged else repr(i.encode()) for _, i in videos])
        parts = {
            name: {"data": form([vector(i, name, features) for _, i in videos]), "target": target, "url": url}
            for name in ("audio", "video")
        }
        text = form([text_vector(keys[i], 300 if averaged else 512) for i in order])
        parts["text"] = {"data": text, "target": torch.tensor(order), "url": np.array([])}
        change(phase, parts)
        path = folder / "_features_processed" / f"{split}_features" / f"{phase}{split}_split.pkl"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(pickle.dumps(parts))
    return folder
