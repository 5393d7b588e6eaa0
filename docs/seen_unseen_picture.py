"""The README's picture: seen-unseen curves of all methods on one board, from records.

python docs/seen_unseen_picture.py leaderboards/simulated/results/ucf/simulated/cls docs/seen-unseen.svg
"""

from __future__ import annotations

import sys
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np

from avgzsl_bench.gzsl.curve import curve_of
from avgzsl_bench.gzsl.decisions import GroundTruth
from avgzsl_bench.records.record import read_decisions
from avgzsl_bench.records.verify import verify


def main(results: Path, picture: Path) -> None:
    """Draw the curve and operating point of each method's first seed that lies below `results`."""
    mpl.rcParams["svg.hashsalt"] = "avgzsl-bench"
    mpl.rcParams["svg.fonttype"] = "none"
    figure, axes = plt.subplots(figsize=(8.2, 5.2), layout="constrained")
    records = [(path, verify(path)) for path in sorted(results.rglob("seed0-*.json"))]
    colors = mpl.colormaps["tab10"].colors
    axes.set_prop_cycle(color=colors * 3, linestyle=[s for s in ("-", "--", ":") for _ in colors])
    for path, record in sorted(records, key=lambda item: -item[1].metrics.hm):
        table = read_decisions(path, record)
        seen = np.array([c.role == "seen" for c in record.classes])
        truth = GroundTruth(table.label, np.flatnonzero(seen), np.flatnonzero(~seen))
        curve = curve_of(table.decisions, truth)
        label = f"{record.method.title} ({100 * record.metrics.hm:.1f})"
        (line,) = axes.step(100 * curve.unseen, 100 * curve.seen, where="post", linewidth=1.3, label=label)
        axes.plot(100 * record.metrics.unseen, 100 * record.metrics.seen, "o", color=line.get_color())
    first = records[0][1].data
    kind = "SIMULATED features" if first.simulated else f"{first.features} features"
    axes.set_title(f"{first.dataset}, split {first.split}, {kind}, seed 0", loc="left", fontsize=10)
    axes.set(xlabel="accuracy on unseen classes, U (%)", ylabel="accuracy on seen classes, S (%)")
    axes.set(xlim=(0, 100), ylim=(0, 100))
    for hm in (20, 40, 60, 80):
        u = np.linspace(hm / 2 + 0.01, 100, 200)
        s = hm * u / (2 * u - hm)
        axes.plot(u, s, color="0.85", linewidth=0.8, zorder=0)
        axes.annotate(f"HM {hm}", (hm, hm), color="0.6", fontsize=8, zorder=0)
    figure.legend(
        title="HM at the validated bias (dot)",
        loc="outside right upper",
        frameon=False,
        fontsize=8,
        title_fontsize=9,
    )
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(picture, metadata={"Date": None})


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
