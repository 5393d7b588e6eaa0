"""Tiny data sets in the published layouts; values are noise in the range of the feature set."""

from __future__ import annotations

import pickle
import zlib
from collections.abc import Iterable
from pathlib import Path
from types import SimpleNamespace

import h5py
import numpy as np
import pluggy
import pytest

from avgzsl_bench.data.datasets.facts import Dataset, DatasetSpec, read_dataset
from avgzsl_bench.data.datasets.feature_sets import PUBLISHED
from avgzsl_bench.plugins import builtin, hookspecs, registry
from avgzsl_bench.plugins import manager as plugins

BY_NAME = {
    name: read_dataset(DatasetSpec(name, f"avgzsl_bench:data/datasets/class_lists/{name}.json"))
    for name in ("activitynet", "ucf", "vggsound")
}
DATASETS = list(BY_NAME.values())
UCF = BY_NAME["ucf"]
FOLDERS = {"ucf": "UCF", "vggsound": "VGGSound", "activitynet": "ActivityNet"}

Videos = dict[str, dict[str, list[str]]]
"""Partition as on disk -> class -> video ids."""

STAGE1 = {
    "stage_1_train": {"HandStandPushups": ["v_H_1", "v_H_0"], "Archery": ["v_A_0"]},
    "stage_1_val_seen": {"Archery": ["v_A_1"]},
    "stage_1_val_unseen": {"ApplyEyeMakeup": ["v_E_0"]},
}
VIDEOS: Videos = {
    **STAGE1,
    "stage_2_train": {
        "HandStandPushups": ["v_H_1", "v_H_0"],
        "Archery": ["v_A_1", "v_A_0"],
        "ApplyEyeMakeup": ["v_E_0"],
    },
    "stage_2_test_seen": {"Archery": ["v_A_2"]},
    "stage_2_test_unseen": {"BandMarching": ["v_B_0", "v_B_1"], "Typing": ["v_T_0"]},
}

WIDTHS = {
    "selavi": (512, 512),
    "c3d_vggish": (128, 4096),
    "clip_clap": (1024, 512),
    "selavi_seq": (512, 512),
    "c3d_vggish_seq": (128, 4096),
}


def standard_plugins(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only what the harness brings itself, whether or not it is installed as a distribution."""
    manager = pluggy.PluginManager(plugins.GROUP)
    manager.add_hookspecs(hookspecs)
    manager.register(builtin)
    loaded = plugins.Plugins(manager, ())
    monkeypatch.setattr(plugins, "load_plugins", lambda: loaded)
    monkeypatch.setattr(registry, "load_plugins", lambda: loaded)


def vector(video: str, modality: str, features: str) -> np.ndarray:
    """What the tree holds for a video, in the range of the feature set: `[D]`, or `[T, D]` for sequences."""
    random = np.random.default_rng(zlib.crc32(f"{video} {modality}".encode()))
    steps = (1 + zlib.crc32(video.encode()) % 3,) if features.endswith("_seq") else ()
    shape = (*steps, WIDTHS[features][modality == "video"])
    if features.startswith("c3d_vggish") and modality == "audio":
        return random.integers(0, 256, shape).astype(np.uint8 if steps else np.float32)
    noise = random.standard_normal(shape).astype(np.float32)
    if features.startswith("c3d_vggish"):
        return np.maximum(noise, 0)
    return noise / np.linalg.norm(noise) if features == "clip_clap" else noise


def write_class(path: Path, ids: Iterable[object], rows: list[np.ndarray], *, vlen: bool = False) -> None:
    """One class file; the extension decides the format."""
    path.parent.mkdir(parents=True, exist_ok=True)
    names = [i if isinstance(i, bytes) else str(i).encode() for i in ids]
    if path.suffix == ".h5":
        with h5py.File(path, "w") as file:
            file["data"] = np.stack(rows)
            kind = h5py.string_dtype() if vlen else "S80"
            file.create_dataset("video_urls", data=np.array(names, dtype=object if vlen else "S80"), dtype=kind)
    else:
        path.write_bytes(pickle.dumps({"features": rows, "video_names": names, "fps": [25] * len(names)}))


def text_keys(features: str, dataset: Dataset = UCF) -> list[str]:
    """The name of each class in the text file, by class id."""
    return [c.clip if features == "clip_clap" else c.readable for c in dataset.classes]


def text_vector(key: str, width: int) -> np.ndarray:
    noise = np.random.default_rng(zlib.crc32(key.encode())).standard_normal(width).astype(np.float32)
    return noise / np.linalg.norm(noise)


def write_text(folder: Path, features: str, dataset: Dataset = UCF) -> list[Path]:
    """The text dictionaries, in an order of no meaning; gives their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    (feature_set,) = (f for f in PUBLISHED if f.name == features)
    name = f"word_embeddings_{dataset.name.removesuffix('net')}_normed.npy"
    paths = []
    for encoder, width in feature_set.text.items():
        paths.append(folder / ("wavcaps_" * (encoder == "clap") + name))
        words = {key: text_vector(key, width) for key in reversed(text_keys(features, dataset))}
        np.save(paths[-1], np.array(words, dtype=object), allow_pickle=True)
    return paths


def write_tree(
    directory: Path,
    features: str,
    videos: Videos = VIDEOS,
    set_name: str = "main_features",
    dataset: Dataset = UCF,
    *,
    reverse_visual: bool = True,
) -> SimpleNamespace:
    """A whole tree; gives its folders, `.texts` and `.file(modality, partition, class)`."""
    folder = directory / FOLDERS[dataset.name] / "features" / set_name
    extension = ".h5" if features in ("selavi", "c3d_vggish") else ".pkl"

    def file(modality: str, partition: str, name: str) -> Path:
        return folder / modality / partition / f"{name}{extension}"

    for partition, classes in videos.items():
        for name, ids in classes.items():
            for modality, order in (("audio", ids), ("video", ids[::-1] if reverse_visual else ids)):
                write_class(file(modality, partition, name), order, [vector(i, modality, features) for i in order])
    texts = write_text(folder / "text", features, dataset)
    return SimpleNamespace(root=directory, set=folder, file=file, texts=texts)
