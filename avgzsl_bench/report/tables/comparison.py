"""The tables of a comparison of methods: figures, tests of all pairs, and gains in classes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from avgzsl_bench.report.boards.comparison import largest_changes
from avgzsl_bench.report.stats.pairwise import LEVEL
from avgzsl_bench.report.tables.board_notes import precision_notes
from avgzsl_bench.report.tables.document import Document
from avgzsl_bench.report.tables.figures import figure_cells, method_cell, seeds_cell
from avgzsl_bench.report.tables.paper import data_sentence, figures_for_paper, origin_lines, pairs_text
from avgzsl_bench.report.tables.table import Cell, Column, Table, make_table
from avgzsl_bench.report.text import PRINTED_TITLES, SIMULATED_WARNING, TITLES, one_line, p_value, points

if TYPE_CHECKING:
    from collections.abc import Iterator

    from avgzsl_bench.report.boards.board import BoardRow
    from avgzsl_bench.report.boards.comparison import MethodComparison
    from avgzsl_bench.report.stats.pair_tests import PairTest


def comparison_document(comparison: MethodComparison, classes: int = 0) -> Document:
    """Make all that is written about a comparison.

    Args:
        comparison: of two rows or more.
        classes: number of classes in which the first row gains and loses most against each other one; 0 for none.
    """
    board, rows = comparison.board, comparison.rows
    methods = dict.fromkeys(re.sub(r"[^A-Za-z0-9_.-]", "-", row.result.method.name) for row in rows)
    name = "-".join([board.name, *methods])
    pairs = f"the {pairs_text(len(rows))} compared"
    first, *others = rows
    return Document(
        name=name,
        heading=board.heading,
        terminal=[
            _figures(comparison),
            _tests(comparison),
            *(_classes(first, other, classes) for other in others if classes),
        ],
        paper=[
            figures_for_paper(board, rows, comparison.tied_with_best, comparison.figure, pairs, name),
            _tests_for_paper(comparison, pairs, f"{name}-{comparison.figure}-tests"),
        ],
        warning=SIMULATED_WARNING if board.key.data.simulated else "",
        notes=[_CLASS_NOTE] if classes else [],
        origin=origin_lines(board, rows),
    )


_CLASS_NOTE = (
    "The classes that gain and lose most: difference in accuracy with all classes competing, in percentage "
    "points, mean over seeds, not tested."
)


def _figures(comparison: MethodComparison) -> Table:
    """Show the figures of each row, and what varied in them."""
    figures = figure_cells(comparison.rows, comparison.tied_with_best, comparison.figure)
    columns = [
        Column("method", "Method", "left"),
        Column("seeds", "Seeds"),
        *(Column(name, title) for name, title in PRINTED_TITLES.items()),
        Column("varied", "Varied", "left"),
    ]
    rows = zip(comparison.rows, figures, comparison.varied, strict=True)
    return make_table(
        columns,
        [
            {"method": method_cell(row), "seeds": seeds_cell(row.result), "varied": varied, **cells}
            for row, cells, varied in rows
        ],
    )


def _tests(comparison: MethodComparison) -> Table:
    columns = [
        Column("pair", "Pair", "left"),
        Column("change", f"Difference in {TITLES[comparison.figure]}\n95% interval"),
        Column("p", "p"),
        Column("p_holm", "p (Holm)"),
        Column("verdict", "Verdict", "left"),
    ]
    return make_table(columns, _test_rows(comparison), notes=_notes(comparison))


def _tests_for_paper(comparison: MethodComparison, pairs: str, label: str) -> Table:
    title, varied = TITLES[comparison.figure], comparison.varied
    each = [f"{row.name}: {text}" for row, text in zip(comparison.rows, varied, strict=True)]
    return make_table(
        [
            Column("first", "First", "left"),
            Column("second", "Second", "left"),
            Column("difference", f"Δ {title}"),
            Column("interval", "95% interval"),
            Column("p", "𝑝"),
            Column("p_holm", "𝑝_H"),
            Column("word", "Verdict", "left"),
        ],
        _test_rows(comparison),
        caption=data_sentence(comparison.board),
        notes=[
            f"Difference in {title}, first minus second, in percentage points, with its 95% interval, which is "
            f"not corrected for the number of pairs; 𝑝, and 𝑝_H after Holm's correction for {pairs}. "
            f"A verdict is of the first, at {100 * LEVEL:g}%; tied: the two cannot be told apart.",
            f"What varied: {varied[0] if len(set(varied)) == 1 else '; '.join(each)}.",
            comparison.pairing,
        ],
        label=label,
    )


def _test_rows(comparison: MethodComparison) -> list[dict[str, Cell | str]]:
    """Make the cells of the tests, for all readers."""
    return [
        _test_row(comparison.rows[test.first], comparison.rows[test.second], test) for test in comparison.tests
    ]


def _test_row(row: BoardRow, other: BoardRow, test: PairTest) -> dict[str, Cell | str]:
    label, *settings = method_cell(other).lines
    pair = (*method_cell(row).lines, f"against {label}", *settings)
    difference, low, high = (points(value) for value in (test.difference, test.low, test.high))
    better = "better" if test.difference > 0 else "worse"
    return {
        "pair": Cell(" ".join(pair), parts=pair),
        "first": row.name,
        "second": other.name,
        "change": Cell(difference, test.difference, (difference, f"{low} to {high}")),
        "difference": Cell(difference, test.difference),
        "interval": f"{low}, {high}",
        "p": Cell(p_value(test.p), test.p),
        "p_holm": Cell(p_value(test.p_holm), test.p_holm),
        "verdict": better if test.significant else "cannot be told apart",
        "word": better if test.significant else "tied",
    }


def _classes(row: BoardRow, other: BoardRow, count: int) -> Table:
    """Show the classes in which a row gains and loses most against another."""
    gains, losses = largest_changes(row, other, count)
    columns = [
        Column("class", "Class", "left"),
        Column("role", "Role", "left"),
        Column("videos", "Videos"),
        Column("gain", "Gain"),
    ]
    rows: list[dict[str, Cell | str]] = [
        {
            "class": one_line(change.name),
            "role": change.role,
            "videos": Cell(str(change.videos), change.videos),
            "gain": Cell(points(change.gain), change.gain),
        }
        for change in (*gains, *reversed(losses))
    ]
    return make_table(columns, rows, title=f"{row.name} against {other.name}, by class")


def _notes(comparison: MethodComparison) -> Iterator[str]:
    yield (
        "± is the sample standard deviation over seeds. Differences are in percentage points; an interval "
        "allows for what varied in both methods, and is not corrected for the "
        f"{pairs_text(len(comparison.rows))}."
    )
    yield f"{comparison.pairing} A verdict is of the first of a pair: Holm's p below {LEVEL:g}."
    yield from precision_notes(comparison.rows)
    for name, count in comparison.left_out.items():
        yield (
            f"Left out: {count} of {name} with settings or precision changed; 'avbench compare {name}' "
            "compares these."
        )
