"""Comparisons of methods, and the tables of boards and comparisons for papers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from make_record import make_board, make_record
from read_table import texts

from avgzsl_bench.errors import AvbenchError, ConfigError, RecordError, UnknownNameError
from avgzsl_bench.report.boards.board import Board, read_boards
from avgzsl_bench.report.boards.comparison import MethodComparison, compare_methods, largest_changes
from avgzsl_bench.report.stats.pair_tests import pair_tests
from avgzsl_bench.report.tables.board import board_document
from avgzsl_bench.report.tables.comparison import comparison_document
from avgzsl_bench.report.text import p_value, points

if TYPE_CHECKING:
    from pathlib import Path

    from avgzsl_bench.report.tables.table import Cell, Table

LABELS = np.repeat(np.arange(8), 40)


def run(method: str, skill: float, follows: str = "paper", **facts: Any) -> dict[str, Any]:
    return {"method": method, "title": method, "skill": skill, "follows": follows, "labels": LABELS, **facts}


@pytest.fixture(scope="module")
def boards(tmp_path_factory: pytest.TempPathFactory) -> list[Board]:
    """On ucf the methods good, copy, bad and yard; on vggsound good and lone; good with other settings on ucf."""
    folder = tmp_path_factory.mktemp("results")
    skills = (("good", 3.0), ("copy", 3.0), ("bad", 1.0), ("yard", 5.0))
    runs = [run(method, skill, follows="reference" if method == "yard" else "paper") for method, skill in skills]
    make_board(folder, *runs, run("good", 2.0, follows="reconstruction", changed={"tokens": "va"}), seeds=3)
    for method in ("good", "lone"):
        make_record(folder, method=method, title=method, dataset="vggsound")
    return read_boards(folder)


def verdicts(comparison: MethodComparison) -> list[str]:
    _, tests = comparison_document(comparison).terminal
    return [row["Verdict"] for row in texts(tests)]


def test_methods_are_compared_in_the_order_given(boards: list[Board]) -> None:
    compared = compare_methods(boards, ["bad", "good", "copy", "bad"])
    assert [row.name for row in compared.rows] == ["bad", "good", "copy"]
    assert verdicts(compared) == ["worse", "worse", "not significant"]
    # As text: good and copy are right about the same videos, and NaN, their interval, equals nothing.
    assert str(list(compared.tests)) == str(pair_tests([row.result for row in compared.rows]))
    assert compared.left_out == {"good": 1}
    assert compared.tied_with_best == (False, True, True)
    assert compared.varied == ("videos and 3 seeds",) * 3
    assert compared.pairing == "Test videos are paired."
    assert verdicts(compare_methods(boards, ["good", "bad"])) == ["better"]


def test_a_test_shows_pair_difference_and_interval(boards: list[Board]) -> None:
    compared = compare_methods(boards, ["good"], dataset="ucf")
    assert [row.settings for row in compared.rows] == ["", "tokens=va"]
    assert compared.left_out == {}
    assert "seeds too" in compared.pairing
    document = comparison_document(compared, classes=2)
    figures, tests, classes = document.terminal
    assert [row[0].lines[-1] for row in figures.rows][-1] == "tokens=va"
    (row,) = tests.rows
    (test,) = compared.tests
    shown = dict(zip((column.key for column in tests.columns), row, strict=True))
    assert shown["change"].lines == (points(test.difference), f"{points(test.low)} to {points(test.high)}")
    assert shown["p"].value == test.p
    assert shown["pair"].lines[-2:] == ("against good (reconstruction)", "tokens=va")
    assert any("not corrected for the 1 pair." in note for note in tests.notes)
    assert classes.title.endswith("against good (reconstruction) (tokens=va), by class")
    assert 1 <= len(classes.rows) <= 4
    assert len(comparison_document(compared).terminal) == 2


def test_a_reference_is_compared_but_is_not_the_best(boards: list[Board]) -> None:
    compared = compare_methods(boards, ["yard", "good", "bad"], "zsl")
    assert compared.tests[0].difference > 0
    assert compared.tied_with_best == (False, True, False)


@pytest.mark.parametrize(
    ("methods", "options", "error", "message"),
    [
        (["good", "cpoy"], {}, UnknownNameError, "unknown method 'cpoy'; did you mean 'copy'?"),
        (["good", "bad"], {"dataset": "ufc"}, UnknownNameError, "unknown dataset 'ufc'; did you mean 'ucf'?"),
        (["good", "bad"], {"features": "clap"}, UnknownNameError, "unknown feature set 'clap'; did you mean"),
        (["good", "bad"], {"split": "main"}, UnknownNameError, "unknown split 'main' (known: cls)"),
        (["good", "bad"], {"figure": "hn"}, UnknownNameError, "unknown figure 'hn'; did you mean 'hm'?"),
        (
            ["bad", "lone"],
            {},
            RecordError,
            "no board has all of these methods (bad on ucf-clip_clap-cls; lone on vggsound-clip_clap-cls)",
        ),
        (["good", "bad"], {"dataset": "vggsound"}, RecordError, "bad on none of them"),
        (["bad"], {}, ConfigError, "'bad' has only one row on board ucf-clip_clap-cls; name another"),
        (
            ["good"],
            {},
            ConfigError,
            "these methods: ucf-clip_clap-cls, vggsound-clip_clap-cls; choose one with --dataset",
        ),
    ],
)
def test_what_cannot_be_compared(
    boards: list[Board], methods: list[str], options: dict[str, str], error: type[AvbenchError], message: str
) -> None:
    with pytest.raises(error) as caught:
        compare_methods(boards, methods, **options)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_options_that_no_board_meets_together(tmp_path: Path) -> None:
    make_record(tmp_path, dataset="ucf", features="clip_clap")
    make_record(tmp_path, dataset="vggsound", features="selavi")
    with pytest.raises(RecordError, match="no board of dataset ucf, features selavi; there are: ucf-clip_clap"):
        compare_methods(read_boards(tmp_path), ["mft"], dataset="ucf", features="selavi")


def test_boards_that_no_option_tells_apart(tmp_path: Path) -> None:
    for fingerprint in ("1" * 64, "2" * 64):
        make_record(tmp_path, fingerprint=fingerprint)
    with pytest.raises(ConfigError, match="give the records of one alone with --results"):
        compare_methods(read_boards(tmp_path), ["mft"])


def test_a_calibration_can_be_chosen(tmp_path: Path) -> None:
    for calibration in ("exact", "avca"):
        for method in ("mft", "ale"):
            make_record(tmp_path, method=method, title=method.upper(), calibration=calibration)
    boards = read_boards(tmp_path)
    with pytest.raises(ConfigError, match="choose one with --calibration"):
        compare_methods(boards, ["mft", "ale"])
    assert compare_methods(boards, ["MFT", "Ale"], calibration="avca").board.name == "ucf-clip_clap-cls-avca"


def test_one_video_a_class_gives_neither_interval_nor_verdict(tmp_path: Path) -> None:
    # 5 seen and 3 unseen classes with a video each; the two methods differ on two of them.
    runs = [run(name, skill) | {"labels": np.arange(8)} for name, skill in (("aa", 2.0), ("bbb", 3.5))]
    board = make_board(tmp_path, *runs)
    comparison = compare_methods([board], ["aa", "bbb"])
    first, second = (row.result.correctness.correct[0] for row in comparison.rows)
    assert (first != second).sum() == 2, "of this test"
    (test,) = comparison.tests
    assert test.difference != 0
    document = comparison_document(comparison)
    (row,) = texts(document.terminal[1])
    (paper,) = texts(document.paper[1])
    assert (row["Verdict"], paper["95% interval"]) == ("not significant", "–")
    assert test.p > 0.2
    assert any(note.startswith("–: no interval") for note in document.terminal[1].notes)
    assert len({r.result.ranks for r in board.rows}) == 1, "neither has a better rank"


def test_what_cannot_be_tested_is_said_in_words(tmp_path: Path) -> None:
    # One is right about every video, the other about all but one: too little for a variance.
    runs = [run(name, skill) | {"labels": np.arange(8)} for name, skill in (("all", 50.0), ("most", 1.75))]
    comparison = compare_methods([make_board(tmp_path, *runs)], ["all", "most"])
    assert [int(row.result.correctness.correct.sum()) for row in comparison.rows] == [8, 7]
    (test,) = comparison.tests
    assert not test.testable
    assert not test.significant
    document = comparison_document(comparison)
    (row,) = texts(document.terminal[1])
    assert (row["p"], row["p (Holm)"], row["Verdict"]) == ("–", "–", "cannot be tested")
    assert document.terminal[1].rows[0][1].lines == (points(test.difference), "–")
    assert any(note.startswith("Cannot be tested: the difference rests on") for note in document.terminal[1].notes)
    (paper,) = texts(document.paper[1])
    assert (paper["Verdict"], paper["95% interval"], paper["𝑝"]) == ("untested", "–", "–")
    assert any(note.startswith("Untested:") for note in document.paper[1].notes)


def test_the_whole_board_says_how_variances_are_moderated(tmp_path: Path) -> None:
    runs = [run(name, 2.0 + 0.1 * i) for i, name in enumerate(("aa", "bbb", "cccc", "ddddd"))]
    board = make_board(tmp_path, *runs, seeds=5)
    comparison = compare_methods([board], ["aa", "bbb"])
    rows = [row.result for row in comparison.rows]
    assert list(comparison.tests) == pair_tests(rows, "hm", [row.result for row in board.rows])
    assert list(comparison.tests) != pair_tests(rows, "hm"), "two rows have no prior of their own"


def test_class_changes_are_those_of_the_records(boards: list[Board]) -> None:
    first, other, copy = compare_methods(boards, ["good", "bad", "copy"]).rows
    assert largest_changes(first, copy, 5) == ([], [])
    accuracy = [
        np.mean([[c.accuracy for c in run.record.classes] for run in row.runs], axis=0)
        for row in (first.result, other.result)
    ]
    expected = accuracy[0] - accuracy[1]
    gains, losses = largest_changes(first, other, 3)
    order = np.argsort(-expected, kind="stable")[:3]
    assert [gain.name for gain in gains] == [f"class {i}" for i in order]
    assert [gain.gain for gain in gains] == pytest.approx(expected[order])
    assert {(g.role, g.videos) for g in gains} <= {("seen", 40), ("unseen", 40)}
    assert len(losses) == min(3, (expected < 0).sum())
    mirrored_gains, mirrored_losses = largest_changes(other, first, 3)
    assert [(c.name, -c.gain) for c in mirrored_losses] == [(c.name, c.gain) for c in gains]
    assert [(c.name, -c.gain) for c in mirrored_gains] == [(c.name, c.gain) for c in losses]


def test_a_class_without_videos_is_left_out(tmp_path: Path) -> None:
    runs = [
        run(method, skill) | {"labels": LABELS[LABELS != 2]} for method, skill in (("good", 3.0), ("worse", 0.5))
    ]
    good, worse = compare_methods([make_board(tmp_path, *runs)], ["good", "worse"]).rows
    gains, losses = largest_changes(good, worse, 8)
    assert len(gains) > 1
    assert "class 2" not in {change.name for change in (*gains, *losses)}


def test_printed_numbers() -> None:
    assert [points(d) for d in (0.12345, -0.5, 1e-6, -1e-6, 0.0)] == ["+12.35", "-50.00", "0.00", "0.00", "0.00"]
    shown = [p_value(p) for p in (1.0, 0.0496, 0.0001, 0.00009, 0.0)]
    assert shown == ["1.0000", "0.0496", "0.0001", "< 0.0001", "< 0.0001"]


def test_full_precision_is_compared_and_another_is_named(tmp_path: Path) -> None:
    bf16 = {"labels": LABELS, "precision": "bf16"}
    devise = {"method": "devise", "title": "DeViSE"}
    board = make_board(tmp_path, {"labels": LABELS}, bf16 | {"skill": 2.5}, bf16 | devise)
    assert board.rows[0].name == "MFT (reconstruction) (precision bf16)"
    compared = compare_methods([board], ["mft", "devise"])
    names = [row.name for row in compared.rows]
    assert names == ["MFT (reconstruction)", "DeViSE (reconstruction) (precision bf16)"]
    assert compared.left_out == {"mft": 1}
    notes = comparison_document(compared).terminal[1].notes
    assert "precision bf16: of training only; evaluation always uses full precision." in notes
    assert any("1 of mft with settings or precision changed" in note for note in notes)


def board_in(folder: Path) -> Board:
    """aaa and bbb are alike, ccc is much worse, rrr is the best but only a reference."""
    own = {"ccc": {"changed": {"a_b": "50 %"}}, "rrr": {"follows": "reference"}}
    skills = (("aaa", 3.0), ("bbb", 3.02), ("ccc", 1.0), ("rrr", 5.0))
    return make_board(folder, *(run(method, skill, **own.get(method, {})) for method, skill in skills), seeds=3)


def cells(table: Table, key: str) -> dict[str, Cell]:
    """The cells of a column by the label of their row."""
    at = [column.key for column in table.columns].index(key)
    return {row[0].lines[0].split()[0]: row[at] for row in table.rows}


def test_a_board_marks_best_second_and_tied_among_those_that_compete(tmp_path: Path) -> None:
    board = board_in(tmp_path)
    document = board_document(board)
    (table,) = document.paper
    best, second = (row.label for row in board.rows if row.label in ("aaa", "bbb"))
    for figure in ("seen", "unseen", "hm", "zsl", "ausuc"):
        found = cells(table, figure)
        assert sorted(cell.place for cell in found.values() if cell.place) == [1, 2]
        assert found["rrr"].place is found["ccc"].place is None
        assert [name for name, cell in found.items() if cell.tied] == ([second] if figure == "hm" else [])
    assert cells(table, "hm")[best].place == 1
    for text in (
        "†: HM not significantly below the best (no other is significantly better; test allowing for videos and",
        "the 3 pairs of competing rows",
        "Bold: best mean; underlined: second best",
    ):
        assert text in " ".join(table.notes)
    assert table.caption.startswith("ucf, clip_clap features, split cls, calibration exact; 5 seen and 3 unseen")
    header = next(row[0] for row in table.rows if row[0].lines[0] == "ccc")
    assert header.lines == ("ccc", "a_b=50 %")
    assert cells(table, "seeds")["ccc"].text == "3"
    origin = "\n".join(document.origin)
    assert "ccc (a_b=50 %): ccc, avgzsl-bench 0.1.0; seeds 0 1 2" in origin
    assert f"data fingerprint {board.key.data.fingerprint}" in origin
    assert f"split hash {'a' * 64}" in origin


def test_a_comparison_has_figures_and_tests(tmp_path: Path) -> None:
    comparison = compare_methods([board_in(tmp_path)], ["ccc", "aaa", "bbb"], "seen")
    document = comparison_document(comparison)
    figures, tests = document.paper
    seen = cells(figures, "seen").values()
    assert [cell.tied for cell in seen] == [cell.place == 2 for cell in seen]
    assert not any(cell.tied for cell in cells(figures, "hm").values())
    rows = texts(tests)
    assert sorted(row["Verdict"] for row in rows) == ["n.s.", "worse", "worse"]
    first = comparison.tests[0]
    assert rows[0]["First"].startswith("ccc")
    assert rows[0]["Δ S"] == f"{100 * first.difference:.2f}"
    assert rows[0]["95% interval"] == f"{100 * first.low:.2f}, {100 * first.high:.2f}"
    assert "What varied: videos and 3 seeds." in tests.notes
    assert any("the 3 pairs compared" in note for note in figures.notes)
    assert len({figures.label, tests.label}) == 2
