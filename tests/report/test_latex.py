from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from make_record import make_record

from avgzsl_bench.errors import AvbenchError
from avgzsl_bench.report.formats.latex import MARKER, escape, latex_of, latex_of_comparison, write_latex
from avgzsl_bench.report.tables.board import Board, read_boards
from avgzsl_bench.report.tables.compared import compare_methods

COMMITTED = Path(__file__).resolve().parents[2] / "leaderboards" / "simulated" / "results"
LABELS = np.repeat(np.arange(8), 40)
HOSTILE = r"""[1] *A* & 50% $x$ #1 {b} \end{table} ~^_ <x> | "q" 'a' `b` ?` -- µ−α漢–±×"""


def _board(folder: Path, simulated: bool = False) -> Board:
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
                simulated=simulated,
                changed={"a_b": "50 %"} if method == "ccc" else None,
            )
    (board,) = read_boards(folder)
    return board


def _row(text: str, label: str) -> list[str]:
    (row,) = [line for line in text.splitlines() if line.startswith(f"{label} ")]
    return row.removesuffix(r" \\").split(" & ")


@pytest.mark.parametrize(
    ("plain", "written"),
    [
        (r"a_b & 5 % #1 $x$ {y}", r"a\_b \& 5 \% \#1 \$x\$ \{y\}"),
        (r"\input~^", r"\textbackslash{}input\textasciitilde{}\textasciicircum{}"),
        ("[x] *", "{[}x{]} {*}"),
        ("<|>", r"\textless{}\textbar{}\textgreater{}"),
        ("Müller, Ōe, Łódź, ß", "Müller, Ōe, Łódź, ß"),
        ("a\u0301\nb\x00", "á b"),
        ("α ą −", "{[}U+03B1{]} {[}U+0105{]} $-$"),
    ],
)
def test_escape(plain: str, written: str) -> None:
    assert escape(plain) == written


def test_a_board_marks_best_second_and_tied_among_those_that_compete(tmp_path: Path) -> None:
    board = _board(tmp_path)
    text = latex_of(board)
    rows = {name: _row(text, name) for name in ("aaa", "bbb", "ccc", "rrr")}
    best, second = (line.row.method.name for line in board.lines if line.row.method.name in ("aaa", "bbb"))
    assert rows[best][4].startswith(r"\textbf{")
    assert rows[second][4].startswith(r"\underline{")
    assert [name for name, row in rows.items() if r"\dagger" in row[4]] == [second]
    assert not any(r"\dagger" in cell for row in rows.values() for cell in (*row[:4], *row[5:]))
    assert r"may be the best, no other HM can be told to be better (test allowing for videos and 3 seeds;" in text
    assert "the 3 pairs of competing rows" in text
    for name in ("ccc", "rrr"):
        assert not any("textbf" in cell or "underline" in cell for cell in rows[name])
    assert text.count(r"\textbf") == text.count(r"\underline") == 5


def test_a_board_tells_mean_deviation_seeds_settings_and_provenance(tmp_path: Path) -> None:
    board = _board(tmp_path)
    text = latex_of(board)
    assert text == latex_of(read_boards(tmp_path)[0])
    row = {line.row.method.name: line.row for line in board.lines}["ccc"]
    cells = _row(text, "ccc")
    assert cells[1] == "3"
    spread = row.spread["hm"]
    assert spread.std is not None
    assert cells[4] == rf"{100 * spread.mean:.2f} {{\scriptsize$\pm${100 * spread.std:.2f}}}"
    assert r"{\quad\scriptsize a\_b=50 \%}" in text
    assert "SIMULATED" not in text
    comments = [line for line in text.splitlines() if line.startswith("%")]
    assert comments[0] == MARKER
    for told in (
        "calibration exact",
        "a" * 64,
        board.key.fingerprint,
        "ccc (a_b=50 %): ccc, avgzsl-bench 0.1.0; seeds 0 1 2",
    ):
        assert any(told in comment for comment in comments)


def test_simulated_is_said_in_the_caption(tmp_path: Path) -> None:
    text = latex_of(_board(tmp_path, simulated=True))
    assert r"\caption{\textbf{SIMULATED features: these figures say nothing about real videos.}" in text


def test_nothing_is_marked_where_one_method_competes(tmp_path: Path) -> None:
    make_record(tmp_path)
    text = latex_of(read_boards(tmp_path)[0])
    assert not any(mark in text for mark in (r"\textbf", r"\underline", r"\dagger"))


def test_a_comparison_has_figures_and_tests(tmp_path: Path) -> None:
    compared = compare_methods([_board(tmp_path)], ["ccc", "aaa", "bbb"], "seen")
    text = latex_of_comparison(compared)
    tests = text[text.index(r"$\Delta$ S") :]
    assert tests.count(" & tied ") == 1
    assert tests.count(" & worse ") == 2
    figures = text[: text.index(r"\end{table}")]
    assert r"\dagger" in _row(figures, min(("aaa", "bbb"), key=lambda m: _mean(compared.board, m)))[2]
    assert "the 3 pairs compared" in text
    assert "What varied: videos and 3 seeds." in text
    first = compared.comparisons[0]
    assert f"$-${-100 * first.difference:.2f} & $-${-100 * first.low:.2f}, $-${-100 * first.high:.2f}" in tests
    assert len(set(_labels(text))) == 2


def _mean(board: Board, method: str) -> float:
    (row,) = [line.row for line in board.lines if line.row.method.name == method]
    return row.spread["seen"].mean


def _labels(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith(r"\label")]


def test_only_a_file_of_ours_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "new" / "table.tex"
    write_latex(path, f"{MARKER}\nold\n")
    write_latex(path, f"{MARKER}\nnew\n")
    assert path.read_text() == f"{MARKER}\nnew\n"
    path.write_text("my paper")
    for foreign, reason in ((path, "was not made by avbench and would be lost"), (tmp_path, "not a file")):
        with pytest.raises(AvbenchError, match=reason):
            write_latex(foreign, MARKER)
    assert path.read_text() == "my paper"


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no pdflatex here")
def test_pdflatex_sets_it_without_complaint(tmp_path: Path) -> None:
    make_record(tmp_path / "results", title=HOSTILE, changed={"tokens": HOSTILE}, method="mft")
    make_record(tmp_path / "results", title="[x]", method="ale", skill=2.0)
    (hostile,) = read_boards(tmp_path / "results")
    board, *others = read_boards(COMMITTED)
    letters = " ".join(escape(f"x{chr(code)}") for code in range(0x21, 0x300))
    parts = [
        r"\documentclass{article}\usepackage{booktabs}\begin{document}",
        *(latex_of(one) for one in (board, *others)),
        latex_of_comparison(compare_methods([board], ["mft", "eszsl", "clipclap"])),
        r"\end{document}",
    ]
    # Hostile text may run over the margin; our own tables may not.
    assert "Overfull" not in _log(tmp_path / "own", parts)
    _log(tmp_path / "hostile", [parts[0], latex_of(hostile), letters, parts[-1]])


def _log(folder: Path, parts: list[str]) -> str:
    folder.mkdir()
    (folder / "paper.tex").write_text("\n".join(parts), encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape", "paper.tex"]
    done = subprocess.run(command, cwd=folder, capture_output=True, timeout=120)
    log = (folder / "paper.log").read_text(errors="replace")
    assert done.returncode == 0, log[-2000:]
    assert "Missing character" not in log
    return log


def test_two_hyphens_stay_two() -> None:
    assert escape("a --set b=`c`") == r"a -{}-set b=\textasciigrave{}c\textasciigrave{}"
    assert escape("---†") == r"-{}-{}-$^\dagger$"
