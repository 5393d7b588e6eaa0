"""Tables as CSV for programs."""

from __future__ import annotations

import csv
import io
import math
from typing import TYPE_CHECKING

from avgzsl_bench.report.formats import Format

if TYPE_CHECKING:
    from avgzsl_bench.report.tables.table import Table, Value

_HEADER = "method,title,follows,distribution,version,settings_changed,"
"""Beginning of the first line of every board."""


def csv_of(table: Table) -> str:
    """Write the values of a table; what is missing is empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(column.key for column in table.columns)
    writer.writerows([_value(cell.value) for cell in row] for row in table.rows)
    return text.getvalue()


def _value(value: Value) -> Value:
    return None if isinstance(value, float) and math.isnan(value) else value


FORMAT = Format(_HEADER, lambda document: {f"{document.name}.csv": csv_of(document.data).encode()})
