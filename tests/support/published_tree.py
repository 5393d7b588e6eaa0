"""Tiny data sets in the published layouts, UCF in class names and nothing else; values are noise."""

from __future__ import annotations

import pickle
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path
from types import SimpleNamespace

import h5py
import numpy as np
import pluggy
import pytest

from avgzsl_bench.data.datasets.facts import DatasetSpec, read_dataset
from avgzsl_bench.plugins import builtin, hookspecs, registry
from avgzsl_bench.plugins import manager as plugins

UCF = read_dataset(DatasetSpec("ucf", "avgzsl_bench:data/datasets/class_lists/ucf.json"))
DATASETS = [
    read_dataset(DatasetSpec(name, f"avgzsl_bench:data/datasets/class_lists/{name}.json"))
    for name in ("activitynet", "ucf", "vggsound")
]

STAGE1 = {
    "stage_1_train": {"HandStandPushups": ["v_H_1", "v_H_0"], "Archery": ["v_A_0"]},
    "stage_1_val_seen": {"Archery": ["v_A_1"]},
    "stage_1_val_unseen": {"ApplyEyeMakeup": ["v_E_0"]},
}
VIDEOS: dict[str, dict[str, list[str]]] = {
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
    """What the tree holds for a video: `[D]`, or `[T, D]` for sequences."""
    random = np.random.default_rng(zlib.crc32(f"{video} {modality} {features}".encode()))
    width = WIDTHS[features][modality == "video"]
    shape = (1 + zlib.crc32(video.encode()) % 3, width) if features.endswith("_seq") else (width,)
    if features == "c3d_vggish_seq" and modality == "audio":
        return random.integers(0, 256, shape, dtype=np.uint8)
    return random.standard_normal(shape).astype(np.float32)


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


def write_classes(
    folder: Path,
    features: str,
    videos: dict[str, dict[str, list[str]]],
    value: Callable[[str, str, str], np.ndarray],
    *,
    reverse_visual: bool = False,
) -> Callable[[str, str, str], Path]:
    """All class files of a feature set; gives the path of each by modality, partition and class."""
    extension = ".h5" if features in ("selavi", "c3d_vggish") else ".pkl"

    def file(modality: str, partition: str, name: str) -> Path:
        return folder / modality / partition / f"{name}{extension}"

    for partition, classes in videos.items():
        for name, ids in classes.items():
            for modality, order in (("audio", ids), ("video", ids[::-1] if reverse_visual else ids)):
                write_class(file(modality, partition, name), order, [value(i, modality, features) for i in order])
    return file


def write_text(folder: Path, features: str) -> None:
    """The text dictionaries, in an order of no meaning."""
    folder.mkdir(parents=True, exist_ok=True)
    files = {"word_embeddings_ucf_normed.npy": ("readable", 300)}
    if features == "clip_clap":
        files = {
            "word_embeddings_ucf_normed.npy": ("clip", 512),
            "wavcaps_word_embeddings_ucf_normed.npy": ("clip", 1024),
        }
    for name, (key, width) in files.items():
        words = {getattr(c, key): text_vector(getattr(c, key), width) for c in reversed(UCF.classes)}
        np.save(folder / name, np.array(words, dtype=object), allow_pickle=True)


def text_vector(name: str, width: int) -> np.ndarray:
    return np.random.default_rng(zlib.crc32(name.encode())).standard_normal(width).astype(np.float32)


def write_tree(
    directory: Path,
    features: str,
    videos: dict[str, dict[str, list[str]]] = VIDEOS,
    set_name: str = "main_features",
) -> SimpleNamespace:
    """A whole tree; gives `.set`, the feature-set folder, and `.file(modality, partition, class)`."""
    folder = directory / "UCF" / "features" / set_name
    file = write_classes(folder, features, videos, vector, reverse_visual=True)
    write_text(folder / "text", features)
    return SimpleNamespace(root=directory, set=folder, file=file, features=features)
