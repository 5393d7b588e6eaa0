"""Plots as SVG: files with the same bytes for the same plot, and elements of a page."""

from __future__ import annotations

import io
import re
from html import escape
from typing import Literal

from avgzsl_bench.report.formats import Format
from avgzsl_bench.report.plots.plot import CREATOR, INK, Plot, plain_settings


def svg_of(plot: Plot) -> bytes:
    """Write a plot as an SVG file."""
    return saved(plot, "svg", "Date")


def inline_svg_of(plot: Plot, prefix: str) -> str:
    """Write a plot as an SVG element of a page: no metadata, text in the page's colour, its text alternative.

    `prefix`: of all identifiers in it, which must differ between the plots of a page.
    """
    text = svg_of(plot).decode()
    text = re.sub(r"<metadata>.*?</metadata>\s*", "", text[text.index("<svg") :], flags=re.S)
    text = re.sub(r"<[^>]*>", lambda tag: _adapted(tag[0], prefix), text)  # what stands between tags stays
    return text.replace("<svg", f'<svg role="img" aria-label="{escape(plot.alternative)}"', 1)


def saved(plot: Plot, kind: Literal["svg", "pdf", "png"], left_out: str) -> bytes:
    """Save a plot without what differs between machines or days: the entry of this name in its metadata."""
    buffer = io.BytesIO()
    with plain_settings():
        metadata = {"Creator": plot.creator, left_out: None, "Title": plot.title}
        plot.figure.savefig(buffer, format=kind, metadata=metadata, dpi=plot.dpi if kind == "png" else "figure")
    return buffer.getvalue()


def _adapted(tag: str, prefix: str) -> str:
    """Prefix the identifiers of a tag, and give its ink the page's colour."""
    tag = re.sub(r'\bid="', f'id="{prefix}-', tag)
    return tag.replace('"#', f'"#{prefix}-').replace("url(#", f"url(#{prefix}-").replace(INK, "currentColor")


FORMAT = Format(
    f"<dc:title>{CREATOR}</dc:title>",
    lambda document: {f"{document.name}-{plot.name}.svg": svg_of(plot) for plot in document.plots()},
    begins=False,
)
