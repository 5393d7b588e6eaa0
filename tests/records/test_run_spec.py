"""The id and the path of a run follow from its `RunSpec`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

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


def with_changes(spec: RunSpec, changes: dict[str, Any]) -> RunSpec:
    content = spec.model_dump()
    for name, value in changes.items():
        content[name] = {**content[name], **value} if isinstance(value, dict) else value
    return RunSpec.model_validate(content)


@pytest.fixture
def spec() -> RunSpec:
    record = read_record(committed()[0]).model_dump()
    del record["method"]["parameters"], record["data"]["counts"]
    return RunSpec.model_validate({name: record[name] for name in RunSpec.model_fields})


@pytest.mark.parametrize(
    "changes",
    [
        {"seed": 7},
        {"precision": "bf16"},
        {"method": {"name": "other"}},
        {"method": {"version": "9.9"}},
        {"method": {"config": {"epochs": 1}}},
        {"data": {"fingerprint": "0" * 64}},
        {"data": {"split_hash": "0" * 64}},
        {"data": {"added_text": {"knowledge": "0" * 64}}},
    ],
)
def test_whatever_identifies_a_run_changes_its_id(spec: RunSpec, changes: dict[str, Any]) -> None:
    assert with_changes(spec, changes).id != spec.id


@pytest.mark.parametrize(
    "changes",
    [
        {"method": {"title": "Another title"}},
        {"method": {"preset": "official"}},
        {"method": {"changed": {"epochs": 3}}},
        {"data": {"sequences": True}},
    ],
)
def test_what_follows_from_the_rest_does_not_change_the_id(spec: RunSpec, changes: dict[str, Any]) -> None:
    assert with_changes(spec, changes).id == spec.id
