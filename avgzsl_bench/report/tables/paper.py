"""Tables of figures for papers: narrow, with all that a reader needs in the caption."""

from __future__ import annotations

from typing import TYPE_CHECKING

from avgzsl_bench.report.boards.labels import MARKED
from avgzsl_bench.report.stats.pairwise import LEVEL
from avgzsl_bench.report.stats.rows import RANKED
from avgzsl_bench.report.tables.figures import figure_cells, method_cell, seeds_cell
from avgzsl_bench.report.tables.table import Column, Table, make_table
from avgzsl_bench.report.text import TITLES, one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from avgzsl_bench.report.boards.board import Board, BoardRow

_TIED = "†"


def board_paper(board: Board) -> Table:
    """Show the figures of a board: places among those that compete, ties with the best, no reported figures."""
    competing = sum(row.competes for row in board.rows)
    tied = [row.result.tied_with_best for row in board.rows]
    return figures_for_paper(
        board, board.rows, tied, RANKED, f"the {pairs_text(competing)} of competing rows", board.name
    )


def origin_lines(board: Board, rows: Sequence[BoardRow]) -> list[str]:
    """List the provenance of the figures of some rows."""
    key = board.key
    lines = [
        board.heading,
        f"calibration {key.calibration}; text order {key.data.text_order}",
        f"split hash {key.data.split_hash}",
        f"data fingerprint {key.data.fingerprint}",
    ]
    for row in rows:
        method = row.result.method
        seeds = " ".join(map(str, row.result.seeds))
        texts = "".join(f"; text {name} {mark}" for name, mark in sorted(row.result.added_text.items()))
        lines.append(f"{row.name}: {method.name}, {method.distribution} {method.version}; seeds {seeds}{texts}")
    return [one_line(line) for line in lines]


def figures_for_paper(
    board: Board, rows: Sequence[BoardRow], tied: Sequence[bool], figure: str, pairs: str, label: str
) -> Table:
    """Show the figures of some rows with their places, and mark those tied with the best in one figure.

    Args:
        board: of the rows.
        rows: to be shown.
        tied: for each row, whether it is not significantly worse than the best in the figure named.
        figure: in which rows were tested.
        pairs: number and kind of pairs tested, in words.
        label: of the table.
    """
    cells = figure_cells(rows, tied, figure)
    return make_table(
        [
            Column("method", "Method", "left"),
            Column("seeds", "𝑛"),
            *(Column(name, title) for name, title in TITLES.items()),
        ],
        [
            {"method": method_cell(row), "seeds": seeds_cell(row.result), **found}
            for row, found in zip(rows, cells, strict=True)
        ],
        caption=data_sentence(board),
        notes=[*_figure_notes(rows), *_tie_note(rows, tied, figure, pairs)],
        label=label,
    )


def data_sentence(board: Board) -> str:
    """Describe the data of a board in one sentence."""
    key = board.key
    where = (
        f"{key.data.dataset}, {key.data.features} features, split {key.data.split}, calibration {key.calibration}"
    )
    if key.data.text_order != "by-name":
        where += f", text order {key.data.text_order}"
    return f"{where}; {board.seen} seen and {board.unseen} unseen classes, {board.videos:,} test videos."


def _figure_notes(rows: Sequence[BoardRow]) -> list[str]:
    """Explain figures and methods."""
    notes = [
        "In percent: mean ± sample standard deviation over 𝑛 seeds, all on the same test videos; "
        "a single seed has none."
    ]
    if sum(row.competes for row in rows) > 1:
        notes.append("Bold: best mean; underlined: second best, among methods that compete.")
    stepwise = sorted({row.label for row in rows if row.result.sequences})
    if stepwise:
        notes.append(f"Reading videos step by step: {', '.join(stepwise)}.")
    texts = sorted({f"{row.label} ({name})" for row in rows for name in row.result.added_text})
    if texts:
        notes.append(f"Reading texts added to the dataset: {', '.join(texts)}.")
    meanings = {MARKED[0]: "gaps in what its authors published were filled", MARKED[1]: "a yardstick"}
    follows = {row.result.method.follows for row in rows}
    return notes + [f"{mark.capitalize()}: {meaning}." for mark, meaning in meanings.items() if mark in follows]


def _tie_note(rows: Sequence[BoardRow], tied: Sequence[bool], figure: str, pairs: str) -> list[str]:
    best = max((row.result.spread[figure].mean for row in rows if row.competes), default=0.0)
    if not any(tie and row.result.spread[figure].mean < best for row, tie in zip(rows, tied, strict=True)):
        return []
    varied = " and ".join(dict.fromkeys(row.result.interval[figure].varied for row in rows if row.competes))
    return [
        f"{_TIED}: may be the best, no other {TITLES[figure]} can be told to be better (test allowing for "
        f"{varied}; test videos paired; Holm's correction for {pairs}; {100 * LEVEL:g}%)."
    ]


def pairs_text(rows: int) -> str:
    """Count the pairs of rows.

    Examples:
        >>> pairs_text(2), pairs_text(4)
        ('1 pair', '6 pairs')
    """
    count = rows * (rows - 1) // 2
    return f"{count} pair{'s' if count != 1 else ''}"
