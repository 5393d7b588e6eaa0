from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from make_record import make_record
from named_stores import install, named_table, partial_table
from pydantic import ValidationError

import avgzsl_bench as ab
from avgzsl_bench.data.datasets.registry import registered_dataset
from avgzsl_bench.data.datasets.standard import PartitionDifference
from avgzsl_bench.errors import RecordError
from avgzsl_bench.records.data_facts import DataFacts, differences_of, origin_of
from avgzsl_bench.records.record import read_record
from avgzsl_bench.records.verify import verify

FEW = {"stage2_test_unseen": PartitionDifference(present=62, standard=845)}


@pytest.fixture(scope="module")
def partial_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The record of a run on half of the videos."""
    folder = tmp_path_factory.mktemp("partial")
    install(folder / "data", partial_table())
    with pytest.warns(UserWarning, match="does not hold the standard videos of split cls"):
        ab.run("chance", "ucf", data_root=folder / "data", out=folder / "results")
    (path,) = (folder / "results").rglob("*.json")
    return path


def without(path: Path, folder: Path, *names: str, **counts: int) -> ab.Record:
    """The record as an older version wrote it, with other counts."""
    content = json.loads(path.read_text())
    for name in names:
        del content["data"][name]
    content["data"]["counts"] |= counts
    (folder / "old.json").write_text(json.dumps(content))
    return read_record(folder / "old.json")


def test_a_record_holds_how_its_videos_differ_and_where_vectors_came_from(partial_run: Path) -> None:
    record = verify(partial_run)
    data = json.loads(partial_run.read_text())["data"]
    assert data["differences"]["stage2_test_unseen"] == {
        "present": record.data.counts["stage2_test_unseen"],
        "standard": 845,
    }
    assert (data["origin"], data["layout"]) == ("imported", "clipclap")
    assert len(differences_of(record)) == 6


def test_neither_enters_the_run_id(partial_run: Path, tmp_path: Path) -> None:
    old = without(partial_run, tmp_path, "differences", "origin", "layout")
    assert old.id == old.run_id == partial_run.stem
    assert old.data.differences is None


def test_an_old_record_is_judged_by_its_numbers_of_videos(partial_run: Path, tmp_path: Path) -> None:
    old = without(partial_run, tmp_path, "differences", "origin", "layout")
    assert differences_of(old) == read_record(partial_run).data.differences
    facts = DataFacts.of([old])
    assert facts.obstacles[0].startswith("other videos than the standard: ")
    assert facts.origins == ("not recorded",)


def test_an_old_record_with_the_standard_numbers_is_taken_for_standard(tmp_path: Path) -> None:
    install(tmp_path / "data", named_table())
    with pytest.warns(UserWarning, match="others in place of"):
        ab.run("chance", "ucf", data_root=tmp_path / "data", out=tmp_path / "results")
    (path,) = (tmp_path / "results").rglob("*.json")
    assert len(differences_of(read_record(path))) == 6, "what it says counts"
    assert differences_of(without(path, tmp_path, "differences")) == {}, "ids are in no old record"
    for odd, present in ((-5, 0), (10**30, 2**53)):
        found = differences_of(without(path, tmp_path, "differences", stage1_train=odd))
        assert found["stage1_train"].present == present, "any number can be shown"
    fewer = without(path, tmp_path, "differences", stage1_train=3000)
    assert differences_of(fewer) == {"stage1_train": PartitionDifference(present=3000, standard=3174)}
    moved = json.loads(path.read_text())
    del moved["data"]["differences"]
    one, other, *_ = (c for c in moved["classes"] if c["role"] == "unseen" and c["videos"])
    one["videos"], other["videos"] = one["videos"] - 1, other["videos"] + 1
    (tmp_path / "moved.json").write_text(json.dumps(moved))
    assert list(differences_of(read_record(tmp_path / "moved.json"))) == ["stage2_test_unseen"]


def test_an_old_record_of_a_view_is_judged_by_what_the_view_keeps_whole(partial_run: Path, tmp_path: Path) -> None:
    standard = {n: sum(f.videos) for n, f in registered_dataset("ucf").facts("cls").items()}
    content = json.loads(partial_run.read_text())
    del content["data"]["differences"]
    content["data"]["split"] = "cls-disjoint"
    content["data"]["counts"] = standard | {"stage2_test_seen": 3, "stage1_val_seen": 2}
    path = tmp_path / "view.json"
    path.write_text(json.dumps(content))
    assert list(differences_of(read_record(path))) == ["stage2_test_unseen"], "its classes have other numbers"
    content["data"]["counts"]["stage1_train"] = 7
    path.write_text(json.dumps(content))
    assert list(differences_of(read_record(path))) == ["stage1_train", "stage2_test_unseen"]


def test_a_dataset_that_is_not_registered_has_no_standard(tmp_path: Path) -> None:
    path = make_record(tmp_path, dataset="mine", features="own", differences=None)
    assert differences_of(read_record(path)) == {}


@pytest.mark.parametrize(
    ("facts", "text"),
    [
        ({"origin": "imported", "layout": "tcaf"}, "imported (tcaf)"),
        ({"origin": "imported"}, "imported"),
        ({"origin": "added"}, "added by hand"),
        ({"simulated": True}, "simulated"),
        ({}, "not recorded"),
    ],
)
def test_where_vectors_came_from_in_words(tmp_path: Path, facts: dict[str, Any], text: str) -> None:
    assert origin_of(read_record(make_record(tmp_path, **facts))) == text


def test_facts_of_several_records_are_those_of_any(tmp_path: Path) -> None:
    kinds: list[dict[str, Any]] = [{}, {"differences": FEW}, {"origin": "added"}]
    records = [read_record(make_record(tmp_path, seed=i, **kind)) for i, kind in enumerate(kinds)]
    assert DataFacts.of(records[:1]) == DataFacts({}, ("not recorded",), added=False, misnamed=False)
    facts = DataFacts.of(records)
    assert facts.obstacles == [
        "other videos than the standard: 62 of 845 test videos of unseen classes",
        "vectors added by hand",
    ]
    assert facts.marks == ["other-videos", "added"]
    assert facts.remarks == facts.obstacles
    own = DataFacts.of([read_record(make_record(tmp_path, features="mine", origin="added"))])
    assert (own.obstacles, own.remarks, own.marks) == (["vectors added by hand"], [], [])


@pytest.mark.parametrize(
    "change",
    [
        {"origin": "found"},
        {"layout": "x" * 81},
        {"differences": {"../x": {"present": 1, "standard": 2}}},
        {"differences": {"stage1_train": {"present": -1, "standard": 2}}},
        {"differences": {"stage1_train": {"present": "1", "standard": 2}}},
        {"differences": {"stage1_train": 3}},
    ],
)
def test_odd_values_in_a_record_are_refused(partial_run: Path, tmp_path: Path, change: dict[str, Any]) -> None:
    content = json.loads(partial_run.read_text())
    content["data"] |= change
    (tmp_path / "odd.json").write_text(json.dumps(content))
    with pytest.raises(RecordError, match=next(iter(change))):
        read_record(tmp_path / "odd.json")


def test_numbers_of_videos_are_whole_and_not_negative() -> None:
    with pytest.raises(ValidationError):
        PartitionDifference(present=-1, standard=0)
