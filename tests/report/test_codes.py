"""Boards, comparisons and ablations never make one row of two codes, and say what is not recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from make_record import make_board, make_record

from avgzsl_bench.report.boards.board import read_boards
from avgzsl_bench.report.boards.comparison import compare_methods
from avgzsl_bench.report.tables.board import board_document
from avgzsl_bench.report.tables.comparison import comparison_document

if TYPE_CHECKING:
    from pathlib import Path

    from avgzsl_bench.report.boards.board import Board

A, B = "a" * 12, "b" * 12
NEW: dict[str, Any] = {"code": A, "numerics": 1}
KDA: dict[str, Any] = {"method": "kda", "title": "KDA", "follows": "paper", "skill": 0.5}


def labels(board: Board) -> dict[str, tuple[int, ...]]:
    return {row.name: row.result.seeds for row in board.rows}


def notes(board: Board) -> str:
    return " ".join(board_document(board).text[0].notes)


def test_runs_by_two_codes_are_two_rows_whose_labels_tell_them_apart(tmp_path: Path) -> None:
    board = make_board(tmp_path, NEW, NEW | {"code": B, "skill": 2.0}, KDA | NEW, seeds=2)
    assert labels(board) == {
        f"MFT (reconstruction, code {A})": (0, 1),
        f"MFT (reconstruction, code {B})": (0, 1),
        "KDA": (0, 1),
    }
    assert "Runs by several codes are never one row" in notes(board)
    assert "ode not recorded" not in notes(board)


def test_one_code_in_several_commits_is_one_row(tmp_path: Path) -> None:
    make_record(tmp_path, **NEW, commit="1" * 40, dirty=False)
    make_record(tmp_path, **NEW, commit="2" * 40, dirty=True, seed=1)
    (board,) = read_boards(tmp_path)
    assert labels(board) == {"MFT (reconstruction)": (0, 1)}
    (provenance,) = board.provenance
    assert provenance["commit"] == f"{'1' * 40} / {'2' * 40}"
    assert (provenance["code"], provenance["numerics"], provenance["dirty"]) == (A, "1", "no / yes")
    assert "several codes" not in notes(board)
    assert "ode not recorded" not in notes(board)


def test_other_numerics_are_another_row(tmp_path: Path) -> None:
    board = make_board(tmp_path, NEW, NEW | {"numerics": 2, "skill": 2.0})
    assert sorted(labels(board)) == ["MFT (reconstruction, numerics 1)", "MFT (reconstruction, numerics 2)"]


def test_old_records_beside_new_ones_are_marked(tmp_path: Path) -> None:
    board = make_board(tmp_path, {}, NEW | {"skill": 2.0}, KDA, seeds=2)
    old = ["KDA (code not recorded)", "MFT (reconstruction, code not recorded)"]
    assert sorted(labels(board)) == sorted([*old, f"MFT (reconstruction, code {A})"])
    assert "code not recorded: these records were made before" in notes(board)
    facts = {row.name: found for row, found in zip(board.rows, board.provenance, strict=True)}
    assert [facts[old[0]][name] for name in ("code", "numerics", "commit", "dirty")] == [
        "not recorded",
        "not recorded",
        "unknown",
        "unknown",
    ]
    origin = "\n".join(board_document(board).origin)
    assert f"code {A}, numerics 1" in origin
    assert "; code not recorded" in origin


def test_a_board_of_old_records_alone_has_one_note(tmp_path: Path) -> None:
    board = make_board(tmp_path, {}, KDA, seeds=2)
    assert sorted(labels(board)) == ["KDA", "MFT (reconstruction)"]
    assert notes(board).count("Code not recorded: all records of this table") == 1


def test_other_defaults_are_shown_before_the_code(tmp_path: Path) -> None:
    board = make_board(tmp_path, NEW | {"config": {"layers": 1}}, NEW | {"code": B, "config": {"layers": 2}})
    assert {row.settings for row in board.rows} == {"layers=1", "layers=2"}
    assert {row.label for row in board.rows} == {"MFT (reconstruction)"}


def test_a_comparison_has_both_codes_of_a_method(tmp_path: Path) -> None:
    board = make_board(tmp_path, {}, NEW | {"skill": 2.0}, KDA | NEW, seeds=2)
    comparison = compare_methods([board], ["kda", "mft"])
    names = [row.name for row in comparison.rows]
    assert sorted(names) == sorted(labels(board))
    figures, tests, *_ = comparison_document(comparison).terminal
    assert len(figures.rows) == 3
    assert "code not recorded: these records were made before" in " ".join(tests.notes)
    alone = compare_methods([board], ["mft"])
    assert len(alone.rows) == 2
