from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from typing import TYPE_CHECKING

import matplotlib
import numpy as np
import pytest
from make_record import make_record

from avgzsl_bench.report.boards.board import Board, read_boards
from avgzsl_bench.report.formats.pdf import pdf_of
from avgzsl_bench.report.formats.svg import svg_of
from avgzsl_bench.report.plots import SHOWN, plots_of
from avgzsl_bench.report.plots.curves import mean_curve
from avgzsl_bench.report.stats.correctness import mean_class_accuracy
from avgzsl_bench.report.tables.board import board_document
from avgzsl_bench.report.text import SIMULATED_WARNING

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def board(tmp_path: Path) -> Board:
    for seed in range(3):
        make_record(tmp_path, seed=seed)
        make_record(tmp_path, seed=seed, method="b", title="B", follows="paper", skill=2.0)
    (board,) = read_boards(tmp_path)
    return board


def test_the_same_board_gives_the_same_bytes(board: Board) -> None:
    first, second = ([(svg_of(p), pdf_of(p)) for p in plots_of(board)] for _ in range(2))
    assert first == second


def test_settings_of_the_user_change_nothing(board: Board) -> None:
    plain = [svg_of(plot) for plot in plots_of(board)]
    with matplotlib.rc_context({"font.size": 30, "axes.facecolor": "red", "svg.fonttype": "path"}):
        assert [svg_of(plot) for plot in plots_of(board)] == plain


def test_files_are_well_formed_and_undated(board: Board) -> None:
    for plot in plots_of(board):
        svg, pdf = svg_of(plot), pdf_of(plot)
        assert ElementTree.fromstring(svg).tag.endswith("svg")
        assert b"dc:date" not in svg
        assert pdf.startswith(b"%PDF")
        assert b"CreationDate" not in pdf


def test_a_curve_of_one_seed_encloses_its_ausuc(tmp_path: Path) -> None:
    make_record(tmp_path)
    (board,) = read_boards(tmp_path)
    row = board.rows[0].result
    unseen, seen = mean_curve(row)
    assert np.trapezoid(seen, unseen) == pytest.approx(row.spread["ausuc"].mean, abs=2e-3)
    assert (np.diff(unseen) >= 0).all()
    assert (np.diff(seen) <= 1e-12).all()
    assert seen[-1] == 0


def test_the_accuracy_of_classes_is_that_of_the_records(board: Board) -> None:
    accuracy = mean_class_accuracy([row.result.correctness for row in board.rows])
    stored = [[c.accuracy for c in run.record.classes] for run in board.rows[0].result.runs]
    np.testing.assert_allclose(accuracy[0], np.mean(np.array(stored, dtype=float), axis=0))


def test_every_row_is_named_in_words_and_in_figures(board: Board) -> None:
    by_name = {plot.name: plot for plot in plots_of(board)}
    assert set(by_name) == {"curves", "time", "classes", "calibration"}
    for plot in by_name.values():
        texts = svg_of(plot).decode()
        assert "MFT (reconstruction)" in texts
    assert "MFT (reconstruction): S " in by_name["curves"].alternative
    assert "SIMULATED" not in texts


def test_simulated_figures_say_so(tmp_path: Path) -> None:
    make_record(tmp_path, features="simulated", simulated=True)
    (board,) = read_boards(tmp_path)
    assert all(SIMULATED_WARNING in svg_of(plot).decode() for plot in plots_of(board))


def test_a_large_board_shows_its_best_rows(tmp_path: Path) -> None:
    for i in range(SHOWN + 2):
        make_record(tmp_path, method=f"m{i:02}", title=f"Method {i:02} {'of a long name ' * 4}", follows="paper")
    (board,) = read_boards(tmp_path)
    curves = board_document(board).plots()[0]
    assert len(curves.figure.axes) == SHOWN
    assert board.rows[-1].label not in curves.alternative
    assert board_document(board).plot_note == "The 24 rows with the best HM; 2 more in the tables."


def test_titles_are_no_formulas(tmp_path: Path) -> None:
    make_record(tmp_path, title=r"$\frac{1}{ <b>", follows="paper")
    (board,) = read_boards(tmp_path)
    for plot in plots_of(board):
        assert ElementTree.fromstring(svg_of(plot)) is not None
        assert pdf_of(plot)
