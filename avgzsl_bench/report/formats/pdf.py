"""Plots as PDF files."""

from __future__ import annotations

from avgzsl_bench.report.formats import Format
from avgzsl_bench.report.formats.svg import saved
from avgzsl_bench.report.plots.plot import CREATOR, Plot


def pdf_of(plot: Plot) -> bytes:
    """Write a plot as a PDF file."""
    return saved(plot, "pdf", "CreationDate")


FORMAT = Format(
    f"/Creator ({CREATOR})",
    lambda document: {f"{document.name}-{plot.name}.pdf": pdf_of(plot) for plot in document.plots()},
    begins=False,
)
