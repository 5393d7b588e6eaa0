"""Tables as Markdown for readers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tabulate import tabulate

from avgzsl_bench.report.formats import Format
from avgzsl_bench.report.tables.document import MARKER
from avgzsl_bench.report.text import one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from avgzsl_bench.report.tables.document import Document
    from avgzsl_bench.report.tables.table import Cell, Table

# An underscore within a word means nothing; what would begin a heading or a list does so before a space only.
_MEANING = re.compile(r"[\\`*$\[\]|~]|(?<![^\W_])_|_(?![^\W_])|^[#+-](?=[#+-]*(?:\s|$))|^\d+(?=[.)](?:\s|$))")


def markdown_of(document: Document) -> str:
    """Write all tables of a document with their notes."""
    notes = [f"## {document.notes_title}", _list(document.notes)] if document.notes else []
    further = [part for table in document.text[1:] for part in _section(table, 2)]
    return _joined([*_beginning(document, 1), *further, *notes])


def summary_of(document: Document, level: int) -> str:
    """Write heading and main table of a document, as a section of a page."""
    return _joined(_beginning(document, level))


def escape(text: str) -> str:
    r"""Write text on one line that Markdown shows as it is, in a table cell too.

    Examples:
        >>> print(escape("a_b *c* | <d>"))
        a_b \*c\* \| &lt;d&gt;
    """
    escaped = re.sub(_MEANING, _escaped, one_line(text))
    return escaped.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _escaped(found: re.Match[str]) -> str:
    """Put a backslash before a character; behind a number that would begin a list, before its point."""
    return f"{found[0]}\\" if found[0][0].isdigit() else f"\\{found[0]}"


def _beginning(document: Document, level: int) -> Iterator[str]:
    yield f"{'#' * level} {escape(document.heading)}"
    if document.warning:
        yield f"**{document.warning}**"
    if document.introduction:
        yield document.introduction
    *parts, notes = _section(document.text[0], level + 1)
    link = ["- {}: [{}]({}).".format(*document.link)] if document.link else []
    yield from parts
    yield "\n".join([notes, *link])


def _section(table: Table, level: int) -> Iterator[str]:
    if table.title:
        yield f"{'#' * level} {escape(table.title)}"
    yield _grid(table)
    if table.notes:
        yield _list(table.notes)


def _grid(table: Table) -> str:
    rows = [[_cell(cell) for cell in row] for row in table.rows]
    headers = [escape(column.title) for column in table.columns]
    align = [column.align for column in table.columns]
    return tabulate(rows, headers, tablefmt="pipe", disable_numparse=True, colalign=align)


def _cell(cell: Cell) -> str:
    text = escape(cell.text)
    return f"**{text}**" if cell.place == 1 else text


def _list(notes: Iterable[str]) -> str:
    return "\n".join(f"- {escape(note)}" for note in notes)


def _joined(parts: Iterable[str]) -> str:
    return "\n\n".join(parts) + "\n"


FORMAT = Format(
    MARKER,
    lambda document: {f"{document.name}.md": f"{document.marker}\n\n{markdown_of(document)}".encode()},
)
