"""Tables as tests read them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from avgzsl_bench.report.tables.table import Table


def texts(table: Table) -> list[dict[str, str]]:
    """The text of each cell, by the title of its column."""
    titles = [column.title for column in table.columns]
    return [dict(zip(titles, (cell.text for cell in row), strict=True)) for row in table.rows]


def grid(markdown: str) -> list[list[str]]:
    """The cells of all rows of all tables in Markdown, the lines below headings too."""
    lines = [line for line in markdown.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
