"""Cells of measured figures, shared by all tables that show rows of a board."""

from __future__ import annotations

from typing import TYPE_CHECKING

from avgzsl_bench.report.stats.rows import FIGURES
from avgzsl_bench.report.tables.table import Cell
from avgzsl_bench.report.text import percent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from avgzsl_bench.report.boards.board import BoardRow
    from avgzsl_bench.report.stats.rows import ResultRow, Spread


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
