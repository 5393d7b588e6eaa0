"""Records of different precision are never averaged, and never compared without a word of it."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from make_record import make_record

from avgzsl_bench.cli import main
from avgzsl_bench.execution.ablation import ablation_of
from avgzsl_bench.method.registry import method_spec
from avgzsl_bench.records.collect import collect
from avgzsl_bench.report.formats.board_csv import csv_of
from avgzsl_bench.report.formats.board_markdown import markdown_of
from avgzsl_bench.report.formats.latex import latex_of
from avgzsl_bench.report.reported.beside import beside
from avgzsl_bench.report.tables.ablation import AblationRequest, ablation_boards
from avgzsl_bench.report.tables.ablation_notes import heading_of, missing_notes, names_of
from avgzsl_bench.report.tables.board import Board, read_boards
from avgzsl_bench.report.tables.compared import compare_methods

if TYPE_CHECKING:
    from pathlib import Path

LABELS = np.repeat(np.arange(8), 20)
NOTE = "precision bf16: of training alone; videos were scored in full precision."


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for seed in range(2):
        make_record(tmp_path, seed=seed, labels=LABELS, skill=2.0)
        make_record(tmp_path, seed=seed, labels=LABELS, skill=2.5, precision="bf16")
        make_record(tmp_path, method="devise", title="DeViSE", seed=seed, labels=LABELS, precision="bf16")
    return tmp_path


def the_board(folder: Path) -> Board:
    (board,) = read_boards(folder)
    return board


def test_each_precision_is_a_row_of_its_own_and_says_so(folder: Path) -> None:
    board = the_board(folder)
    assert [(line.name, line.row.seeds) for line in board.lines] == [
        ("MFT (reconstruction) (precision bf16)", (0, 1)),
        ("MFT (reconstruction)", (0, 1)),
        ("DeViSE (reconstruction) (precision bf16)", (0, 1)),
    ]
    for text in (markdown_of(board, level=1), latex_of(board)):
        assert text.count("precision bf16") >= 2
    assert NOTE in markdown_of(board, level=1)
    table = pd.read_csv(io.StringIO(csv_of(board)))
    assert list(table["precision"]) == ["bf16", "full", "bf16"]


def test_a_board_in_full_precision_does_not_speak_of_it(tmp_path: Path) -> None:
    make_record(tmp_path)
    assert "precision" not in markdown_of(the_board(tmp_path), level=1).replace("full precision", "")


def test_what_papers_print_is_compared_with_full_precision_alone(folder: Path) -> None:
    words = {found.line.name: found.verdicts["hm"] for found in beside(the_board(folder)) if found.alike}
    assert list(words) == ["MFT (reconstruction)"]
    others = [f for f in beside(the_board(folder)) if f.line.row.precision == "bf16" and f.line.label[:3] == "MFT"]
    assert others
    assert {f.remark for f in others} == {"not comparable: precision bf16"}


def test_a_comparison_takes_full_precision_and_names_what_is_another(folder: Path) -> None:
    compared = compare_methods([the_board(folder)], ["mft", "devise"])
    assert [line.name for line in compared.lines] == [
        "MFT (reconstruction)",
        "DeViSE (reconstruction) (precision bf16)",
    ]
    assert compared.left_out == {"mft": 1}
    told = CliRunner().invoke(main, ["compare", "mft", "devise", "--results", str(folder), "--classes", "0"])
    assert NOTE in " ".join(told.output.split())
    assert "1 of mft with settings or precision changed" in " ".join(told.output.split())


def test_an_ablation_is_of_one_precision(tmp_path: Path) -> None:
    request = AblationRequest(method_spec("mft"), ablation_of("mft"), "ucf", "auto", "cls", {})
    variant = next(v for v in request.ablation.variants if v.label == "MFT")
    config = request.config_of(variant, "clip_clap")
    for seed, precision in ((0, "full"), (1, "full"), (0, "bf16")):
        make_record(tmp_path, config=config, seed=seed, precision=precision)
    (full,) = ablation_boards(request, collect(tmp_path))
    (other,) = ablation_boards(replace(request, precision="bf16"), collect(tmp_path))
    assert {line.row.seeds for line in full.lines if line.row} == {(0, 1)}
    assert {line.row.seeds for line in other.lines if line.row} == {(0,)}
    assert "precision" not in heading_of(full)
    assert heading_of(other).endswith("(precision bf16 in every variant)")
    assert names_of([full, other]) == ["mft-ucf-clip_clap-cls", "mft-ucf-clip_clap-cls-bf16"]
    assert "--precision bf16" in missing_notes(other, other.tables[0])[0]
    assert "--precision" not in missing_notes(full, full.tables[0])[0]
