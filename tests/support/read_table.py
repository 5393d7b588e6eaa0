"""Tables as tests read them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from avgzsl_bench.report.tables.table import Table


def texts(table: Table) -> list[dict[str, str]]:
    """The text of each cell, by the title of its column."""
    titles = [column.title for column in table.columns]
    return [dict(zip(titles, (cell.text for cell in row), strict=True)) for row in table.rows]


def values(table: Table) -> list[dict[str, Any]]:
    """The value of each cell, by the key of its column."""
    return [{c.key: cell.value for c, cell in zip(table.columns, row, strict=True)} for row in table.rows]
