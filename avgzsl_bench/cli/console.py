"""How the console looks: one kind of table, of which nothing is hidden where there is little room."""

from __future__ import annotations

import os
from collections.abc import Collection

from rich.box import SIMPLE_HEAD
from rich.console import Console, JustifyMethod
from rich.measure import Measurement
from rich.table import Table

_WIDE = 160
_NARROWEST = 80
_FOLDED = 16
"""How narrow a column may be folded."""


def plain_console(*, stderr: bool = False) -> Console:
    """Make a console that shows text as it is; wide where its output is not a terminal, and never narrow."""
    console = Console(stderr=stderr, markup=False, highlight=False, emoji=False)
    fits = console.is_terminal or "COLUMNS" in os.environ
    console.width = max(console.width, _NARROWEST) if fits else _WIDE
    return console


def print_line(console: Console, line: str, style: str | None = None) -> None:
    """Print a line as it is; a terminal wraps it."""
    console.print(line, style=style, markup=False, highlight=False, soft_wrap=True)


def plain_table(*columns: str, right: Collection[str] = (), fold: Collection[str] = ()) -> Table:
    """Make a table without frame. Columns in `right` hold numbers; only those in `fold` may be folded."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for column in columns:
        justify: JustifyMethod = "right" if column in right else "left"
        table.add_column(column, overflow="fold", no_wrap=column not in fold, justify=justify)
    return table


def print_table(console: Console, table: Table) -> None:
    """Print a table; where it does not fit, lines run over the edge rather than lose a cell."""
    for column in table.columns:
        cells = (column.header, *column.cells)
        needed = max(Measurement.get(console, console.options, cell).maximum for cell in cells)
        column.min_width = needed if column.no_wrap else min(needed, _FOLDED)
    console.print(table, crop=False)
