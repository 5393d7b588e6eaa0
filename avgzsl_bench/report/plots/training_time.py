"""HM of each row against its training time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.ticker import LogFormatter, StrMethodFormatter
from numpy.typing import NDArray

from avgzsl_bench.report.plots.plot import FAINT, INK, MEASURED, Margins, Plot, new_figure, shortened
from avgzsl_bench.report.text import percent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from avgzsl_bench.report.boards.board import BoardRow


def time_plot(rows: Sequence[BoardRow]) -> Plot:
    """Draw HM with its interval against training time, for rows that have one."""
    timed = [(row, s) for row in rows if (s := row.training_seconds) is not None and s > 0]
    height = max(3.2, 0.18 * len(timed))
    figure, (ax,) = new_figure(1, 1, height, Margins(0.5, 2.3, 0.65, 0.1))
    ax.set_xscale("log")
    ax.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    ax.xaxis.set_minor_formatter(
        LogFormatter(minor_thresholds=(1, 0.4))
    )  # of less than a decade, in plain numbers
    ax.set(xlabel="training of both stages, seconds (mean over seeds)", ylabel="HM, %")
    hm = np.array([100 * row.result.spread["hm"].mean for row, _ in timed])
    limits = np.array([[row.result.interval["hm"].low, row.result.interval["hm"].high] for row, _ in timed])
    low, high = (np.where(np.isnan(end), hm, 100 * end) for end in (limits.T if timed else np.zeros((2, 0))))
    if timed:
        margin = max(0.05 * float(high.max() - low.min()), 0.5)
        bottom, top = float(low.min()) - margin, float(high.max()) + margin
        ax.set_ylim(bottom, top)
        times = [s for _, s in timed]
        ax.set_xlim(min(times) / 1.5, max(times) * 1.5)
        ax.errorbar(times, hm, yerr=(hm - low, high - hm), fmt="o", color=MEASURED, markersize=4, linewidth=1)
        places = _apart(hm, (top - bottom) * 0.15 / height, bottom, top)
        for (row, s), value, place in zip(timed, hm, places, strict=True):
            ax.annotate(
                shortened(row.name, 36, 1),
                xy=(s, value),
                xytext=(1.02, place),
                textcoords=ax.get_yaxis_transform(),
                size=7,
                color=INK,
                va="center",
                arrowprops={"arrowstyle": "-", "color": FAINT, "linewidth": 0.5, "shrinkB": 3, "relpos": (0, 0.5)},
                annotation_clip=False,
            )
    text = "; ".join(f"{row.name}: {s:,.1f} s, HM {percent(row.result.spread['hm'])}" for row, s in timed)
    return Plot(
        "time",
        "HM with its 95 percent interval against training time",
        f"Times are those of the devices of the records. {text}." if timed else "No record says how long it took.",
        figure,
    )


def _apart(preferred: NDArray[np.float64], gap: float, bottom: float, top: float) -> NDArray[np.float64]:
    """Place labels at least a gap apart, in their order and as near to preferred heights as a single pass can."""
    order = np.argsort(-preferred, kind="stable")
    steps = gap * np.arange(len(preferred))
    down = np.minimum.accumulate(np.minimum(preferred[order], top) + steps) - steps
    lowest = bottom + gap * np.arange(len(preferred))[::-1]
    placed = np.empty_like(preferred)
    placed[order] = np.maximum(down, lowest)
    return placed
