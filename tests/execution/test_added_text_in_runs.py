"""Runs of a method that reads a text which the user adds to a dataset."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner

import avgzsl_bench as ab
from avgzsl_bench.cli import main
from avgzsl_bench.data.datasets.registry import registered_dataset as dataset
from avgzsl_bench.data.simulated.simulated import ensure_simulated
from avgzsl_bench.data.store.added_text import AddedText, write_added_text
from avgzsl_bench.data.store.installed import store_path
from avgzsl_bench.data.store.store import read_store
from avgzsl_bench.data.store.writing import write_store
from avgzsl_bench.records.verify import verify
from avgzsl_bench.report.boards.board import read_boards
from avgzsl_bench.report.formats.markdown import markdown_of
from avgzsl_bench.report.tables.board import board_document

UCF = dataset("ucf")
SHORT = {"epochs": 1, "batches_per_epoch": 2, "batch_size": 16}


@pytest.fixture
def own(data_root, tmp_path):
    """A data folder with features that are not called simulated, and nothing added to them yet."""
    _, table = read_store(ensure_simulated(data_root, UCF).path)
    table = replace(table, features="own", simulated=False, source="test")
    write_store(store_path(tmp_path / "data", "ucf", "own"), table)
    return {"features": "own", "device": "cpu", "data_root": tmp_path / "data", "out": tmp_path / "results"}


def add(own, seed):
    vectors = np.random.default_rng(seed).standard_normal((len(UCF.classes), 24)).astype(np.float32)
    text = AddedText("ucf", "knowledge", vectors, "test")
    write_added_text(own["data_root"], text)
    return text


def test_without_the_text_one_line_says_what_to_do_and_nothing_is_written(own):
    options = ["--features", "own", "--data-root", str(own["data_root"]), "--out", str(own["out"])]
    result = CliRunner().invoke(main, ["run", "--method", "kda", "--dataset", "ucf", *options])
    assert result.exit_code == 2
    assert "avbench data add-text" in result.output
    assert "knowledge=names" in result.output
    assert len(result.output.strip().splitlines()) == 1
    assert not own["out"].exists()


def test_the_record_names_the_text_and_another_text_is_another_run(own):
    first_text = add(own, 0)
    first = ab.run("kda", "ucf", settings=SHORT, **own)
    assert first.data.added_text == {"knowledge": first_text.fingerprint}
    assert ab.run("kda", "ucf", settings=SHORT, **own) == first, "a finished run is not repeated"
    second_text = add(own, 1)
    second = ab.run("kda", "ucf", settings=SHORT, **own)
    assert second.run_id != first.run_id
    ab.run("devise", "ucf", settings=SHORT, **own)
    (board,) = read_boards(own["out"])
    shown = {row.settings for row in board.rows if row.result.method.name == "kda"}
    assert len(shown) == 2
    for text in (first_text, second_text):
        assert any(f"text knowledge={text.fingerprint[:12]}" in settings for settings in shown)
    assert f"reads text 'knowledge' (hash {first_text.fingerprint[:12]})" in markdown_of(board_document(board))


def test_a_record_that_claims_another_text_is_refused(own):
    add(own, 0)
    ab.run("kda", "ucf", settings=SHORT, **own)
    (path,) = own["out"].rglob("*.json")
    content = json.loads(path.read_text())
    content["data"]["added_text"]["knowledge"] = "0" * 64
    path.write_text(json.dumps(content))
    with pytest.raises(ab.AvbenchError, match="one of them was altered"):
        ab.run("kda", "ucf", settings=SHORT, **own)


@pytest.mark.parametrize(("method", "settings"), [("devise", SHORT), ("kda", SHORT | {"knowledge": "names"})])
def test_what_does_not_read_the_text_runs_as_before(own, method, settings):
    before = ab.run(method, "ucf", settings=settings, **own)
    add(own, 0)
    assert ab.run(method, "ucf", settings=settings, **own) == before
    assert before.data.added_text == {}


def test_simulated_features_bring_simulated_descriptions(place):
    record = ab.run("kda", "ucf", settings=SHORT, **place)
    assert record.data.simulated
    assert list(record.data.added_text) == ["knowledge"]
    (path,) = place["out"].rglob("*.json")
    assert verify(path) == record
