"""Seen-unseen curves of each row, with its operating point."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from avgzsl_bench.report.plots.plot import GREY, INK, MEASURED, POINT, Margins, Plot, new_figure, shortened
from avgzsl_bench.report.text import percent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from avgzsl_bench.report.boards.board import BoardRow
    from avgzsl_bench.report.stats.rows import ResultRow


_POINTS = 201
"""Number of values of U at which curves are averaged."""


def mean_curve(row: ResultRow) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Compute U and S of a row at every bias, as fractions: S averaged over the seeds at the same U.

    Returns:
        Two float64 arrays `[P]`; U ends where the first curve of a seed ends, and S falls to 0 there.
    """
    curves = [run.curve for run in row.runs]
    unseen = np.linspace(0.0, min(float(curve.unseen[-1]) for curve in curves), _POINTS)
    seen_at = [np.interp(unseen, curve.unseen, curve.seen) for curve in curves]
    return np.append(unseen, unseen[-1]), np.append(np.mean(seen_at, axis=0), 0.0)


def curves_plot(rows: Sequence[BoardRow]) -> Plot:
    """Draw one panel per row: S over U at every bias, and the operating point."""
    columns = min(4, len(rows))
    panel_rows = -(-len(rows) // columns)
    figure, axes = new_figure(panel_rows, columns, 1.35, Margins(0.5, 0.1, 0.65, 0.4))
    curves = [mean_curve(row.result) for row in rows]
    best = next((i for i, row in enumerate(rows) if row.competes), 0)
    top = 105 * max(1e-3, *(float(s.max()) for _, s in curves))
    right = 105 * max(1e-3, *(float(u.max()) for u, _ in curves))
    for position, (row, (unseen, seen)) in enumerate(zip(rows, curves, strict=True)):
        ax = axes[position]
        if position != best:
            ax.plot(100 * curves[best][0], 100 * curves[best][1], color=GREY, linewidth=1)
        ax.plot(100 * unseen, 100 * seen, color=MEASURED, linewidth=1.5)
        spread = row.result.spread
        ax.plot(100 * spread["unseen"].mean, 100 * spread["seen"].mean, "o", color=POINT, markersize=5)
        ax.set(xlim=(0, right), ylim=(0, top))
        ax.locator_params(nbins=4)
        ax.set_title(shortened(row.name, 26, 2), size=8, color=INK, y=1.0)  # a given place takes no search
        if position % columns == 0:
            ax.set_ylabel("S, %")
        else:
            ax.tick_params(labelleft=False)
        if position + columns >= len(rows):
            ax.set_xlabel("U, %")
        else:
            ax.tick_params(labelbottom=False)
    for ax in axes[len(rows) :]:
        ax.set_visible(False)
    text = "; ".join(
        f"{row.name}: S {percent(row.result.spread['seen'])}, U {percent(row.result.spread['unseen'])}, "
        f"AUSUC {percent(row.result.spread['ausuc'])}"
        for row in rows
    )
    return Plot(
        "curves",
        "Seen-unseen curves, mean over seeds, with the operating point (orange); grey: the best competitor's",
        f"One panel a method with S over U at every bias. Operating points in percent: {text}.",
        figure,
    )
