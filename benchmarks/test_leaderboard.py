"""A thousand records to leaderboards in four formats, against reading and verifying them alone."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from avgzsl_bench.records.collect import collect
from avgzsl_bench.records.record import Record
from avgzsl_bench.report.folder import write_boards
from avgzsl_bench.report.tables.board import read_boards

RECORDS = 1000
COMMITTED = Path(__file__).parents[1] / "leaderboards" / "simulated" / "results"


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """The committed records, as often as it takes under other names of methods."""
    folder = tmp_path_factory.mktemp("results")
    paths = sorted(COMMITTED.rglob("*.json"))
    for number in range(RECORDS):
        path, copy = paths[number % len(paths)], number // len(paths)
        content = json.loads(path.read_text())
        content["method"]["name"] += f"-{copy}"
        content["method"]["title"] += f" {copy}"
        record = Record.model_validate(content)
        name = record.id
        target = folder / record.data.dataset / record.method.name / f"{name}.json"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(record.model_copy(update={"run_id": name}).to_json())
        shutil.copy(path.with_suffix(".npz"), target.with_name(record.decisions.file))
    return folder


def leaderboards(results, out):
    write_boards(read_boards(results), out, ("md", "csv", "tex", "html"))


@pytest.mark.benchmark(group="leaderboard")
def test_a_thousand_records(benchmark, results, tmp_path):
    benchmark.pedantic(leaderboards, args=(results, tmp_path), rounds=3)


def test_ratio(paired, results, tmp_path):
    paired(
        lambda: leaderboards(results, tmp_path),
        lambda: collect(results),
        repeats=3,
        meaning="leaderboards in md, csv, tex and html / reading and verifying alone, 1,000 records",
    )
