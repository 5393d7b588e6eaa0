"""The tables of a comparison of methods: figures, tests of all pairs, and gains in classes."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from avgzsl_bench.report.boards.comparison import largest_changes
from avgzsl_bench.report.stats.pairwise import LEVEL
from avgzsl_bench.report.tables.board_notes import code_notes, precision_notes
from avgzsl_bench.report.tables.document import Document
from avgzsl_bench.report.tables.figures import (
    data_sentence,
    figure_cells,
    figures_for_paper,
    method_cell,
    origin_lines,
    pairs_text,
    seeds_cell,
)
from avgzsl_bench.report.tables.notes import TEXTS
from avgzsl_bench.report.tables.table import METHOD, Cell, Table, columns, make_table
from avgzsl_bench.report.text import (
    NONE,
    NOT_BELOW,
    PRINTED_TITLES,
    SIMULATED_WARNING,
    TITLES,
    one_line,
    p_value,
    points,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from avgzsl_bench.report.boards.board import BoardRow
    from avgzsl_bench.report.boards.comparison import MethodComparison
    from avgzsl_bench.report.stats.pair_tests import PairTest

_TEXTS = TEXTS["comparison"]


def comparison_document(comparison: MethodComparison, classes: int = 0) -> Document:
    """Make all that is written about a comparison.

    `classes`: number of those in which the first row gains and loses most against each other one; 0 for none.
    """
    board, rows = comparison.board, comparison.rows
    methods = dict.fromkeys(re.sub(r"[^A-Za-z0-9_.-]", "-", row.result.method.name) for row in rows)
    name = "-".join([board.name, *methods])
    pairs = f"the {pairs_text(len(rows))} compared"
    by_class = [_classes(rows[0], other, classes) for other in rows[1:] if classes]
    return Document(
        name=name,
        heading=board.heading,
        terminal=[_figures(comparison), _tests(comparison), *by_class],
        paper=[
            figures_for_paper(board, rows, comparison.tied_with_best, comparison.figure, pairs, name),
            _tests_for_paper(comparison, pairs, f"{name}-{comparison.figure}-tests"),
        ],
        warning=SIMULATED_WARNING if board.key.data.simulated else "",
        notes=[_TEXTS["classes"]] if classes else [],
        origin=origin_lines(board, rows),
    )


def _figures(comparison: MethodComparison) -> Table:
    """Show the figures of each row, and what varied in them."""
    figures = figure_cells(comparison.rows, comparison.tied_with_best, comparison.figure)
    cells: list[dict[str, Cell | str]] = [
        {"method": method_cell(row), "seeds": seeds_cell(row.result), "varied": varied, **found}
        for row, found, varied in zip(comparison.rows, figures, comparison.varied, strict=True)
    ]
    varied = columns({"varied": "Varied"}, "left")
    return make_table([METHOD, *columns({"seeds": "Seeds", **PRINTED_TITLES}), *varied], cells)


def _tests(comparison: MethodComparison) -> Table:
    change = f"Difference in {TITLES[comparison.figure]}\n95% interval"
    shown = [
        *columns({"pair": "Pair"}, "left"),
        *columns({"change": change, "p": "p", "p_holm": "p (Holm)"}),
        *columns({"verdict": "Verdict"}, "left"),
    ]
    return make_table(shown, _test_rows(comparison), notes=_notes(comparison))


def _tests_for_paper(comparison: MethodComparison, pairs: str, label: str) -> Table:
    title, varied = TITLES[comparison.figure], comparison.varied
    each = [f"{row.name}: {text}" for row, text in zip(comparison.rows, varied, strict=True)]
    return make_table(
        [
            *columns({"first": "First", "second": "Second"}, "left"),
            *columns({"difference": f"Δ {title}", "interval": "95% interval", "p": "𝑝", "p_holm": "𝑝_H"}),
            *columns({"word": "Verdict"}, "left"),
        ],
        _test_rows(comparison),
        caption=data_sentence(comparison.board),
        notes=[
            TEXTS["paper"]["tests"].format(title=title, pairs=pairs, level=100 * LEVEL),
            f"What varied: {varied[0] if len(set(varied)) == 1 else '; '.join(each)}.",
            comparison.pairing,
            *([] if all(test.testable for test in comparison.tests) else [TEXTS["paper"]["untestable"]]),
        ],
        label=label,
    )


def _test_rows(comparison: MethodComparison) -> list[dict[str, Cell | str]]:
    rows = comparison.rows
    return [_test_row(rows[test.first], rows[test.second], test) for test in comparison.tests]


def _test_row(row: BoardRow, other: BoardRow, test: PairTest) -> dict[str, Cell | str]:
    label, *settings = method_cell(other).lines
    pair = (*method_cell(row).lines, f"against {label}", *settings)
    difference, low, high = (points(value) for value in (test.difference, test.low, test.high))
    limits, comma = (NONE, NONE) if math.isnan(test.low) else (f"{low} to {high}", f"{low}, {high}")
    verdict, word = _verdict(test)
    return {
        "pair": Cell(" ".join(pair), parts=pair),
        "first": row.name,
        "second": other.name,
        "change": Cell(difference, test.difference, (difference, limits)),
        "difference": Cell(difference, test.difference),
        "interval": comma,
        "p": Cell(p_value(test.p), test.p if test.testable else None),
        "p_holm": Cell(p_value(test.p_holm), test.p_holm if test.testable else None),
        "verdict": verdict,
        "word": word,
    }


def _verdict(test: PairTest) -> tuple[str, str]:
    """Return the verdict on the first of a pair, and the same for tables with little room."""
    if not test.testable:
        return "cannot be tested", "untested"
    if not test.significant:
        return "not significant", NOT_BELOW
    return ("better", "better") if test.difference > 0 else ("worse", "worse")


def _classes(row: BoardRow, other: BoardRow, count: int) -> Table:
    """Show the classes in which a row gains and loses most against another."""
    gains, losses = largest_changes(row, other, count)
    cells: list[dict[str, Cell | str]] = [
        {
            "class": one_line(change.name),
            "role": change.role,
            "videos": Cell(str(change.videos), change.videos),
            "gain": Cell(points(change.gain), change.gain),
        }
        for change in (*gains, *reversed(losses))
    ]
    shown = [*columns({"class": "Class", "role": "Role"}, "left"), *columns({"videos": "Videos", "gain": "Gain"})]
    return make_table(shown, cells, title=f"{row.name} against {other.name}, by class")


def _notes(comparison: MethodComparison) -> Iterator[str]:
    yield _TEXTS["figures"].format(pairs=pairs_text(len(comparison.rows)))
    yield _TEXTS["verdict"].format(pairing=comparison.pairing, level=LEVEL)
    if any(test.testable and math.isnan(test.low) for test in comparison.tests):
        yield _TEXTS["no_interval"]
    if not all(test.testable for test in comparison.tests):
        yield _TEXTS["untestable"]
    yield from precision_notes(comparison.rows)
    yield from code_notes(comparison.rows)
    for name, count in comparison.left_out.items():
        yield _TEXTS["left_out"].format(count=count, name=name)
