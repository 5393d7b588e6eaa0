"""How the console looks: one kind of table, and lines that are not cut where there is no terminal to fit."""

from __future__ import annotations

from collections.abc import Collection

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

_WIDE = 160


def plain_console(*, stderr: bool = False) -> Console:
    """A console that shows text as it is; wide where its output is not a terminal."""
    console = Console(stderr=stderr, markup=False, highlight=False, emoji=False)
    if console.is_terminal:
        return console
    return Console(stderr=stderr, markup=False, highlight=False, emoji=False, width=_WIDE)


def plain_table(*columns: str, right: Collection[str] = ()) -> Table:
    """A table without frame; long cells are folded, never cut. Columns in `right` hold numbers."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for column in columns:
        table.add_column(column, overflow="fold", justify="right" if column in right else "left")
    return table
