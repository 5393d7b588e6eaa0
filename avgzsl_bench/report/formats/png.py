"""Plots as PNG files, on white: the other formats have no background."""

from __future__ import annotations

from avgzsl_bench.report.formats.svg import saved
from avgzsl_bench.report.plots.plot import Plot


def png_of(plot: Plot) -> bytes:
    """Write a plot as a PNG file."""
    plot.figure.patch.set(alpha=1.0, facecolor="white")
    return saved(plot, "png", "Software")
