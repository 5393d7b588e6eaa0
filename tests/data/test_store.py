from __future__ import annotations

import dataclasses
import json
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

import h5py
import numpy as np
import pytest

from avgzsl_bench.data.store import store, writing
from avgzsl_bench.data.store.fingerprint import fingerprint
from avgzsl_bench.data.store.store import read_header, read_rows, read_store
from avgzsl_bench.data.store.table import Feature, FeatureTable, Ragged
from avgzsl_bench.data.store.writing import write_store
from avgzsl_bench.errors import AvbenchError, DataError
from avgzsl_bench.system import files
from avgzsl_bench.system.signals import raise_on_signal


def small_table(*, sequences: bool = False) -> FeatureTable:
    random = np.random.default_rng(0)

    def feature(width: int) -> Feature:
        if not sequences:
            return random.standard_normal((4, width)).astype(np.float32)
        offsets = np.array([0, 2, 3, 7, 8])
        return Ragged(random.standard_normal((8, width)).astype(np.float32), offsets, 0.5)

    words = random.standard_normal((3, 5)).astype(np.float32)
    words[1] = np.nan
    return FeatureTable(
        dataset="some",
        features="set_a",
        simulated=False,
        audio=feature(3),
        visual=feature(4),
        label=np.array([0, 0, 2, 2]),
        video_id=["a", "bé", "a_1", "b_1"],
        partition=np.array([1, 9, 63, 32], np.uint8),
        text={"z": words, "b": words[:, :2].copy()},
        source="test",
    )


@pytest.mark.parametrize("sequences", [False, True])
def test_round_trip(tmp_path: Path, sequences: bool) -> None:
    table = small_table(sequences=sequences)
    path = tmp_path / "some" / "set_a" / "features.h5"
    mark = write_store(path, table)
    header, back = read_store(path)
    assert header == read_header(path)
    assert (header.dataset, header.features, header.source) == ("some", "set_a", "test")
    assert not header.simulated
    assert (header.videos, header.audio, header.visual, header.sequences) == (4, 3, 4, sequences)
    assert list(header.text.items()) == [("z", 5), ("b", 2)]
    assert header.path == path
    assert mark == header.fingerprint == fingerprint(table) == fingerprint(back)
    assert back.video_id == table.video_id
    assert list(back.text) == ["z", "b"]
    for before, after in ((table.audio, back.audio), (table.visual, back.visual)):
        if isinstance(before, Ragged):
            assert isinstance(after, Ragged)
            np.testing.assert_array_equal(before.offsets, after.offsets)
            before, after = before.values, after.values
        np.testing.assert_array_equal(before, after)
    rows = read_rows(header)
    np.testing.assert_array_equal(rows.label, table.label)
    np.testing.assert_array_equal(rows.partition, table.partition)
    assert rows.video_id == table.video_id
    assert [p.name for p in path.parent.iterdir()] == ["features.h5"]


def test_fingerprint_sees_content_and_nothing_else() -> None:
    table = small_table()
    same = dataclasses.replace(table, source="elsewhere", audio=np.asfortranarray(table.audio))
    assert fingerprint(same) == fingerprint(table)
    values = table.audio.copy()
    values[0, 0] += 1
    changes = [
        {"audio": values},
        {"simulated": True},
        {"dataset": "other"},
        {"features": "other"},
        {"video_id": ["a", "b", "c", "d"]},
        {"label": np.array([0, 0, 2, 1])},
        {"partition": np.array([1, 9, 63, 33], np.uint8)},
        {"text": dict(reversed(table.text.items()))},
        {"audio": table.visual, "visual": table.audio},
    ]
    marks = {fingerprint(dataclasses.replace(table, **change)) for change in changes}
    assert len(marks | {fingerprint(table)}) == len(changes) + 1


ONES = np.ones((4, 3), np.float32)
NAN = ONES * np.nan


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"audio": NAN}, "audio holds a value that is not finite"),
        ({"audio": np.ones((3, 3), np.float32)}, "audio has 3 rows for 4 videos"),
        ({"audio": np.ones((4, 3))}, "audio has shape .* float64"),
        ({"audio": Ragged(ONES, np.array([0, 1, 1, 2, 4]), 0.5)}, "audio offsets are not ascending"),
        ({"audio": Ragged(ONES, np.array([0, 1, 2, 4]), 0.5)}, "audio offsets have shape"),
        ({"label": np.array([0, 0, 2, 3])}, "label 3 is beyond"),
        ({"label": np.array([-1, 0, 2, 2])}, "label -1 is negative"),
        ({"label": np.array([0, 2, 0, 2])}, "not in the order"),
        ({"label": np.array([0, 0, 2])}, "labels have shape"),
        ({"partition": np.array([0, 1, 1, 1], np.uint8)}, "in no partition"),
        ({"partition": np.array([64, 1, 1, 1], np.uint8)}, "in no partition"),
        ({"video_id": ["a", "b", "c", "c"]}, "twice"),
        ({"video_id": ["", "b", "c", "d"]}, "empty or holds control"),
        ({"video_id": ["a" * 256, "b", "c", "d"]}, "is longer than 255 characters"),
        ({"video_id": []}, "no videos"),
        ({"dataset": "../up"}, "is not a valid name"),
        ({"text": {"A B": np.ones((3, 2), np.float32)}}, "is not a valid name"),
        ({"text": {"a": np.ones((3, 2), np.float32), "b": np.ones((4, 2), np.float32)}}, "disagree"),
        ({"text": {"a": np.array([[1, np.nan], [1, 1], [1, 1]], np.float32)}}, "text 'a' holds a value"),
    ],
)
def test_inconsistent_tables_are_not_written(tmp_path: Path, change: dict[str, object], message: str) -> None:
    with pytest.raises(DataError, match=message):
        write_store(tmp_path / "x" / "features.h5", dataclasses.replace(small_table(), **change))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, OSError(28, "No space left on device")])
def test_interrupted_writing_leaves_what_was_there(
    tmp_path: Path, interruption: BaseException | type[BaseException]
) -> None:
    path = tmp_path / "features.h5"
    mark = write_store(path, small_table())

    expected = KeyboardInterrupt if interruption is KeyboardInterrupt else AvbenchError
    with patch.object(files.os, "fsync", side_effect=interruption), pytest.raises(expected):
        write_store(path, small_table(sequences=True))
    assert [p.name for p in tmp_path.iterdir()] == ["features.h5"]
    assert read_header(path).fingerprint == mark


@pytest.mark.parametrize("kind", [OSError, RuntimeError])
def test_full_disk_is_told_without_the_dump_of_the_library(tmp_path: Path, kind: type[Exception]) -> None:
    error = kind("Unable to synchronously write data (file write failed: time = Mon,\n errno = 28, buf = 0x7f)")
    path = tmp_path / "features.h5"
    with patch.object(writing, "_write", side_effect=error), pytest.raises(AvbenchError) as caught:
        write_store(path, small_table())
    assert str(caught.value) == f"cannot write {path}: No space left on device; choose another folder"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_signals_wait_until_h5py_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: signal.Signals
) -> None:
    write, done = writing._write, []
    usual = signal.default_int_handler if ending == signal.SIGINT else signal.SIG_DFL
    before = signal.signal(ending, usual)

    def interrupted(*arguments: Any) -> None:
        signal.raise_signal(ending)
        write(*arguments)
        done.append("all is written")

    monkeypatch.setattr(writing, "_write", interrupted)
    try:
        with pytest.raises(KeyboardInterrupt), raise_on_signal():
            write_store(tmp_path / "features.h5", small_table())
    finally:
        signal.signal(ending, before)
    assert done
    assert list(tmp_path.iterdir()) == []


def test_unwritable_places(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    (tmp_path / "folder" / "features.h5").mkdir(parents=True)
    for name in ("file", "folder"):
        with pytest.raises(AvbenchError, match=r"cannot write .*; choose another folder"):
            write_store(tmp_path / name / "features.h5", small_table())
    assert [p.name for p in (tmp_path / "folder").iterdir()] == ["features.h5"]


Damage = Callable[[h5py.File], None]


def attribute(name: str, value: object) -> Damage:
    return lambda file: file.attrs.pop(name) if value is None else file.attrs.__setitem__(name, value)


def header(**change: object) -> Damage:
    def damage(file: h5py.File) -> None:
        content = {k: v for k, v in (json.loads(file.attrs["header"]) | change).items() if v is not None}
        file.attrs["header"] = np.bytes_(json.dumps(content).encode())

    return damage


def dataset(name: str, values: object, **how: Any) -> Damage:
    def damage(file: h5py.File) -> None:
        if name in file:
            del file[name]
        if isinstance(values, h5py.SoftLink):
            file[name] = values
        elif values is not None or how:
            file.create_dataset(name, data=values, **how)

    return damage


DAMAGE = {
    "schema": attribute("schema", np.bytes_(b"another")),
    "schema text": attribute("schema", store.SCHEMA),  # of variable length, which is never read
    "no schema": attribute("schema", None),
    "no header": attribute("header", None),
    "header json": attribute("header", np.bytes_(b"{")),
    **{key: header(**{key: None}) for key in ("dataset", "encoders", "fingerprint", "simulated")},
    "encoder names": header(encoders=["../x"]),
    "no audio": dataset("audio", None),
    "link": dataset("audio", h5py.SoftLink("/visual")),
    "huge": dataset("audio", None, shape=(10**9, 1000), dtype="f4"),
    "rows": dataset("audio", np.ones((3, 3), np.float32)),
    "nan": dataset("audio", NAN),
    "label": dataset("label", np.array([0, 0, 2, 9])),
    "label type": dataset("label", np.array([0.0, 0, 2, 2])),
    "partition": dataset("partition", np.array([0, 1, 1, 1], np.uint8)),
    "ids": dataset("video_id", np.array([b"a", b"a", b"b", b"c"])),
    "id bytes": dataset("video_id", np.array([b"\xff", b"a", b"b", b"c"])),
    "fewer ids": dataset("video_id", np.array([b"a", b"b", b"c"])),
    "objects": dataset("video_id", ["a", "b", "c", "d"], dtype=h5py.string_dtype()),
    "offsets": dataset("audio_offsets", np.arange(5)),
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_damaged_stores_are_named(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "features.h5"
    write_store(path, small_table())
    with h5py.File(path, "a") as file:
        DAMAGE[kind](file)
    with pytest.raises(DataError, match=r"features\.h5: .*import the data again") as error:
        read_store(path)
    assert "\n" not in str(error.value)
    assert "pydantic" not in str(error.value)


@pytest.mark.parametrize("content", [b"", b"not HDF5", b"\x89HDF\r\n\x1a\n"])
def test_foreign_files(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "features.h5").write_bytes(content)
    for read in (read_header, read_store):
        with pytest.raises(DataError, match=r"features\.h5.*import the data again"):
            read(tmp_path / "features.h5")


def test_missing_store(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file"):
        read_header(tmp_path / "features.h5")


@pytest.mark.parametrize(
    ("make", "fault"),
    [
        (lambda path: path.symlink_to(path), "cannot be read: Too many levels of symbolic links"),
        (Path.mkdir, "damaged: .*remove it, then import the data again"),
    ],
    ids=["loop", "folder"],
)
def test_what_is_no_file_is_not_called_missing(tmp_path: Path, make: Callable[[Path], None], fault: str) -> None:
    path = tmp_path / "features.h5"
    make(path)
    with pytest.raises(DataError, match=r"features\.h5: " + fault):
        read_header(path)
