"""Tables of boards and comparisons for papers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from make_record import make_record
from read_table import texts

from avgzsl_bench.report.boards.board import Board, read_boards
from avgzsl_bench.report.boards.comparison import compare_methods
from avgzsl_bench.report.tables.board import board_document
from avgzsl_bench.report.tables.comparison import comparison_document

if TYPE_CHECKING:
    from pathlib import Path

    from avgzsl_bench.report.tables.table import Cell, Table

LABELS = np.repeat(np.arange(8), 40)


def board_in(folder: Path) -> Board:
    """aaa and bbb are alike, ccc is much worse, rrr is the best but only a reference."""
    for seed in range(3):
        for method, skill in (("aaa", 3.0), ("bbb", 3.02), ("ccc", 1.0), ("rrr", 5.0)):
            make_record(
                folder,
                method=method,
                title=method,
                skill=skill,
                follows="reference" if method == "rrr" else "published program",
                seed=seed,
                labels=LABELS,
                changed={"a_b": "50 %"} if method == "ccc" else None,
            )
    (board,) = read_boards(folder)
    return board


def cells(table: Table, key: str) -> dict[str, Cell]:
    """The cells of a column by the label of their row."""
    at = [column.key for column in table.columns].index(key)
    return {row[0].lines[0].split()[0]: row[at] for row in table.rows}


def test_a_board_marks_best_second_and_tied_among_those_that_compete(tmp_path: Path) -> None:
    board = board_in(tmp_path)
    (table,) = board_document(board).paper
    best, second = (row.label for row in board.rows if row.label in ("aaa", "bbb"))
    for figure in ("seen", "unseen", "hm", "zsl", "ausuc"):
        found = cells(table, figure)
        assert sorted(cell.place for cell in found.values() if cell.place) == [1, 2]
        assert found["rrr"].place is found["ccc"].place is None
        assert [name for name, cell in found.items() if cell.tied] == ([second] if figure == "hm" else [])
    assert cells(table, "hm")[best].place == 1
    text = " ".join(table.notes)
    assert (
        "†: may be the best, no other HM can be told to be better (test allowing for videos and 3 seeds;" in text
    )
    assert "the 3 pairs of competing rows" in text
    assert "Bold: best mean; underlined: second best" in text
    assert table.caption.startswith("ucf, clip_clap features, split cls, calibration exact; 5 seen and 3 unseen")


def test_a_board_has_settings_and_provenance(tmp_path: Path) -> None:
    board = board_in(tmp_path)
    document = board_document(board)
    (table,) = document.paper
    header = next(row[0] for row in table.rows if row[0].lines[0] == "ccc")
    assert header.lines == ("ccc", "a_b=50 %")
    assert cells(table, "seeds")["ccc"].text == "3"
    origin = "\n".join(document.origin)
    assert "ccc (a_b=50 %): ccc, avgzsl-bench 0.1.0; seeds 0 1 2" in origin
    assert f"data fingerprint {board.key.data.fingerprint}" in origin
    assert f"split hash {'a' * 64}" in origin


def test_nothing_is_marked_where_one_method_competes(tmp_path: Path) -> None:
    make_record(tmp_path)
    (table,) = board_document(read_boards(tmp_path)[0]).paper
    assert not any(cell.place or cell.tied for row in table.rows for cell in row)
    assert not any("Bold" in note or "†" in note for note in table.notes)


def test_a_comparison_has_figures_and_tests(tmp_path: Path) -> None:
    comparison = compare_methods([board_in(tmp_path)], ["ccc", "aaa", "bbb"], "seen")
    document = comparison_document(comparison)
    figures, tests = document.paper
    assert [name for name, cell in cells(figures, "seen").items() if cell.tied] == [
        name for name, cell in cells(figures, "seen").items() if cell.place == 2
    ]
    assert not any(cell.tied for cell in cells(figures, "hm").values())
    rows = texts(tests)
    assert sorted(row["Verdict"] for row in rows) == ["tied", "worse", "worse"]
    first = comparison.tests[0]
    assert rows[0]["First"].startswith("ccc")
    assert rows[0]["Δ S"] == f"{100 * first.difference:.2f}"
    assert rows[0]["95% interval"] == f"{100 * first.low:.2f}, {100 * first.high:.2f}"
    assert "What varied: videos and 3 seeds." in tests.notes
    assert any("the 3 pairs compared" in note for note in figures.notes)
    assert len({figures.label, tests.label}) == 2
