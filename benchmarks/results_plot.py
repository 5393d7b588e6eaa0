"""The plot of growth: time and memory of evaluations and imports against their size."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt


def plot(figures: list[dict[str, Any]], path: Path) -> None:
    """Four panels: evaluations against videos times classes, imports against videos; time above, memory below."""
    with plt.rc_context({"svg.hashsalt": "growth", "svg.fonttype": "none", "font.size": 9}):
        drawn, axes = plt.subplots(2, 2, figsize=(8, 6), sharex="col", layout="constrained")
        for column, (what, label) in enumerate((("evaluation", "videos x classes"), ("import", "videos"))):
            some = [f for f in figures if f["what"] == what]
            size = [f["videos"] * f["classes"] if what == "evaluation" else f["videos"] for f in some]
            above, below = axes[:, column]
            above.scatter(size, [f["seconds"] for f in some], s=18, label="measured")
            rate = sorted(f["seconds"] / s for f, s in zip(some, size, strict=True))[len(some) // 2]
            ends = [min(size), max(size)]
            above.plot(ends, [rate * end for end in ends], lw=1, color="grey", label="in proportion")
            above.set(title=what, ylabel="seconds", xscale="log", yscale="log")
            above.legend(frameon=False)
            below.scatter(size, [f["above"] for f in some], s=18, label="peak, above what was there")
            below.scatter(size, [f["data"] for f in some], s=18, marker="_", label="the features alone")
            below.set(xlabel=label, ylabel="MiB", xscale="log", yscale="log")
            below.legend(frameon=False)
        drawn.savefig(path, metadata={"Date": None})
        plt.close(drawn)
