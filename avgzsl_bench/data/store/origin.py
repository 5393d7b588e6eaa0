"""Where the vectors of a store came from."""

from __future__ import annotations

from typing import Literal

Origin = Literal["imported", "added", "extracted", "simulated"]
"""Imported from files in a layout, added by hand from arrays, extracted from videos here, or simulated."""

ADDED: Literal["added"] = "added"
"""Source of a store whose vectors were added by hand."""

EXTRACTED: Literal["extracted"] = "extracted"
"""Source of a store whose vectors were extracted from videos here."""


def origin_of(source: str, *, simulated: bool) -> Origin | None:
    """Find where vectors came from by the source that a store names; None if it names none."""
    if simulated:
        return "simulated"
    if source in (ADDED, EXTRACTED):
        return ADDED if source == ADDED else EXTRACTED
    return "imported" if source else None


def origin_text(origin: Origin | None, layout: str | None) -> str:
    """Write where vectors came from, with the layout that they were imported from.

    Examples:
        >>> origin_text("imported", "clipclap"), origin_text("added", None), origin_text(None, None)
        ('imported (clipclap)', 'added by hand', 'not recorded')
    """
    if origin is None:
        return "not recorded"
    if origin == ADDED:
        return "added by hand"
    if origin == EXTRACTED:
        return "extracted from videos"
    return f"{origin} ({layout})" if layout else origin
