"""Figures as files: SVG and PDF with the same bytes for the same figure, and SVG to stand within a page."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from html import escape
from typing import TYPE_CHECKING, Any

import matplotlib
import matplotlib.style

from avgzsl_bench.report.formats.plots import INK, Plot, plots_of

if TYPE_CHECKING:
    from avgzsl_bench.report.tables.board import Board

CREATOR = "avbench leaderboard"
"""Stands in every file as the program that made it."""
_SETTINGS: dict[Any, Any] = {
    "svg.hashsalt": CREATOR,
    "svg.fonttype": "none",
    "pdf.fonttype": 42,
    "font.family": ["DejaVu Sans", "sans-serif"],
    # Titles come from records: a dollar sign in one is no formula.
    "text.parse_math": False,
}


def draw(board: Board) -> list[Plot]:
    """All figures of a board, drawn whatever the user's matplotlib settings are."""
    with _plain_settings():
        return plots_of(board)


def svg_of(plot: Plot) -> bytes:
    """A figure as an SVG file."""
    return _saved(plot, "svg", {"Creator": CREATOR, "Date": None, "Title": plot.title})


def pdf_of(plot: Plot) -> bytes:
    """A figure as a PDF file."""
    return _saved(plot, "pdf", {"Creator": CREATOR, "CreationDate": None, "Title": plot.title})


def inline_svg_of(plot: Plot, prefix: str) -> str:
    """A figure as an SVG element of a page: no metadata, text in the page's colour, its text alternative.

    Args:
        plot: what to show.
        prefix: of all identifiers in it, which must differ between the figures of a page.
    """
    text = svg_of(plot).decode()
    text = re.sub(r"<metadata>.*?</metadata>\s*", "", text[text.index("<svg") :], flags=re.S)
    text = re.sub(r"<[^>]*>", lambda tag: _adapted(tag[0], prefix), text)  # what stands between tags stays
    return text.replace("<svg", f'<svg role="img" aria-label="{escape(plot.alternative)}"', 1)


def _adapted(tag: str, prefix: str) -> str:
    """A tag with its identifiers prefixed and ink in the page's colour."""
    tag = re.sub(r'\bid="', f'id="{prefix}-', tag)
    return tag.replace('"#', f'"#{prefix}-').replace("url(#", f"url(#{prefix}-").replace(INK, "currentColor")


def _saved(plot: Plot, kind: str, metadata: dict[str, str | None]) -> bytes:
    buffer = io.BytesIO()
    with _plain_settings():
        plot.figure.savefig(buffer, format=kind, metadata=metadata)
    return buffer.getvalue()


@contextmanager
def _plain_settings() -> Iterator[None]:
    with matplotlib.style.context("default"), matplotlib.rc_context(_SETTINGS), warnings.catch_warnings():
        # Titles may be in any script; a reader's program has the letters that ours lacks.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        yield
