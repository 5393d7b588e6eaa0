"""The id and the path of a run follow from its `RunSpec`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from avgzsl_bench.data.data_spec import DataSpec
from avgzsl_bench.records.record import Record, read_record
from avgzsl_bench.records.run_spec import RunSpec

RESULTS = Path(__file__).resolve().parents[2] / "leaderboards" / "simulated" / "results"


def committed() -> list[Path]:
    return sorted(RESULTS.rglob("*.json"))


def test_the_committed_records_keep_their_ids_and_paths() -> None:
    paths = committed()
    assert len(paths) == 189
    for path in paths:
        record = read_record(path)
        assert record.id == record.run_id == path.stem
        assert record.record_path(RESULTS) == path


@pytest.mark.parametrize(
    ("changes", "same"),
    [
        ({"seed": 7}, False),
        ({"precision": "bf16"}, False),
        ({"method": {"name": "other"}}, False),
        ({"method": {"version": "9.9"}}, False),
        ({"method": {"config": {"epochs": 1}}}, False),
        ({"method": {"code": "ab" * 6}}, False),
        ({"numerics": 1}, False),
        ({"method": {"commit": "ab" * 20}}, True),
        ({"method": {"dirty": True}}, True),
        ({"data": {"fingerprint": "0" * 64}}, False),
        ({"data": {"split_hash": "0" * 64}}, False),
        ({"data": {"added_text": {"knowledge": "0" * 64}}}, False),
        ({"method": {"title": "Another title"}}, True),
        ({"method": {"preset": "official"}}, True),
        ({"method": {"changed": {"epochs": 3}}}, True),
        ({"data": {"sequences": True}}, True),
    ],
)
def test_whatever_identifies_a_run_changes_its_id_and_nothing_else(changes: dict[str, Any], same: bool) -> None:
    record = read_record(committed()[0]).model_dump()
    del record["method"]["parameters"]
    record["data"] = {name: record["data"][name] for name in DataSpec.model_fields}
    content = {name: record[name] for name in RunSpec.model_fields}
    changed = dict(content)
    for name, value in changes.items():
        changed[name] = {**content[name], **value} if isinstance(value, dict) else value
    assert (RunSpec.model_validate(changed).id == RunSpec.model_validate(content).id) == same


def test_runs_that_differ_in_code_only_are_told_from_others() -> None:
    spec = read_record(committed()[0])
    coded = spec.model_copy(update={"method": spec.method.model_copy(update={"code": "ab" * 6})})
    assert spec.differs_in_code_only(coded)
    assert spec.differs_in_code_only(spec.model_copy(update={"numerics": 2}))
    assert not spec.differs_in_code_only(spec)
    assert not spec.differs_in_code_only(coded.model_copy(update={"seed": 7}))
    assert (spec.code_text, coded.code_text) == ("code not recorded", "code abababababab")


@pytest.mark.parametrize(
    ("place", "value"),
    [("code", "a | b"), ("code", ""), ("commit", "main"), ("dirty", "perhaps"), ("numerics", 0)],
)
def test_a_code_that_is_no_hash_is_refused(place: str, value: object) -> None:
    spec = read_record(committed()[0]).model_dump()
    changed = spec | {place: value} if place == "numerics" else spec | {"method": spec["method"] | {place: value}}
    with pytest.raises(ValidationError, match=place):
        Record.model_validate(changed)


def test_a_part_of_a_record_can_be_dumped() -> None:
    record = read_record(committed()[0])
    assert "device" not in record.model_dump(exclude={"device"})
    assert list(record.model_dump(include={"seed", "run_id"})) == ["run_id", "seed"]
