"""Runs that are killed, and runs that meet each other."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import pytest
from process_control import at_once, killed, measured

import avgzsl_bench as ab
from avgzsl_bench.errors import AvbenchError
from avgzsl_bench.execution.plan import RunOptions, plan_run
from avgzsl_bench.records.collect import collect
from avgzsl_bench.records.verify import verify

SHORT = {"epochs": 2, "batches_per_epoch": 5}
FEW, MANY = 4, 50


def given(data_root: Path, out: Path) -> dict[str, Any]:
    return {"features": "simulated", "settings": SHORT, "device": "cpu", "data_root": data_root, "out": out}


def run(data_root: Path, out: Path, force: bool = False) -> ab.Record:
    return ab.run("devise", "ucf", force=force, **given(data_root, out))


def files(out: Path) -> list[Path]:
    return sorted(p for p in out.rglob("*") if p.is_file())


@pytest.mark.parametrize("count", [FEW, pytest.param(MANY, marks=pytest.mark.slow)])
def test_killed_runs_can_be_started_again(data_root: Path, tmp_path: Path, count: int) -> None:
    expected = run(data_root, tmp_path / "undisturbed")
    first, second = files(tmp_path / "undisturbed")
    span = measured(run, data_root, tmp_path / "measured")
    deaths = 0
    for number, moment in enumerate(span.moments(count, seed=count)):
        out = tmp_path / str(number)
        again = number % 4 < 2
        if again:
            run(data_root, out)
        deaths += killed(moment, run, data_root, out, again)
        for path in files(out):
            if path.suffix == ".json":
                verify(path)  # whatever is there is whole
        record = run(data_root, out, again)
        assert record.model_dump(exclude={"timing"}) == expected.model_dump(exclude={"timing"})
        assert [p.name for p in files(out)] == [first.name, second.name]
        assert next(p for p in files(out) if p.suffix == ".npz").read_bytes() == second.read_bytes()
        (table,) = collect(out)
        assert len(table.stored) == 1
    assert deaths >= count / 2


def json_of_run(data_root: Path, out: Path, force: bool) -> str:
    return run(data_root, out, force).to_json()


@pytest.mark.filterwarnings("ignore:another avbench")
@pytest.mark.parametrize("force", [False, True])
def test_identical_runs_at_the_same_time_give_one_record(data_root: Path, tmp_path: Path, force: bool) -> None:
    out = tmp_path / "results"
    run(data_root, tmp_path / "warm")
    given_back = at_once(3, json_of_run, data_root, out, force)
    path = plan_run("devise", "ucf", options=RunOptions(**given(data_root, out))).path
    assert set(given_back) == {path.read_text()}
    assert [p.name for p in files(out)] == [path.name, path.with_suffix(".npz").name]


@pytest.mark.parametrize("written", [0, 1])
def test_a_full_disk_keeps_the_record_that_was_to_be_replaced(
    data_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: int
) -> None:
    before = run(data_root, tmp_path / "results")
    there = files(tmp_path / "results")
    usual, done = Path.write_bytes, []

    def write(path: Path, content: bytes) -> int:
        if len(done) == written:
            raise OSError(errno.ENOSPC, "a long dump")
        done.append(path)
        return usual(path, content)

    monkeypatch.setattr(Path, "write_bytes", write)
    with pytest.raises(AvbenchError, match="No space left on device; choose another folder"):
        run(data_root, tmp_path / "results", force=True)
    assert files(tmp_path / "results") == there
    assert verify(there[0]) == before
