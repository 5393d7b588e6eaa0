from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from typing import TYPE_CHECKING

import matplotlib
import numpy as np
import pytest
from make_record import make_board

from avgzsl_bench.report.boards.board import Board
from avgzsl_bench.report.formats.pdf import pdf_of
from avgzsl_bench.report.formats.svg import svg_of
from avgzsl_bench.report.plots import SHOWN, plots_of
from avgzsl_bench.report.plots.curves import mean_curve
from avgzsl_bench.report.tables.board import board_document
from avgzsl_bench.report.text import SIMULATED_WARNING

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def board(tmp_path: Path) -> Board:
    other = {"method": "b", "title": "B", "follows": "paper", "skill": 2.0}
    return make_board(tmp_path, {}, other, seeds=3)


def test_the_same_board_gives_the_same_well_formed_undated_bytes_whatever_the_users_settings(board: Board) -> None:
    first, second = ([(svg_of(p), pdf_of(p)) for p in plots_of(board)] for _ in range(2))
    with matplotlib.rc_context({"font.size": 30, "axes.facecolor": "red", "svg.fonttype": "path"}):
        assert [(svg_of(p), pdf_of(p)) for p in plots_of(board)] == first == second
    for svg, pdf in first:
        assert ElementTree.fromstring(svg).tag.endswith("svg")
        assert b"dc:date" not in svg
        assert pdf.startswith(b"%PDF")
        assert b"CreationDate" not in pdf


def test_a_curve_of_one_seed_encloses_its_ausuc(tmp_path: Path) -> None:
    row = make_board(tmp_path).rows[0].result
    unseen, seen = mean_curve(row)
    assert np.trapezoid(seen, unseen) == pytest.approx(row.spread["ausuc"].mean, abs=2e-3)
    assert (np.diff(unseen) >= 0).all()
    assert (np.diff(seen) <= 1e-12).all()
    assert seen[-1] == 0


def test_every_row_is_named_in_words_and_in_figures(board: Board) -> None:
    by_name = {plot.name: plot for plot in plots_of(board)}
    assert set(by_name) == {"curves", "time", "classes", "calibration"}
    texts = [svg_of(plot).decode() for plot in by_name.values()]
    assert all("MFT (reconstruction)" in text and "SIMULATED" not in text for text in texts)
    assert "MFT (reconstruction): S " in by_name["curves"].alternative


def test_simulated_figures_say_so(tmp_path: Path) -> None:
    board = make_board(tmp_path, {"features": "simulated", "simulated": True})
    assert all(SIMULATED_WARNING in svg_of(plot).decode() for plot in plots_of(board))


def test_a_large_board_shows_its_best_rows(tmp_path: Path) -> None:
    titles = {f"m{i:02}": f"Method {i:02} {'of a long name ' * 4}" for i in range(SHOWN + 2)}
    board = make_board(tmp_path, *({"method": m, "title": t, "follows": "paper"} for m, t in titles.items()))
    curves = board_document(board).plots()[0]
    assert len(curves.figure.axes) == SHOWN
    assert board.rows[-1].label not in curves.alternative
    assert board_document(board).plot_note == "The 24 rows with the best HM; 2 more in the tables."


def test_titles_are_no_formulas(tmp_path: Path) -> None:
    for plot in plots_of(make_board(tmp_path, {"title": r"$\frac{1}{ <b>", "follows": "paper"})):
        assert ElementTree.fromstring(svg_of(plot)) is not None
        assert pdf_of(plot)
