"""The decisions of a record as data frames."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from make_record import LABELS, make_record

import avgzsl_bench as ab
from avgzsl_bench.gzsl.decisions import Decisions
from avgzsl_bench.records.decisions_file import DecisionTable
from avgzsl_bench.records.predictions import MOST_CLASSES, Predictions
from avgzsl_bench.records.record import Record, read_decisions

if TYPE_CHECKING:
    from pathlib import Path

IDS = [f"v_{video:02}" for video in range(len(LABELS))]


def without_ids(path: Path) -> Path:
    """Write the decisions of a record as older versions did."""
    content = replace(read_decisions(path, ab.load_record(path)), ids=None).to_bytes()
    path.with_suffix(".npz").write_bytes(content)
    text = json.loads(path.read_text())
    text["decisions"]["sha256"] = hashlib.sha256(content).hexdigest()
    path.write_text(json.dumps(text))
    return path


@pytest.fixture
def record(tmp_path: Path) -> ab.Record:
    return ab.load_record(make_record(tmp_path, ids=IDS, labels=LABELS))


def test_the_frame_is_the_decisions(record: ab.Record, tmp_path: Path) -> None:
    frame = record.predictions()
    (path,) = tmp_path.rglob("*.json")
    table = read_decisions(path, record)
    names = np.array([c.name for c in record.classes])
    assert frame["video"].tolist() == IDS
    assert frame["true_class"].tolist() == names[LABELS].tolist()
    assert frame["role"].tolist() == ["seen" if label < 5 else "unseen" for label in LABELS]
    assert frame["best_seen"].tolist() == names[table.decisions.best_seen].tolist()
    assert frame["best_unseen"].tolist() == names[table.decisions.best_unseen].tolist()
    assert np.array_equal(frame["gap"], table.decisions.gap)
    seen_wins = frame["gap"] > record.metrics.bias
    assert frame["predicted"].equals(frame["best_seen"].where(seen_wins, frame["best_unseen"]))
    assert frame["correct"].equals(frame["predicted"] == frame["true_class"])
    per_class = frame.groupby(["role", "true_class"])["correct"].mean()
    assert per_class["seen"].mean() == pytest.approx(record.metrics.seen)
    assert per_class["unseen"].mean() == pytest.approx(record.metrics.unseen)


def test_the_confusion_matrix_counts_every_video_once(record: ab.Record) -> None:
    frame, matrix = record.predictions(), record.confusion_matrix()
    assert matrix.to_numpy().sum() == len(frame)
    assert matrix.sum(axis=1).to_dict() == frame["true_class"].value_counts().to_dict()
    predicted = frame["predicted"].value_counts()
    assert matrix.sum(axis=0).to_dict() == {name: predicted.get(name, 0) for name in matrix.columns}
    assert np.trace(matrix) == frame["correct"].sum()
    assert matrix.index.tolist() == matrix.columns.tolist()


def test_class_accuracies_are_those_of_the_record(record: ab.Record) -> None:
    found, matrix = record.class_accuracies(), record.confusion_matrix()
    assert found.index.tolist() == matrix.index.tolist()
    for c in record.classes:
        row = found.loc[c.name]
        assert (row["role"], row["videos"], row["accuracy"]) == (c.role, c.videos, c.accuracy)
        wrong = matrix.loc[c.name].drop(c.name)
        assert row["taken_for_videos"] == wrong.max()
        assert row["taken_for"] == wrong.idxmax()


def test_seen_classes_come_first_and_a_class_without_videos_has_no_accuracy(tmp_path: Path) -> None:
    """A class of either role in the middle of the record's list, and one without videos."""
    path = make_record(tmp_path, labels=np.where(LABELS == 6, 7, LABELS), ids=IDS)
    record = ab.load_record(path)
    mixed = [record.classes[i] for i in (5, 0, 1, 6, 2, 3, 7, 4)]
    names = [c.name for c in mixed]
    table = read_decisions(path, record)
    places = np.array([names.index(c.name) for c in record.classes])
    best_seen, best_unseen = places[table.decisions.best_seen], places[table.decisions.best_unseen]
    moved = DecisionTable(places[table.label], Decisions(best_seen, best_unseen, table.decisions.gap))
    other = Predictions(moved, names, [c.role == "seen" for c in mixed], record.metrics.bias)
    matrix = other.confusion_matrix()
    assert matrix.index.tolist() == [c.name for c in record.classes]
    assert matrix.equals(record.confusion_matrix())
    by_class = record.class_accuracies()
    assert other.by_class().equals(by_class)
    assert by_class["videos"].tolist()[6] == 0
    assert np.isnan(by_class["accuracy"]["class 6"])
    assert not isinstance(by_class["taken_for"]["class 6"], str)


def test_a_matrix_of_very_many_classes_is_refused(record: ab.Record, tmp_path: Path) -> None:
    (path,) = tmp_path.rglob("*.json")
    seen = [True] * 5 + [False] * MOST_CLASSES
    many = Predictions(read_decisions(path, record), [f"class {i}" for i in range(len(seen))], seen, 0.0)
    for frame in (many.confusion_matrix, many.by_class):
        with pytest.raises(
            ab.RecordError, match="5,005 classes: a confusion matrix of more than 5,000 is too large"
        ):
            frame()


def test_the_curve_is_that_of_the_metrics(record: ab.Record) -> None:
    curve = record.curve()
    assert isinstance(curve, ab.SeenUnseenCurve)
    assert curve.ausuc == pytest.approx(record.metrics.ausuc)
    assert curve.hm_at([record.metrics.bias])[0] == pytest.approx(record.metrics.hm)


def test_older_decisions_get_numbers_and_a_warning_where_their_data_is_not_installed(tmp_path: Path) -> None:
    record = ab.load_record(make_record(tmp_path / "results"))
    (tmp_path / "data").mkdir()
    with pytest.warns(UserWarning, match="no 'clip_clap' features of ucf in .*; videos are numbered") as caught:
        frame = record.predictions(tmp_path / "data")
    assert caught[0].filename == __file__
    assert frame["video"].tolist() == list(range(48))


def test_older_decisions_get_the_ids_of_their_data(place: dict[str, Any], data_root: Path) -> None:
    settings = {"epochs": 1, "batches_per_epoch": 2}
    made = ab.run("devise", "ucf", settings=settings, **place)
    with_ids = made.predictions()
    assert with_ids["video"].str.startswith("sim_").all()
    (path,) = place["out"].rglob("*.json")
    older = ab.load_record(without_ids(path))
    assert older.predictions(data_root).equals(with_ids)


def test_a_record_knows_its_file_and_is_equal_wherever_it_lies(tmp_path: Path, monkeypatch: Any) -> None:
    path = make_record(tmp_path / "a", ids=IDS)
    copy = make_record(tmp_path / "b", ids=IDS)
    monkeypatch.chdir(tmp_path)
    record = ab.load_record(path.relative_to(tmp_path))
    assert record == ab.load_record(copy)
    assert record.model_dump() == ab.load_record(copy).model_dump()
    monkeypatch.chdir("/")
    assert len(record.predictions()) == 48, "also after another folder became the current one"


@pytest.mark.parametrize("call", ["predictions", "curve", "confusion_matrix", "class_accuracies"])
def test_a_record_without_a_file_and_one_without_decisions_say_so(
    record: ab.Record, tmp_path: Path, call: str
) -> None:
    alone = Record.model_validate(record.model_dump())
    with pytest.raises(ab.RecordError, match="neither read from a file nor written: it has no decisions"):
        getattr(alone, call)()
    (decisions,) = tmp_path.rglob("*.npz")
    decisions.unlink()
    with pytest.raises(ab.RecordError, match=f"{re.escape(str(decisions))}: cannot be read: no such file"):
        getattr(record, call)()


def test_altered_decisions_are_refused(record: ab.Record, tmp_path: Path) -> None:
    (decisions,) = tmp_path.rglob("*.npz")
    decisions.write_bytes(decisions.read_bytes() + b"x")
    with pytest.raises(ab.RecordError, match="altered: its sha256"):
        record.predictions()
