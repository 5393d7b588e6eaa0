"""Measured figures of rows of a board: their cells, and narrow tables of them for papers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from avgzsl_bench.records.run_spec import code_text
from avgzsl_bench.report.boards.labels import MARKED
from avgzsl_bench.report.stats.pairwise import LEVEL
from avgzsl_bench.report.stats.rows import FIGURES, RANKED
from avgzsl_bench.report.tables.notes import TEXTS
from avgzsl_bench.report.tables.table import METHOD, Cell, Table, columns, make_table
from avgzsl_bench.report.text import TITLES, one_line, percent

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from avgzsl_bench.report.boards.board import Board, BoardRow
    from avgzsl_bench.report.stats.rows import ResultRow, Spread

_TEXTS = TEXTS["paper"]


def method_cell(row: BoardRow) -> Cell:
    """Name a row: label and changed settings."""
    return Cell(row.name, parts=(row.label, row.settings) if row.settings else (row.label,))


def spread_cell(value: Spread, *, place: int | None = None, tied: bool = False) -> Cell:
    """Show mean and standard deviation in percent."""
    text = percent(value)
    return Cell(text, value.mean, tuple(text.replace(" ± ", "\n± ").split("\n")), place, tied)


def seeds_cell(row: ResultRow) -> Cell:
    """Show the number of seeds."""
    return Cell(str(len(row.seeds)), len(row.seeds))


def figure_cells(rows: Sequence[BoardRow], tied: Sequence[bool], figure: str) -> list[dict[str, Cell]]:
    """Make the cells of all figures of some rows of one board, by the names of `FIGURES`.

    Those that compete have places, unless only one does. `tied` marks rows not significantly worse than the best
    in the figure named.
    """
    cells: list[dict[str, Cell]] = [{} for _ in rows]
    for name in FIGURES:
        competing = [row.result.spread[name].mean for row in rows if row.competes]
        for row, tie, found in zip(rows, tied, cells, strict=True):
            spread = row.result.spread[name]
            better = sum(mean > spread.mean for mean in competing)
            placed = row.competes and len(competing) > 1 and better < 2
            found[name] = spread_cell(
                spread, place=1 + better if placed else None, tied=tie and name == figure and better > 0
            )
    return cells


def board_paper(board: Board) -> Table:
    """Show the figures of a board, with places and marks as in `figure_cells`, without reported ones."""
    pairs = f"the {pairs_text(sum(row.competes for row in board.rows))} of competing rows"
    tied = [row.result.tied_with_best for row in board.rows]
    return figures_for_paper(board, board.rows, tied, RANKED, pairs, board.name)


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
        code = code_text(method.code, row.result.numerics)
        origin = f"{method.name}, {method.distribution} {method.version}"
        lines.append(f"{row.name}: {origin}; seeds {seeds}{texts}; {code}")
    return [one_line(line) for line in lines]


def figures_for_paper(
    board: Board, rows: Sequence[BoardRow], tied: Sequence[bool], figure: str, pairs: str, label: str
) -> Table:
    """Show the figures of some rows with their places, and marks, see `figure_cells`.

    `pairs`: number and kind of pairs tested, in words.
    """
    cells = [
        {"method": method_cell(row), "seeds": seeds_cell(row.result), **found}
        for row, found in zip(rows, figure_cells(rows, tied, figure), strict=True)
    ]
    notes = [*_figure_notes(rows), *_tie_note(rows, tied, figure, pairs)]
    shown = [METHOD, *columns({"seeds": "𝑛", **TITLES})]
    return make_table(shown, cells, caption=data_sentence(board), notes=notes, label=label)


def data_sentence(board: Board) -> str:
    """Describe the data of a board in one sentence."""
    data = board.key.data
    where = f"{data.dataset}, {data.features} features, split {data.split}, calibration {board.key.calibration}"
    if data.text_order != "by-name":
        where += f", text order {data.text_order}"
    where = ", ".join([where, *board.facts.remarks])
    return f"{where}; {board.seen} seen and {board.unseen} unseen classes, {board.videos:,} test videos."


def pairs_text(rows: int) -> str:
    """Count the pairs of rows.

    Examples:
        >>> pairs_text(2), pairs_text(4)
        ('1 pair', '6 pairs')
    """
    count = rows * (rows - 1) // 2
    return f"{count} pair{'s' if count != 1 else ''}"


def _figure_notes(rows: Sequence[BoardRow]) -> Iterator[str]:
    """Explain figures and methods."""
    yield _TEXTS["figures"]
    if sum(row.competes for row in rows) > 1:
        yield _TEXTS["places"]
    stepwise = sorted({row.label for row in rows if row.result.sequences})
    if stepwise:
        yield f"Reading videos step by step: {', '.join(stepwise)}."
    texts = sorted({f"{row.label} ({name})" for row in rows for name in row.result.added_text})
    if texts:
        yield f"Reading texts added to the dataset: {', '.join(texts)}."
    follows = {row.result.method.follows for row in rows}
    yield from (_TEXTS[mark] for mark in MARKED if mark in follows)


def _tie_note(rows: Sequence[BoardRow], tied: Sequence[bool], figure: str, pairs: str) -> list[str]:
    best = max((row.result.spread[figure].mean for row in rows if row.competes), default=0.0)
    if not any(tie and row.result.spread[figure].mean < best for row, tie in zip(rows, tied, strict=True)):
        return []
    varied = " and ".join(dict.fromkeys(row.result.interval[figure].varied for row in rows if row.competes))
    return [_TEXTS["not_below"].format(title=TITLES[figure], varied=varied, pairs=pairs, level=100 * LEVEL)]
