"""The confusion matrix of one run, with the accuracy of each class beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.colors import PowerNorm
from numpy.typing import NDArray

from avgzsl_bench.report.boards.labels import run_label
from avgzsl_bench.report.plots.plot import (
    GREY,
    INK,
    MEASURED,
    POINT,
    Margins,
    Plot,
    apply_style,
    new_figure,
    note_simulated,
    plain_settings,
    shortened,
)
from avgzsl_bench.report.text import one_line

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from avgzsl_bench.records.record import Record

_GAP, _BARS, _END, _TOP = 0.15, 1.6, 0.2, 0.85
"""Between matrix and bars, width of the bars, right of them, and above both, in inches."""
_MATRIX, _CLASS = 6.5, 0.2
"""Side of the matrix, and of a class in it, in inches, at most."""
_DOTS = 10
"""Dots per class, at least, in formats made of dots: names of hundreds of classes are legible when enlarged."""
_NAME = 26
"""Characters of a class name that are shown."""
_LETTER = 0.075
"""Width of a letter of the heading, in inches, as a rule at most."""


def confusion_plot(record: Record) -> Plot:
    """Draw the share of each class's videos that is predicted as each class, and accuracies in the same rows.

    Raises:
        RecordError: the record has no file, or its decisions are missing, altered or damaged.
    """
    label, confusion, by_class = run_label(record), record.confusion_matrix(), record.class_accuracies()
    is_seen = (by_class["role"] == "seen").to_numpy(dtype=bool)
    names = [shortened(one_line(str(name)), _NAME, 1) for name in confusion.index]
    step = min(_MATRIX / len(names), _CLASS)
    side, size = max(2.0, step * len(names)), min(7.0, 58 * step)
    room = 0.45 + 0.0095 * size * max(map(len, names))
    with plain_settings():
        margins = Margins(room, _GAP + _BARS + _END, room, _TOP)
        figure, (ax,) = new_figure(1, 1, side, margins, room + side + margins.right)
        _draw_matrix(figure, ax, confusion.to_numpy(), int(is_seen.sum()))
        _draw_bars(figure, ax, 100 * by_class["accuracy"].to_numpy(dtype=np.float64), is_seen)
        ax.set_yticks(range(len(names)), names, size=size)
        ax.set_xticks(range(len(names)), names, size=size, rotation=90)
        for texts in (ax.get_yticklabels(), ax.get_xticklabels()):
            for text, seen in zip(texts, is_seen, strict=True):
                text.set_color(INK if seen else POINT)
        width, height = figure.get_size_inches()
        heading = shortened(label, int(width / _LETTER), 1)
        figure.text(0.1 / width, 1 - 0.22 / height, heading, size=9, color=INK)
        if record.data.simulated:
            note_simulated(figure)
    metrics = record.metrics
    return Plot(
        "confusion",
        f"Confusion matrix: {label}",
        f"One row and one column per class, {len(names)} of them, seen classes first: the share of the videos of "
        f"the row's class that is predicted as the column's. Mean accuracy of seen classes "
        f"{100 * metrics.seen:.2f} percent, of unseen ones {100 * metrics.unseen:.2f}.",
        figure,
        creator="avbench predictions",
        dpi=max(Plot.dpi, round(_DOTS / step)),
    )


def _draw_matrix(figure: Figure, ax: Axes, counts: NDArray[np.int64], seen: int) -> None:
    """Draw the shares of each row, lines between the roles, and a scale above the bars."""
    videos = counts.sum(axis=1, keepdims=True)
    share = np.divide(100 * counts, videos, out=np.full(counts.shape, np.nan), where=videos > 0)
    # A scale of square roots: a few percent, which is what most confusions are, can be told from none.
    image = ax.imshow(share, aspect="auto", interpolation="none", cmap="viridis", norm=PowerNorm(0.5, 0, 100))
    for line in (ax.axhline, ax.axvline):
        line(seen - 0.5, color="white", linewidth=0.8)
    ax.set(xlabel="predicted class", ylabel="true class")
    ax.grid(visible=False)
    ax.tick_params(length=0)
    width, height = figure.get_size_inches()
    place = (1 - (_BARS + _END) / width, 1 - 0.58 / height, _BARS / width, 0.08 / height)
    bar = figure.colorbar(image, cax=figure.add_axes(place), orientation="horizontal", ticks=[0, 5, 20, 50, 100])
    bar.ax.set_title("share of the true class, %", color=INK, size=7, pad=3)
    bar.ax.tick_params(labelsize=6, colors=INK, length=2, pad=1)
    if bar.solids is not None:
        bar.solids.set_rasterized(True)


def _draw_bars(figure: Figure, matrix: Axes, accuracy: NDArray[np.float64], is_seen: NDArray[np.bool_]) -> None:
    """Draw the accuracy of each class in its row of the matrix."""
    width, beside = figure.get_figwidth(), matrix.get_position()
    ax = figure.add_axes((beside.x1 + _GAP / width, beside.y0, _BARS / width, beside.height), sharey=matrix)
    apply_style(ax)
    ax.barh(range(len(accuracy)), accuracy, color=np.where(is_seen, MEASURED, POINT), height=0.8)
    ax.axhline(int(is_seen.sum()) - 0.5, color=GREY, linewidth=0.8)
    ax.set(xlim=(0, 100), xlabel="accuracy, %\n(orange: unseen)")
    ax.grid(visible=False, axis="y")
    ax.tick_params(axis="y", length=0, labelleft=False)
