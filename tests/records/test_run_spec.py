"""The id and the path of a run follow from its `RunSpec`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from avgzsl_bench.data.data_spec import DataSpec
from avgzsl_bench.records.record import read_record
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


def test_a_part_of_a_record_can_be_dumped() -> None:
    record = read_record(committed()[0])
    assert "device" not in record.model_dump(exclude={"device"})
    assert list(record.model_dump(include={"seed", "run_id"})) == ["run_id", "seed"]
