"""Valid files of what users bring and of what lies beside data: arrays, tables, cards, archives, marks."""

from __future__ import annotations

import io
import shutil
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pandas as pd

from avgzsl_bench.data.cards.cards import card_of
from avgzsl_bench.data.datasets.facts import Dataset
from avgzsl_bench.data.fetch.fetched import Fetched
from avgzsl_bench.data.fetch.unpack import unpack
from avgzsl_bench.data.layouts.marker import Marker, read_marker
from avgzsl_bench.data.layouts.tree import FeatureTree
from avgzsl_bench.data.own.own_classes import read_dataset_table
from avgzsl_bench.data.own.video_arrays import read_video_arrays
from avgzsl_bench.data.own.video_table import read_video_table
from avgzsl_bench.encoders.texts.given_names import given_names

ROWS = 5

_ROLES = {"a": "train", "b": "train", "c": "val_unseen", "d": "test_unseen"}
_PARTITIONS = {
    "train": ("stage1_train", "stage1_val_seen stage2_train", "stage2_test_seen"),
    "val_unseen": ("stage_1_val_unseen", "stage2_test_seen"),
    "test_unseen": ("stage2_test_unseen",),
}


def saved(array: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=True)
    return stream.getvalue()


def arrays(folder: Path) -> list[bytes]:
    values = np.random.RandomState(0).standard_normal((ROWS, 4))
    return [saved(a) for a in (values, np.asfortranarray(values.astype(">f4")), (values * 9).astype(np.int8))]


def video_arrays(folder: Path) -> list[bytes]:
    audio, visual = np.ones((ROWS, 2)), np.ones((ROWS, 3), np.float32)
    files = []
    for save in (np.savez, np.savez_compressed):
        stream = io.BytesIO()
        save(stream, audio=audio, visual=visual, video=np.array([f"v{i}" for i in range(ROWS)]))
        files.append(stream.getvalue())
    return files


def read_arrays(path: Path) -> object:
    return read_video_arrays(path, 2, 3)


def names(folder: Path) -> list[bytes]:
    return [b"surfing\nrowing a boat\n", "\ufeffüben\r\n".encode()]


def read_names(path: Path) -> object:
    return given_names(f"@{path}")


def hdf5_arrays(folder: Path) -> list[bytes]:
    files = []
    for packed in ({}, {"chunks": (2, 4), "compression": "gzip"}):
        path = folder / "sample.h5"
        with h5py.File(path, "w") as file:
            file.create_dataset("audio", data=np.ones((ROWS, 4), np.float32), **packed)
        files.append(path.read_bytes())
    return files


def _videos() -> pd.DataFrame:
    rows = [(f"{n}_{i}", n, p) for n, role in _ROLES.items() for i, p in enumerate(_PARTITIONS[role])]
    return pd.DataFrame(rows, columns=["video", "class", "partition"])


def video_csvs(folder: Path) -> list[bytes]:
    return [_videos().to_csv(index=False).encode(), _videos().assign(more="x,y").to_csv().encode("utf-8-sig")]


def video_parquets(folder: Path) -> list[bytes]:
    files = []
    for packed in ("snappy", None):
        stream = io.BytesIO()
        _videos().assign(more=1).to_parquet(stream, engine="pyarrow", compression=packed)
        files.append(stream.getvalue())
    return files


def read_videos(path: Path) -> None:
    assert read_video_table(path).video_id


def class_csvs(folder: Path) -> list[bytes]:
    (folder / "its_videos.csv").write_bytes(video_csvs(folder)[0])
    frame = pd.DataFrame({"name": list(_ROLES), "cls": list(_ROLES.values())})
    return [frame.to_csv(index=False).encode(), frame.assign(readable=frame["name"]).to_csv(index=False).encode()]


def read_classes(path: Path) -> Dataset:
    videos = path.with_name("its_videos.csv")
    return read_dataset_table("fuzzed", path, read_video_table(videos), videos)


def own_datasets(folder: Path) -> list[bytes]:
    path = folder / "its_classes.csv"
    path.write_bytes(class_csvs(folder)[0])
    return [read_classes(path).model_dump_json(indent=1).encode()]


def cards(folder: Path) -> list[bytes]:
    return [card_of("selavi").model_dump_json(indent=1).encode()]


def archives(folder: Path) -> list[bytes]:
    files = []
    for compression in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w", compression) as archive:
            archive.writestr("UCF/features/a.h5", bytes(range(200)) * 5)
            archive.writestr("UCF/features/b c, d.pkl", b"x" * 1000)
        files.append(stream.getvalue())
    return files


def unpack_archive(path: Path) -> object:
    """Unpack an archive; nothing may appear beside its folder."""
    before = set(path.parent.iterdir())
    folder = path.with_suffix(".unpacked")
    try:
        unpack(path, folder)
        return sorted(p.name for p in folder.rglob("*"))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        assert set(path.parent.iterdir()) == before


def fetched(folder: Path) -> list[bytes]:
    known = {"source": "avca", "address": "https://example.org/a", "fetched": "2026-01-31", "size": 7}
    record = Fetched.model_validate(known | {"sha256": "0" * 64, "fingerprint": "1" * 64})
    return [record.model_dump_json(indent=1).encode()]


def marks(folder: Path) -> list[bytes]:
    return [Marker(dataset="ucf", features="own", simulated=False, audio=3, visual=4, text={"clip": 5}).content()]


def read_mark(path: Path) -> object:
    return read_marker(FeatureTree(path.parent, ".h5"))
