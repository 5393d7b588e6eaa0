"""Plots as PDF files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from avgzsl_bench.report.formats import Format
from avgzsl_bench.report.formats.svg import saved
from avgzsl_bench.report.plots.plot import CREATOR, Plot

if TYPE_CHECKING:
    from avgzsl_bench.report.tables.document import Document


def pdf_of(plot: Plot) -> bytes:
    """Write a plot as a PDF file."""
    return saved(plot, "pdf", "CreationDate")


def _files_of(document: Document) -> dict[str, bytes]:
    return {f"{document.name}-{plot.name}.pdf": pdf_of(plot) for plot in document.plots()}


FORMAT = Format(f"/Creator ({CREATOR})", _files_of, begins=False)
