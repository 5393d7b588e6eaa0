"""The readers under test: for each some valid files, what to do to them beside damage, and how they are read."""

from __future__ import annotations

import hashlib
import io
import json
import pickle
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.resources import files
from pathlib import Path
from random import Random
from typing import Any

import clip_files
import clip_readers as clips
import h5py
import malicious_files
import numpy as np
import own_readers as own
import weight_readers as weights
from pickled_values import VALUE

from avgzsl_bench.data.cards.own import read_card
from avgzsl_bench.data.datasets.facts import DatasetSpec, read_dataset
from avgzsl_bench.data.datasets.feature_sets import PUBLISHED
from avgzsl_bench.data.datasets.registry import read_own_dataset
from avgzsl_bench.data.fetch.fetched import read_fetched
from avgzsl_bench.data.layouts.avca import read_class_file
from avgzsl_bench.data.layouts.pickled import read_sequences, read_vectors
from avgzsl_bench.data.layouts.text import read_text
from avgzsl_bench.data.layouts.tree import FeatureTree
from avgzsl_bench.data.own import array_file
from avgzsl_bench.data.own.class_vectors import read_class_vectors
from avgzsl_bench.data.store.added_text import AddedText, read_added_text, write_added_text
from avgzsl_bench.data.store.fingerprint import fingerprint
from avgzsl_bench.data.store.store import read_header, read_rows, read_store
from avgzsl_bench.data.store.table import FeatureTable, Ragged
from avgzsl_bench.data.store.writing import write_store
from avgzsl_bench.data.untrusted.unpickle import load_pickle

WIDTH = 8


@dataclass(frozen=True)
class Reader:
    """A reader under test.

    Attributes:
        samples: makes valid files in a folder, all of which are read without complaint.
        name: what a file under test is called, below the folder of the test.
        read: reads it.
        malicious: makes a file that does harm.
        text: whether it is text.
        refuses: whether what is malicious must be refused, and not just read without harm.
    """

    samples: Callable[[Path], list[bytes]]
    name: str
    read: Callable[[Path], object]
    malicious: Callable[[Random, Path], bytes] = malicious_files.text
    text: bool = False
    refuses: bool = True


_SPEC = DatasetSpec("ucf", "avgzsl_bench:data/datasets/class_lists/ucf.json")


def _late(module: str, name: str) -> Callable[[Path], object]:
    """A function of a module that needs torch, which is imported only where it is read."""
    return lambda path: getattr(import_module(f"avgzsl_bench.{module}"), name)(path)


def _rows(*shape: int) -> np.ndarray:
    return np.random.RandomState(0).standard_normal(shape).astype(np.float32)


def _class_hdf5(folder: Path) -> list[bytes]:
    ids = [f"v_Archery_g{i:02d}_c01".encode() for i in range(5)]
    files = []
    for kind, chunks, libver in (("S80", None, "earliest"), ("vlen", None, "earliest"), ("S80", 2, "latest")):
        path = folder / f"{kind}{chunks}.h5"
        with h5py.File(path, "w", libver=libver) as file:
            packed = {"chunks": (chunks, WIDTH), "compression": "gzip"} if chunks else {}
            file.create_dataset("data", data=_rows(5, WIDTH), **packed)
            dtype = h5py.string_dtype() if kind == "vlen" else kind
            file.create_dataset("video_urls", data=np.array(ids, object if kind == "vlen" else kind), dtype=dtype)
        files.append(path.read_bytes())
    return files


def _plain_pickles(folder: Path) -> list[bytes]:
    return [pickle.dumps(VALUE, protocol) for protocol in (2, 3, 4, 5)]


def _class_pickles(*shapes: tuple[int, ...]) -> list[bytes]:
    arrays = [_rows(*shape) for shape in shapes]
    codes = [(a * 10).astype(np.uint8) for a in arrays]
    names = [f"v_{i}".encode() for i in range(len(arrays))]
    return [
        pickle.dumps({"features": values, "video_names": names, "fps": [25] * len(names)}, protocol)
        for values in (arrays, codes)
        for protocol in (2, 3, 4, 5)
    ]


def _sequence_pickles(folder: Path) -> list[bytes]:
    return _class_pickles((3, WIDTH), (1, WIDTH), (2, WIDTH))


def _vector_pickles(folder: Path) -> list[bytes]:
    return _class_pickles((WIDTH,), (1, WIDTH), (WIDTH,))


def _words(folder: Path) -> list[bytes]:
    keys = [c.readable for c in read_dataset(_SPEC).classes]
    return [_saved(dict(zip(keys, _rows(101, 300), strict=True)))]


def _saved(words: Mapping[Any, object]) -> bytes:
    return own.saved(np.array(words, dtype=object))


def _read_words(path: Path) -> object:
    features = next(f for f in PUBLISHED if f.name == "c3d_vggish")
    return read_text(FeatureTree(path.parents[1], ".h5"), read_dataset(_SPEC), features)


def _stores(folder: Path) -> list[bytes]:
    files = []
    for sequences in (False, True):
        audio, visual = (
            Ragged(_rows(8, width), np.array([0, 2, 3, 7, 8]), 0.5) if sequences else _rows(4, width)
            for width in (3, 4)
        )
        table = FeatureTable(
            dataset="ucf",
            features="selavi",
            simulated=False,
            source="test",
            audio=audio,
            visual=visual,
            label=np.array([0, 0, 2, 2]),
            video_id=["a", "b", "c", "dé"],
            partition=np.array([1, 9, 63, 32], np.uint8),
            text={"word2vec": _rows(3, 5)},
        )
        path = folder / "store" / "features.h5"
        write_store(path, table)
        files.append(path.read_bytes())
    return files


def _read_store(path: Path) -> object:
    header, table = read_store(path)
    return read_header(path) == header, read_rows(header), fingerprint(table) == header.fingerprint


def _added(folder: Path) -> list[bytes]:
    return [write_added_text(folder, AddedText("ucf", "knowledge", _rows(101, 4), "made up")).read_bytes()]


_SOME = dict(zip(("Archery", "BabyCrawling", "Typing"), _rows(3, 4), strict=True))
_LISTS = {name: row.tolist() for name, row in _SOME.items()}


def _brought_json(folder: Path) -> list[bytes]:
    several = {name: [row, row] for name, row in _LISTS.items()}
    return [json.dumps(_LISTS).encode(), json.dumps(several, indent=1).encode()]


def _brought_csv(folder: Path) -> list[bytes]:
    rows = [",".join([name, *map(str, row)]) for name, row in _SOME.items()]
    return ["\n".join(rows).encode(), "\r\n".join(["name,a,b,c,d", *rows, rows[0]]).encode()]


def _brought_npz(folder: Path) -> list[bytes]:
    files = []
    for save in (np.savez, np.savez_compressed):
        stream = io.BytesIO()
        save(stream, **_SOME)
        files.append(stream.getvalue())
    return files


def _brought_npy(folder: Path) -> list[bytes]:
    arrays = {name.encode(): row for name, row in zip(_SOME, _rows(3, 2, 4), strict=True)}
    return [_saved(_LISTS), _saved(arrays)]


def _read_brought(path: Path) -> object:
    return read_class_vectors(path, read_dataset(_SPEC))


def _record(folder: Path) -> tuple[Path, bytes]:
    """A valid record, and its decisions."""
    from make_record import make_record  # which needs torch

    path = make_record(folder, ids=[f"v_é_{video:03}" for video in range(48)])
    return path, path.with_suffix(".npz").read_bytes()


def _records(folder: Path) -> list[bytes]:
    path, decisions = _record(folder)
    (folder / path.with_suffix(".npz").name).write_bytes(decisions)
    return [path.read_bytes()]


def _decisions(folder: Path) -> list[bytes]:
    path, decisions = _record(folder)
    (folder / "valid.json").write_bytes(path.read_bytes())
    return [decisions]


_read_record = _late("records.verify", "read_verified")
_read_pt = _late("records.released_weights", "read_official")
_read_safetensors = _late("records.checkpoint", "read_checkpoint")


def _read_decisions(path: Path) -> object:
    """The record of a damaged file of decisions, changed to fit: its hash is right."""
    record = json.loads((path.parent / "valid.json").read_bytes())
    record["decisions"] |= {"file": path.name, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
    path.with_suffix(".json").write_text(json.dumps(record))
    return _read_record(path.with_suffix(".json"))


def _torch_files(folder: Path) -> list[bytes]:
    import torch

    state = {"epoch": 3, "model": {"a.weight": torch.ones(2, 3), "a.bias": torch.zeros(3)}, "metric": "score"}
    files = []
    for new in (True, False):
        stream = io.BytesIO()
        torch.save(state, stream, _use_new_zipfile_serialization=new)
        files.append(stream.getvalue())
    return files


def _safetensors(folder: Path) -> list[bytes]:
    import torch

    from avgzsl_bench.gzsl.task import FeatureDims
    from avgzsl_bench.records.checkpoint import Checkpoint, write_checkpoint
    from avgzsl_bench.records.checkpoint_header import CheckpointClass, Header, Origin, PredictionPart

    shape = FeatureDims(audio=2, visual=3, text={"word2vec": 4})
    known = {"method": "devise", "distribution": "", "version": "", "config": {"epochs": 2}}
    classes = tuple(CheckpointClass(name=name, words=name, seen=name == "a") for name in "ab")
    part = PredictionPart(stage=2, bias=0.5, calibration="exact", classes=classes)
    contents = []
    for prediction, text in ((None, {}), (part, {"word2vec": torch.ones(2, 4)})):
        header = Header(**known, shape=shape, origin=Origin(), prediction=prediction)
        path = folder / "valid.safetensors"
        write_checkpoint(path, Checkpoint(header, {"a": torch.ones(2, 3), "b": torch.zeros(3)}, text=text))
        contents.append(path.read_bytes())
    return contents


def _datasets(folder: Path) -> list[bytes]:
    return [(files("avgzsl_bench") / "data/datasets/class_lists/ucf.json").read_bytes()]


def _packaged(path: Path) -> str:
    """A file below the folder of the test, as the resource of a package."""
    root = str(path.parents[1])
    if root not in sys.path:
        sys.path.append(root)
    return f"{path.parent.name}:{path.name}"


def _read_dataset(path: Path) -> object:
    return read_dataset.__wrapped__(DatasetSpec("ucf", _packaged(path)))


def _defaults(folder: Path) -> list[bytes]:
    import avgzsl_baselines

    files = sorted(Path(avgzsl_baselines.__file__).parent.glob("*.toml"))
    return [content for path in files if b"[[settings]]" in (content := path.read_bytes())][:4]


def _read_defaults(path: Path) -> object:
    from avgzsl_bench.method.settings import default_settings, presets, rules_in
    from avgzsl_bench.plugins.specs import MethodSpec

    rules_in.cache_clear()  # the file is another one under the same name
    spec = MethodSpec("some", target="some:Method", title="Some", follows="paper", defaults=_packaged(path))
    return presets(spec), default_settings(spec, "ucf", "selavi")


def _hdf5(dataset: str) -> Callable[[Random, Path], bytes]:
    return lambda random, canary: malicious_files.hdf5(random, canary, dataset)


def _read_array(path: Path | str) -> object:
    vectors = array_file.read_vectors(str(path), np.arange(own.ROWS))
    assert vectors.dtype == np.float32
    return vectors


READERS: Mapping[str, Reader] = {
    "pickle": Reader(_plain_pickles, "some.pkl", load_pickle, malicious_files.pickles, refuses=False),
    "avca": Reader(_class_hdf5, "Typing.h5", lambda p: read_class_file(p, WIDTH), _hdf5("data")),
    "avca_ids": Reader(_class_hdf5, "Typing.h5", lambda p: read_class_file(p, WIDTH), _hdf5("video_urls")),
    "tcaf": Reader(_sequence_pickles, "Typing.pkl", lambda p: read_sequences(p, WIDTH), malicious_files.pickles),
    "clipclap": Reader(_vector_pickles, "Typing.pkl", lambda p: read_vectors(p, WIDTH), malicious_files.pickles),
    "text": Reader(_words, "set/text/words.npy", _read_words, malicious_files.npy),
    "store": Reader(_stores, "features.h5", _read_store, _hdf5("audio")),
    "added_text": Reader(_added, "ucf/text-knowledge.h5", read_added_text, _hdf5("vectors")),
    "brought_json": Reader(_brought_json, "words.json", _read_brought, text=True),
    "brought_csv": Reader(_brought_csv, "words.csv", _read_brought, text=True),
    "brought_npz": Reader(_brought_npz, "words.npz", _read_brought, malicious_files.npz),
    "brought_npy": Reader(_brought_npy, "words.npy", _read_brought, malicious_files.npy),
    "record": Reader(_records, "seed0.json", _read_record, text=True),
    "decisions": Reader(_decisions, "seed0.npz", _read_decisions, malicious_files.npz),
    "official_checkpoint": Reader(_torch_files, "weights.pt", _read_pt, malicious_files.checkpoint, refuses=False),
    "checkpoint": Reader(_safetensors, "weights.safetensors", _read_safetensors, malicious_files.safetensors),
    "network": Reader(
        weights.networks, "weights/model.safetensors", weights.read_network, malicious_files.safetensors
    ),
    "tensors": Reader(_torch_files, "weights.pt", weights.read_tensors, malicious_files.checkpoint, refuses=False),
    "dataset": Reader(_datasets, "fuzzed/facts.json", _read_dataset, text=True),
    "defaults": Reader(_defaults, "fuzzed/settings.toml", _read_defaults, text=True),
    "array_npy": Reader(own.arrays, "audio.npy", _read_array, malicious_files.npy),
    "array_hdf5": Reader(own.hdf5_arrays, "audio.h5", lambda p: _read_array(f"{p}:audio"), _hdf5("audio")),
    "video_arrays": Reader(own.video_arrays, "vectors.npz", own.read_arrays, malicious_files.npz, refuses=False),
    "names": Reader(own.names, "names.txt", own.read_names, text=True, refuses=False),
    "videos_csv": Reader(own.video_csvs, "videos.csv", own.read_videos, text=True),
    "videos_parquet": Reader(
        own.video_parquets, "videos.parquet", own.read_videos, malicious_files.parquet, refuses=False
    ),
    "classes": Reader(own.class_csvs, "classes.csv", own.read_classes, text=True),
    "own_dataset": Reader(own.own_datasets, "fuzzed/dataset.json", read_own_dataset, text=True),
    "card": Reader(own.cards, "card.json", lambda p: read_card(p, "selavi"), text=True),
    "annotations": Reader(clips.annotations, "annotations.json", clips.read_stretches, text=True),
    "clip_table": Reader(clips.clip_tables, "clips.csv", clips.read_rows, text=True),
    "lists": Reader(clips.lists, "stage_1_train.csv", clips.read_lists, text=True),
    "archive": Reader(own.archives, "own.zip", own.unpack_archive, malicious_files.npz, refuses=False),
    "fetched": Reader(own.fetched, "fetched.json", read_fetched, text=True),
    "clip": Reader(clip_files.clips, "clip.mp4", clip_files.decode, clip_files.lists_of_files),
    "mark": Reader(own.marks, "tree/avgzsl-bench.json", own.read_mark, text=True),
}
