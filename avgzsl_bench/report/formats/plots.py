"""The figures of a board: seen-unseen curves, HM against training time, class accuracies, and calibration.

Figures are drawn without pyplot and without the user's matplotlib settings: the same board gives the same bytes.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter, StrMethodFormatter
from numpy.typing import NDArray

from avgzsl_bench.report.formats.board_markdown import SIMULATED_WARNING, percent
from avgzsl_bench.report.stats.outcomes import outcomes_of
from avgzsl_bench.report.stats.sensitivity import CONDITIONS
from avgzsl_bench.report.tables.board import one_line
from avgzsl_bench.report.tables.provenance import training_seconds

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from avgzsl_bench.report.stats.rows import Row
    from avgzsl_bench.report.tables.board import Board, Line

SHOWN = 24
"""Rows that figures show, those with the best HM first; tables show all."""
INK, GREY, FAINT = "#24292e", "#7d848b", "#9aa0a6"
"""Colours of text and of grid lines; the page replaces the first so that it suits light and dark."""
_MEASURED, _POINT = "#2f7fc1", "#d9731a"
_WIDTH = 8.0
_BETWEEN = 0.55
"""Between panels one above the other, in inches, for a title of two lines and the ticks above it."""
_POINTS = 201
"""Values of U at which curves are averaged."""
_LOOKS = (("x", GREY), ("o", _MEASURED), ("^", "#2c9a5c"), ("s", "#a05ab5"), ("D", _POINT))
_MARKS: Mapping[str, tuple[str, str]] = MappingProxyType(dict(zip(CONDITIONS, _LOOKS, strict=True)))
"""Marker and colour of each condition."""


class _Margins(NamedTuple):
    """Around the panels of a figure, in inches."""

    left: float
    right: float
    bottom: float
    top: float


@dataclass(frozen=True, eq=False)
class Plot:
    """A figure with what a reader who cannot see it is told.

    Attributes:
        name: the end of its file names.
        title: one line.
        alternative: what it shows, in words.
        figure: as drawn; to be saved once a format.
    """

    name: str
    title: str
    alternative: str
    figure: Figure


def plots_of(board: Board) -> list[Plot]:
    """All figures of a board, of its best `SHOWN` rows."""
    lines = board.lines[:SHOWN]
    drawn = [_curves(lines), _time(lines), _classes(lines), _calibration(lines)]
    if board.key.simulated:
        for plot in drawn:
            plot.figure.text(0.995, 0.01, SIMULATED_WARNING, size=7, color=INK, ha="right", va="bottom")
    return drawn


def mean_curve(row: Row) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """U and S of a row at every bias, as fractions: S averaged over the seeds at the same U.

    Returns:
        Two float64 arrays `[P]`; U ends where the first curve of a seed ends, and S falls to 0 there.
    """
    curves = [run.curve for run in row.runs]
    unseen = np.linspace(0.0, min(float(curve.unseen[-1]) for curve in curves), _POINTS)
    seen_at = [np.interp(unseen, curve.unseen, curve.seen) for curve in curves]
    return np.append(unseen, unseen[-1]), np.append(np.mean(seen_at, axis=0), 0.0)


def class_accuracy(lines: Sequence[Line]) -> NDArray[np.float64]:
    """Accuracy of each class in each row, mean over seeds: float64 `[rows, C]`, NaN for a class without video."""
    return np.stack([outcomes_of(line.row.runs).class_accuracy().mean(axis=0) for line in lines])


def _curves(lines: Sequence[Line]) -> Plot:
    columns = min(4, len(lines))
    rows = -(-len(lines) // columns)
    figure, axes = _figure(rows, columns, 1.35, _Margins(0.5, 0.1, 0.65, 0.4))
    curves = [mean_curve(line.row) for line in lines]
    best = next((i for i, line in enumerate(lines) if line.competes), 0)
    top = 105 * max(1e-3, *(float(s.max()) for _, s in curves))
    right = 105 * max(1e-3, *(float(u.max()) for u, _ in curves))
    for position, (line, (unseen, seen)) in enumerate(zip(lines, curves, strict=True)):
        ax = axes[position]
        if position != best:
            ax.plot(100 * curves[best][0], 100 * curves[best][1], color=GREY, linewidth=1)
        ax.plot(100 * unseen, 100 * seen, color=_MEASURED, linewidth=1.5)
        spread = line.row.spread
        ax.plot(100 * spread["unseen"].mean, 100 * spread["seen"].mean, "o", color=_POINT, markersize=5)
        ax.set(xlim=(0, right), ylim=(0, top))
        ax.locator_params(nbins=4)
        ax.set_title(_short(line.name, 26, 2), size=8, color=INK, y=1.0)  # a given place takes no search
        if position % columns == 0:
            ax.set_ylabel("S, %")
        else:
            ax.tick_params(labelleft=False)
        if position + columns >= len(lines):
            ax.set_xlabel("U, %")
        else:
            ax.tick_params(labelbottom=False)
    for ax in axes[len(lines) :]:
        ax.set_visible(False)
    told = "; ".join(
        f"{line.name}: S {percent(line.row.spread['seen'])}, U {percent(line.row.spread['unseen'])}, "
        f"AUSUC {percent(line.row.spread['ausuc'])}"
        for line in lines
    )
    return Plot(
        "curves",
        "Seen-unseen curves, mean over seeds, with the operating point (orange); grey: the best competitor's",
        f"One panel a method with S over U at every bias. Operating points in percent: {told}.",
        figure,
    )


def _time(lines: Sequence[Line]) -> Plot:
    timed = [(line, s) for line in lines if (s := training_seconds(line.row)) is not None and s > 0]
    height = max(3.2, 0.18 * len(timed))
    figure, (ax,) = _figure(1, 1, height, _Margins(0.5, 2.3, 0.65, 0.1))
    ax.set_xscale("log")
    ax.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.set(xlabel="training of both stages, seconds (mean over seeds)", ylabel="HM, %")
    hm = np.array([100 * line.row.spread["hm"].mean for line, _ in timed])
    limits = np.array([[line.row.interval["hm"].low, line.row.interval["hm"].high] for line, _ in timed])
    low, high = (np.where(np.isnan(end), hm, 100 * end) for end in (limits.T if timed else np.zeros((2, 0))))
    if timed:
        margin = max(0.05 * float(high.max() - low.min()), 0.5)
        bottom, top = float(low.min()) - margin, float(high.max()) + margin
        ax.set_ylim(bottom, top)
        times = [s for _, s in timed]
        ax.set_xlim(min(times) / 1.5, max(times) * 1.5)
        ax.errorbar(times, hm, yerr=(hm - low, high - hm), fmt="o", color=_MEASURED, markersize=4, linewidth=1)
        places = _apart(hm, (top - bottom) * 0.15 / height, bottom, top)
        for (line, s), value, place in zip(timed, hm, places, strict=True):
            ax.annotate(
                _short(line.name, 36, 1),
                xy=(s, value),
                xytext=(1.02, place),
                textcoords=ax.get_yaxis_transform(),
                size=7,
                color=INK,
                va="center",
                arrowprops={"arrowstyle": "-", "color": FAINT, "linewidth": 0.5, "shrinkB": 3, "relpos": (0, 0.5)},
                annotation_clip=False,
            )
    told = "; ".join(f"{line.name}: {s:,.1f} s, HM {percent(line.row.spread['hm'])}" for line, s in timed)
    return Plot(
        "time",
        "HM with its 95 percent interval against training time",
        f"Times are those of the devices of the records. {told}." if timed else "No record says how long it took.",
        figure,
    )


def _classes(lines: Sequence[Line]) -> Plot:
    classes = lines[0].row.runs[0].record.classes
    accuracy = 100 * class_accuracy(lines)
    unseen = np.array([c.role == "unseen" for c in classes])
    present = ~np.isnan(accuracy[0])
    mean = accuracy.mean(axis=0)
    order = np.lexsort((-mean, unseen))
    order = order[present[order]]
    figure, (ax,) = _figure(1, 1, max(1.5, 0.2 * len(lines)), _Margins(2.3, 0.55, 0.55, 0.1))
    image = ax.imshow(accuracy[:, order], aspect="auto", interpolation="none", cmap="viridis", vmin=0, vmax=100)
    boundary = int((~unseen[order]).sum())
    ax.axvline(boundary - 0.5, color="white", linewidth=1.5)
    ax.set_yticks(range(len(lines)), [_short(line.name, 34, 1) for line in lines], size=7)
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
    told = (
        f"Over these rows the easiest class is {easiest} with a mean of {shown.max():.2f} percent, the hardest "
        f"{hardest} with {shown.min():.2f}."
    )
    return Plot(
        "classes",
        "Accuracy of each class, mean over seeds; classes of each role by their mean accuracy",
        f"One row a method, one column a class. {told}",
        figure,
    )


def _calibration(lines: Sequence[Line]) -> Plot:
    figure, (ax,) = _figure(1, 1, max(1.5, 0.2 * len(lines)), _Margins(2.3, 0.2, 0.65, 0.55))
    found = [line.sensitivity for line in lines]
    height = np.arange(len(lines))
    hm = {name: np.array([100 * row[name].mean for row in found]) for name in CONDITIONS}
    ends = np.array([[min(v), max(v)] for v in zip(*hm.values(), strict=True)])
    ax.hlines(height, ends[:, 0], ends[:, 1], color=FAINT, linewidth=1)
    for name, title in CONDITIONS.items():
        marker, colour = _MARKS[name]
        inside = "none" if name == "oracle" else colour
        ax.plot(
            hm[name],
            height,
            marker,
            color=colour,
            markersize=5,
            linestyle="none",
            label=title,
            markerfacecolor=inside,
        )
    ax.set_yticks(height, [_short(line.name, 34, 1) for line in lines], size=7)
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
        f"against no bias, most for {lines[most].name}. The table of sensitivity has all values.",
        figure,
    )


def _figure(rows: int, columns: int, each: float, margins: _Margins) -> tuple[Figure, list[Axes]]:
    """A figure of panels `each` inches high; sizes are given, not found, which is fast and the same everywhere."""
    height = margins.top + margins.bottom + rows * each + (rows - 1) * _BETWEEN
    figure = Figure(figsize=(_WIDTH, height))
    figure.patch.set_alpha(0.0)
    grid: Any = figure.subplots(
        rows,
        columns,
        squeeze=False,
        gridspec_kw={
            "left": margins.left / _WIDTH,
            "right": 1 - margins.right / _WIDTH,
            "bottom": margins.bottom / height,
            "top": 1 - margins.top / height,
            "hspace": _BETWEEN / each,
            "wspace": 0.15,
        },
    )
    axes: list[Axes] = list(grid.ravel())
    for ax in axes:
        ax.patch.set_alpha(0.0)
        ax.tick_params(labelsize=7, colors=INK)
        ax.xaxis.label.set(color=INK, size=8)
        ax.yaxis.label.set(color=INK, size=8)
        ax.grid(color=FAINT, linewidth=0.4, alpha=0.5)
        ax.set_axisbelow(True)
        for side, spine in ax.spines.items():
            spine.set_visible(side in ("left", "bottom"))
            spine.set_color(FAINT)
    return figure, axes


def _short(text: str, width: int, lines: int) -> str:
    return "\n".join(textwrap.wrap(text, width, max_lines=lines, placeholder=" …"))


def _apart(wanted: NDArray[np.float64], gap: float, bottom: float, top: float) -> NDArray[np.float64]:
    """Heights of labels, in the order wanted and at least a gap apart, as near to it as a single pass can."""
    order = np.argsort(-wanted, kind="stable")
    steps = gap * np.arange(len(wanted))
    down = np.minimum.accumulate(np.minimum(wanted[order], top) + steps) - steps
    lowest = bottom + gap * np.arange(len(wanted))[::-1]
    placed = np.empty_like(wanted)
    placed[order] = np.maximum(down, lowest)
    return placed
