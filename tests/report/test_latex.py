from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from make_record import make_board

from avgzsl_bench.report.boards.board import read_boards
from avgzsl_bench.report.boards.comparison import compare_methods
from avgzsl_bench.report.formats.latex import FORMAT, MARKER, escape, latex_of
from avgzsl_bench.report.tables.board import board_document
from avgzsl_bench.report.tables.comparison import comparison_document
from avgzsl_bench.report.tables.document import Document
from avgzsl_bench.report.tables.table import METHOD, Cell, Column, columns, make_table

COMMITTED = Path(__file__).resolve().parents[2] / "leaderboards" / "simulated" / "results"
HOSTILE = r"""[1] *A* & 50% $x$ #1 {b} \end{table} ~^_ <x> | "q" 'a' `b` ?` -- µ−α漢–±×"""


@pytest.mark.parametrize(
    ("plain", "written"),
    [
        (r"a_b & 5 % #1 $x$ {y}", r"a\_b \& 5 \% \#1 \$x\$ \{y\}"),
        (r"\input~^", r"\textbackslash{}input\textasciitilde{}\textasciicircum{}"),
        ("[x] *", "{[}x{]} {*}"),
        ("<|>", r"\textless{}\textbar{}\textgreater{}"),
        ("Müller, Ōe, Łódź, ß", "Müller, Ōe, Łódź, ß"),
        ("a\u0301\nb\x00", "á b"),
        ("α ą − Δ", r"{[}U+03B1{]} {[}U+0105{]} $-$ $\Delta$"),
        ("a --set b=`c`", r"a -{}-set b=\textasciigrave{}c\textasciigrave{}"),
        ("---†", r"-{}-{}-$^\dagger$"),
        ("8.83‡", r"8.83$^\ddagger$"),
        ("𝑛 seeds, 𝑝_H, 𝑝_Hx", r"$n$ seeds, $p_\mathrm{H}$, $p$\_Hx"),
    ],
)
def test_escape(plain: str, written: str) -> None:
    assert escape(plain) == written


def test_a_table_has_caption_label_and_marks() -> None:
    table = make_table(
        [METHOD, Column("n", "𝑛"), Column("hm", "HM"), Column("verdict", "V_x", "left")],
        [
            {
                "method": Cell("A (x=1)", parts=("A", "x_=1")),
                "n": Cell("3", 3),
                "hm": Cell("1.00 ± 0.10", 0.01, ("1.00", "± 0.10"), place=1),
                "verdict": "-5 & more",
            },
            {"method": "B", "n": "1", "hm": Cell("0.50", place=2, tied=True), "verdict": Cell("", parts=())},
            {"method": "[C]", "n": "< 0.0001", "hm": "-1.00, +2.00", "verdict": "x"},
        ],
        caption="All_of it.",
        notes=["One.", "5% of 𝑛."],
        label="name",
    )
    document = Document(name="name", heading="", paper=[table], origin=["a\nb"], warning="Beware.")
    assert latex_of(document).splitlines() == [
        MARKER,
        "% a b",
        r"\begin{table}[tbp]",
        r"\centering",
        r"\caption{\textbf{Beware.} All\_of it. One. 5\% of $n$.}",
        r"\label{tab:name}",
        r"\scriptsize",
        r"\setlength{\tabcolsep}{2.3pt}",
        r"\begin{tabular}{@{}lrrl@{}}",
        r"\toprule",
        r"Method & $n$ & HM & V\_x \\",
        r"\midrule",
        r"A & 3 & \textbf{1.00} {\scriptsize$\pm$0.10} & -5 \& more \\",
        r"\multicolumn{4}{l}{\quad\scriptsize x\_=1} \\",
        r"B & 1 & \underline{0.50}\rlap{$^\dagger$} &  \\",
        r"{[}C{]} & $<$0.0001 & $-$1.00, $+$2.00 & x \\",
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{table}",
    ]
    ((name, content),) = FORMAT.files_of(document).items()
    assert name == "name.tex"
    assert FORMAT.is_ours(content)


def test_groups_of_columns_have_a_title_and_a_rule() -> None:
    measured, reported = columns({"c": "S", "d": "U"}, group="Measured"), columns({"e": "S"}, group="Reported")
    shown = [Column("a", "A", "left"), Column("b", "B"), *measured, *reported]
    table = make_table(shown, [dict.fromkeys("abcde", "1")])
    lines = latex_of(Document(name="", heading="", paper=[table])).splitlines()
    top = lines.index(r"\toprule")
    assert lines[top + 1 : top + 4] == [
        r" & & \multicolumn{2}{c}{Measured} & \multicolumn{1}{c}{Reported} \\",
        r"\cmidrule(lr){3-4} \cmidrule(lr){5-5}",
        r"A & B & S & U & S \\",
    ]


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no pdflatex here")
def test_pdflatex_sets_it_without_complaint(tmp_path: Path) -> None:
    named, plain = (
        {"title": HOSTILE, "changed": {"tokens": HOSTILE}},
        {"title": "[x]", "method": "ale", "skill": 2.0},
    )
    hostile = make_board(tmp_path / "results", named, plain)
    board, *others = read_boards(COMMITTED)
    letters = " ".join(escape(f"x{chr(code)}") for code in range(0x21, 0x300))
    comparison = compare_methods([board], ["mft", "eszsl", "clipclap"])
    parts = [
        r"\documentclass{article}\usepackage{booktabs}\begin{document}",
        *(latex_of(board_document(one)) for one in (board, *others)),
        latex_of(comparison_document(comparison)),
        r"\end{document}",
    ]
    # Hostile text may run over the margin; our own tables may not.
    assert "Overfull" not in _log(tmp_path / "own", parts)
    _log(tmp_path / "hostile", [parts[0], latex_of(board_document(hostile)), letters, parts[-1]])


def _log(folder: Path, parts: list[str]) -> str:
    folder.mkdir()
    (folder / "paper.tex").write_text("\n".join(parts), encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape", "paper.tex"]
    done = subprocess.run(command, cwd=folder, capture_output=True, timeout=120)
    log = (folder / "paper.log").read_text(errors="replace")
    assert done.returncode == 0, log[-2000:]
    assert "Missing character" not in log
    return log
