from __future__ import annotations

import hashlib
import io
import json
import pickle
import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from make_record import make_record

from avgzsl_bench.errors import RecordError
from avgzsl_bench.records.record import read_decisions, write_record
from avgzsl_bench.records.verify import verify

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Content = dict[str, Any]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return make_record(tmp_path, skill=1.0)


def alter(path: Path, change: Callable[[Content], object]) -> None:
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def replace_decisions(path: Path, content: bytes) -> None:
    """Put other bytes in the place of the decisions, with the hash to match."""
    path.with_suffix(".npz").write_bytes(content)
    alter(path, lambda c: c["decisions"].update(sha256=hashlib.sha256(content).hexdigest()))


def columns(path: Path) -> dict[str, np.ndarray[Any, Any]]:
    with np.load(path.with_suffix(".npz")) as archive:
        return dict(archive)


def packed(**arrays: np.ndarray[Any, Any]) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]
    return buffer.getvalue()


def test_round_trip(path: Path, tmp_path: Path) -> None:
    record = verify(path)
    table = read_decisions(path, record)
    assert table.to_bytes() == path.with_suffix(".npz").read_bytes()
    copy = tmp_path / "copy" / path.name
    write_record(copy, record, table.to_bytes())
    assert copy.read_bytes() == path.read_bytes()
    assert verify(copy) == record


def shift(figure: str) -> Callable[[Content], object]:
    return lambda c: c["metrics"].update({figure: c["metrics"][figure] + 1e-6})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        *((shift(figure), rf"metrics\.{figure} is") for figure in ("seen", "unseen", "hm", "zsl", "ausuc")),
        (shift("bias"), "not the one of best_epoch"),
        (lambda c: c["classes"][3].update(accuracy=0.123), r"classes\['class 3'\]\.accuracy"),
        (lambda c: c["classes"][3].update(videos=7), r"classes\['class 3'\]\.videos"),
        (lambda c: c["classes"][7].update(role="seen"), "role|metrics"),
        (lambda c: c["data"]["counts"].update(stage2_test_seen=31), "counts: 31 seen test videos"),
        (lambda c: c["data"]["counts"].pop("stage2_test_unseen"), "counts: 0 unseen test videos"),
        (lambda c: c["decisions"].update(videos=47), "says 47 videos"),
        (lambda c: c.update(best_epoch=1), "highest HM is at 2"),
        (lambda c: c.update(best_epoch=3), "not the one of best_epoch 3"),
        (lambda c: c.update(trace=[]), "not the one of best_epoch"),
        (lambda c: c["trace"][0].update(hm=0.9), "highest HM is at 1"),
        (lambda c: c.update(schema_version=2), "schema_version is 2"),
        (lambda c: c.pop("schema_version"), "schema_version is None"),
        (lambda c: c.pop("seed"), "seed: Field required"),
        (lambda c: c.update(notes="x"), "notes: Extra"),
        (lambda c: c["metrics"].update(hm=float("nan")), "metrics.hm: .*finite"),
        (lambda c: c["trace"][0]["losses"].update(loss=float("inf")), "losses.loss: .*finite"),
        (lambda c: c["decisions"].update(file="../other.npz"), "decisions.file"),
        (lambda c: c["decisions"].update(file="/etc/passwd"), "decisions.file"),
        (lambda c: c["decisions"].update(file="a\\b.npz"), "decisions.file"),
        (lambda c: c.update(seed=7), "run_id is"),
        (lambda c: c["data"].update(fingerprint="0" * 64), "run_id is"),
        (lambda c: c["data"].update(features="selavi"), "run_id is"),
        (lambda c: c["method"]["config"].update(calibration="avca"), "calibration is"),
        (lambda c: c["timing"].update(selection_seconds=-1.0), "timing"),
        (lambda c: c["decisions"].update(file="absent.npz"), r"absent\.npz: cannot be read"),
        (lambda c: c["method"].update(parameters=-1), "method.parameters"),
        (lambda c: c["method"].update(parameters=2**63), "method.parameters"),
        (lambda c: c.update(seed=-1), "seed"),
        (lambda c: c.update(seed=2**32), "seed"),
        (lambda c: c.update(calibration="../../x"), "calibration"),
        (lambda c: c["data"].update(dataset="../../x"), "data.dataset"),
        (lambda c: c["method"].update(title="\ud800"), "not a record: .*surrogates"),
        (lambda c: c["method"]["config"].update(name="\ud800"), "not a record: .*surrogates"),
        (lambda c: c["decisions"].update(sha256="0" * 64), "altered: its sha256 is not the one"),
    ],
)
def test_an_altered_record(path: Path, change: Callable[[Content], object], message: str) -> None:
    alter(path, change)
    with pytest.raises(RecordError, match=message) as caught:
        verify(path)
    assert str(path.parent) in str(caught.value)


@pytest.mark.parametrize(
    "text",
    ["", "no json", "[]", "3", '"text"', "{}", "null", "[" * 100_000, "\ud800".encode("utf-8", "surrogatepass")],
)
def test_a_foreign_file(tmp_path: Path, text: str | bytes) -> None:
    file = tmp_path / "foreign.json"
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    with pytest.raises(RecordError, match=r"foreign\.json: not a record"):
        verify(file)


def test_a_missing_record(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match="cannot be read"):
        verify(tmp_path / "missing.json")


@pytest.mark.parametrize("column", ["label", "best_seen", "best_unseen", "gap"])
def test_an_altered_decision_with_the_hash_to_match(path: Path, column: str) -> None:
    arrays = columns(path)
    arrays[column] = arrays[column][::-1].copy()
    replace_decisions(path, packed(**arrays))
    with pytest.raises(RecordError, match="but the decisions give"):
        verify(path)


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("gap", lambda a: np.where(np.arange(len(a)) == 0, np.nan, a), "not finite"),
        ("gap", lambda a: a.astype("S8"), "other lengths or kinds"),
        ("gap", lambda a: a.astype(str), "not a decisions file: .gap.npy. unpacks to"),
        ("gap", lambda a: a[:-1], "other lengths or kinds"),
        ("label", lambda a: a + 1, "not among the record's 8"),
        ("label", lambda a: a - 1, "not among the record's 8"),
        ("label", lambda a: a.astype(float), "other lengths or kinds"),
        ("label", lambda a: a.astype(object), "not a decisions file"),
        ("best_seen", lambda a: np.full_like(a, 7), "role of a best seen"),
        ("best_unseen", lambda a: np.zeros_like(a), "role of a best seen"),
    ],
)
def test_decisions_that_cannot_be(path: Path, column: str, value: Any, message: str) -> None:
    arrays = columns(path)
    arrays[column] = value(arrays[column])
    replace_decisions(path, packed(**arrays))
    with pytest.raises(RecordError, match=message):
        verify(path)


class Bomb:
    def __reduce__(self) -> tuple[Any, ...]:
        return exec, ("raise AssertionError('a pickle was loaded')",)


def header_only() -> bytes:
    """An archive whose first column says it holds 8 TiB."""
    column = io.BytesIO()
    np.lib.format.write_array_header_1_0(column, {"descr": "<i8", "fortran_order": False, "shape": (2**40,)})
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("label.npy", column.getvalue())
    return archive.getvalue()


def plain_array() -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.arange(3))
    return buffer.getvalue()


@pytest.mark.parametrize(
    "content",
    [pickle.dumps(Bomb()), b"", b"PK\x03\x04 none", plain_array(), header_only(), packed(label=np.arange(3))],
    ids=["pickle", "empty", "no archive", "one array", "too large", "a column is missing"],
)
def test_a_file_that_holds_no_decisions(path: Path, content: bytes) -> None:
    replace_decisions(path, content)
    with pytest.raises(RecordError, match="not a decisions file"):
        verify(path)


def test_damaged_decisions(path: Path) -> None:
    whole = path.with_suffix(".npz").read_bytes()
    for place in range(0, len(whole), 7):
        damaged = bytearray(whole)
        damaged[place] ^= 0xFF
        replace_decisions(path, bytes(damaged))
        try:
            verify(path)  # the damaged byte was one that nothing depends on
        except RecordError:
            continue
