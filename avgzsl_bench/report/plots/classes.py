"""Accuracy of each class in each row."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from avgzsl_bench.report.plots.plot import INK, Margins, Plot, new_figure, row_names
from avgzsl_bench.report.stats.correctness import mean_class_accuracy
from avgzsl_bench.report.text import one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from avgzsl_bench.report.boards.board import BoardRow


def classes_plot(rows: Sequence[BoardRow]) -> Plot:
    """Draw a map of accuracies: one line per row, one column per class."""
    classes = rows[0].result.runs[0].record.classes
    accuracy = 100 * mean_class_accuracy([row.result.correctness for row in rows])
    unseen = np.array([c.role == "unseen" for c in classes])
    present = ~np.isnan(accuracy[0])
    mean = accuracy.mean(axis=0)
    order = np.lexsort((-mean, unseen))
    order = order[present[order]]
    figure, (ax,) = new_figure(1, 1, max(1.5, 0.2 * len(rows)), Margins(2.3, 0.55, 0.55, 0.1))
    image = ax.imshow(accuracy[:, order], aspect="auto", interpolation="none", cmap="viridis", vmin=0, vmax=100)
    boundary = int((~unseen[order]).sum())
    ax.axvline(boundary - 0.5, color="white", linewidth=1.5)
    row_names(ax, [row.name for row in rows])
    centres = (boundary / 2 - 0.5, (boundary + len(order)) / 2 - 0.5)
    ax.set_xticks(centres, [f"{boundary} seen classes", f"{len(order) - boundary} unseen classes"])
    ax.tick_params(length=0)
    ax.grid(visible=False)
    bar = figure.colorbar(image, ax=ax, fraction=0.03, pad=0.02)
    bar.set_label("accuracy, %", color=INK, size=8)
    bar.ax.tick_params(labelsize=7, colors=INK)
    if bar.solids is not None:
        bar.solids.set_rasterized(True)  # else a hairline shows between any two of its 256 steps
    shown = mean[order]
    easiest, hardest = (one_line(classes[order[int(at)]].name) for at in (np.argmax(shown), np.argmin(shown)))
    text = (
        f"Over these rows the easiest class is {easiest} with a mean of {shown.max():.2f} percent, the hardest "
        f"{hardest} with {shown.min():.2f}."
    )
    return Plot(
        "classes",
        "Accuracy of each class, mean over seeds; classes of each role by their mean accuracy",
        f"One row a method, one column a class. {text}",
        figure,
    )
