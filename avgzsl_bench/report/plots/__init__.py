"""Plots of a board; matplotlib is loaded only where they are drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from avgzsl_bench.report.boards.board import Board
    from avgzsl_bench.report.plots.plot import Plot

SHOWN = 24
"""Number of rows that plots show, those with the best HM first; tables show all."""


def plots_of(board: Board) -> list[Plot]:
    """Draw all plots of a board, of its best `SHOWN` rows, whatever the user's matplotlib settings are."""
    from avgzsl_bench.report.plots.calibration import calibration_plot
    from avgzsl_bench.report.plots.classes import classes_plot
    from avgzsl_bench.report.plots.curves import curves_plot
    from avgzsl_bench.report.plots.plot import note_simulated, plain_settings
    from avgzsl_bench.report.plots.training_time import time_plot

    with plain_settings():
        drawn = [plot(board.rows[:SHOWN]) for plot in (curves_plot, time_plot, classes_plot, calibration_plot)]
        if board.key.data.simulated:
            for plot in drawn:
                note_simulated(plot.figure)
    return drawn
