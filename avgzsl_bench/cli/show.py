"""Tables of reports on the console."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import click
from rich.console import Console
from rich.text import Text

from avgzsl_bench.cli.console import plain_table, print_table
from avgzsl_bench.report.tables.document import Document
from avgzsl_bench.report.tables.table import Table


def show_heading(console: Console, heading: str, warning: str = "") -> None:
    """Print a heading, and a warning below it unless it is empty."""
    console.print(heading, style="bold", soft_wrap=True)
    if warning:
        console.print(warning, style="yellow")


def show_table(console: Console, table: Table) -> None:
    """Print a table with its notes; each part of a cell gets a line, and columns of text may be folded."""
    right = [column.title for column in table.columns if column.align == "right"]
    fold = [column.title for column in table.columns if column.align == "left"]
    shown = plain_table(*(column.title for column in table.columns), right=right, fold=fold)
    for row in table.rows:
        shown.add_row(*(Text("\n".join(cell.lines)) for cell in row))
    print_table(console, shown)
    show_notes(console, table.notes)


def show_document(console: Console, document: Document) -> None:
    """Print the heading of a document, its tables for a terminal, and its notes."""
    show_heading(console, document.heading, document.warning)
    for table in document.terminal:
        if table.title:
            console.print(f"\n{table.title}", style="bold")
        show_table(console, table)
    show_notes(console, document.notes)


def show_notes(console: Console, notes: Iterable[str]) -> None:
    """Print notes as a list."""
    for note in notes:
        console.print(f"- {note}")


def list_files(written: Iterable[Path]) -> None:
    """Print the files that were written."""
    for path in written:
        click.echo(f"wrote {path}")
