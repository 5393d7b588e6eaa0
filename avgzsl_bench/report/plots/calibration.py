"""HM of each row under other biases."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from avgzsl_bench.report.plots.plot import FAINT, GREY, INK, MEASURED, POINT, Margins, Plot, new_figure, row_names
from avgzsl_bench.report.stats.sensitivity import CONDITIONS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from avgzsl_bench.report.boards.board import BoardRow


_LOOKS = (("x", GREY), ("o", MEASURED), ("^", "#2c9a5c"), ("s", "#a05ab5"), ("D", POINT))
"""Marker and colour of each of `CONDITIONS`."""


def calibration_plot(rows: Sequence[BoardRow]) -> Plot:
    """Draw HM under each condition, one line per row."""
    figure, (ax,) = new_figure(1, 1, max(1.5, 0.2 * len(rows)), Margins(2.3, 0.2, 0.65, 0.55))
    found = [row.sensitivity for row in rows]
    height = np.arange(len(rows))
    hm = {name: np.array([100 * of_row[name].mean for of_row in found]) for name in CONDITIONS}
    ends = np.array([[min(v), max(v)] for v in zip(*hm.values(), strict=True)])
    ax.hlines(height, ends[:, 0], ends[:, 1], color=FAINT, linewidth=1)
    for (name, title), (marker, colour) in zip(CONDITIONS.items(), _LOOKS, strict=True):
        (points,) = ax.plot(hm[name], height, marker, color=colour, markersize=5, linestyle="none", label=title)
        if name == "oracle":
            points.set_markerfacecolor("none")
    row_names(ax, [row.name for row in rows])
    ax.invert_yaxis()
    ax.set_xlabel("HM, %")
    legend = figure.legend(loc="upper center", ncols=3, fontsize=7, frameon=False)
    for text in legend.get_texts():
        text.set_color(INK)
    gains = hm["own_bias"] - hm["no_bias"]
    most = int(np.argmax(gains))
    return Plot(
        "calibration",
        "HM of the same decisions under other biases; the oracle chooses its bias on the test videos",
        f"One row a method. The bias of the run changes HM by {gains.min():.2f} to {gains.max():.2f} points "
        f"against no bias, most for {rows[most].name}. The table of sensitivity has all values.",
        figure,
    )
