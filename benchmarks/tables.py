"""Figures as the pages write them."""

from __future__ import annotations

from typing import Any

Kept = dict[str, Any]
"""Figures as they are kept in JSON."""


def table(header: list[str], rows: list[list[str]], right: int) -> str:
    """A table whose last `right` columns are numbers."""
    rule = ["---"] * (len(header) - right) + ["---:"] * right
    return "\n".join("| " + " | ".join(row) + " |" for row in [header, rule, *rows])


def ratio(found: Kept) -> str:
    return f"{found['median']:.2f} ({found['low']:.2f}–{found['high']:.2f})"
