"""What all plots share: colours, sizes, and settings that do not depend on the user's.

Plots are drawn without pyplot and without the user's matplotlib settings: the same board gives the same bytes.
"""

from __future__ import annotations

import textwrap
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import matplotlib
import matplotlib.style
from matplotlib.figure import Figure

from avgzsl_bench.report.text import SIMULATED_WARNING

if TYPE_CHECKING:
    from matplotlib.axes import Axes

CREATOR = "avbench leaderboard"
"""Named in the files of boards as the program that made them."""
INK, GREY, FAINT = "#24292e", "#7d848b", "#9aa0a6"
"""Colours of text and of grid lines; the page replaces the first so that it suits light and dark."""
MEASURED, POINT = "#2f7fc1", "#d9731a"
"""Colours of measured figures and of operating points."""
_WIDTH = 8.0
_BETWEEN = 0.55
"""Between panels one above the other, in inches, for a title of two lines and the ticks above it."""
_SETTINGS: dict[Any, Any] = {
    "svg.hashsalt": CREATOR,
    "svg.fonttype": "none",
    "pdf.fonttype": 42,
    "font.family": ["DejaVu Sans", "sans-serif"],
    # Titles come from records: a dollar sign in one is no formula.
    "text.parse_math": False,
}


class Margins(NamedTuple):
    """Around the panels of a plot, in inches."""

    left: float
    right: float
    bottom: float
    top: float


@dataclass(frozen=True, eq=False)
class Plot:
    """A plot with its text alternative; its files end in its name, and name the command that made them.

    `dpi`: dots per inch in formats made of dots.
    """

    name: str
    title: str
    alternative: str
    figure: Figure
    creator: str = CREATOR
    dpi: int = 200


@contextmanager
def plain_settings() -> Iterator[None]:
    """Draw and save with our settings, whatever those of the user are."""
    with matplotlib.style.context("default"), matplotlib.rc_context(_SETTINGS), warnings.catch_warnings():
        # Titles may be in any script; a reader's program has the letters that ours lacks.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        yield


def new_figure(
    rows: int, columns: int, each: float, margins: Margins, width: float = _WIDTH
) -> tuple[Figure, list[Axes]]:
    """Make a figure of panels `each` inches high; given sizes are fast and the same everywhere."""
    height = margins.top + margins.bottom + rows * each + (rows - 1) * _BETWEEN
    figure = Figure(figsize=(width, height))
    figure.patch.set_alpha(0.0)
    grid: Any = figure.subplots(
        rows,
        columns,
        squeeze=False,
        gridspec_kw={
            "left": margins.left / width,
            "right": 1 - margins.right / width,
            "bottom": margins.bottom / height,
            "top": 1 - margins.top / height,
            "hspace": _BETWEEN / each,
            "wspace": 0.15,
        },
    )
    axes: list[Axes] = list(grid.ravel())
    for ax in axes:
        apply_style(ax)
    return figure, axes


def apply_style(ax: Axes) -> None:
    """Give a panel the colours and sizes that all have."""
    ax.patch.set_alpha(0.0)
    ax.tick_params(which="both", labelsize=7, colors=INK)
    ax.xaxis.label.set(color=INK, size=8)
    ax.yaxis.label.set(color=INK, size=8)
    ax.grid(color=FAINT, linewidth=0.4, alpha=0.5)
    ax.set_axisbelow(True)
    for side, spine in ax.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(FAINT)


def note_simulated(figure: Figure) -> None:
    """Say in a figure that its features are simulated."""
    figure.text(0.995, 0.01, SIMULATED_WARNING, size=7, color=INK, ha="right", va="bottom")


def shortened(text: str, width: int, lines: int) -> str:
    """Wrap text to at most some lines of a width in characters; the rest is cut."""
    return "\n".join(textwrap.wrap(text, width, max_lines=lines, placeholder=" …"))


def row_names(ax: Axes, names: list[str]) -> None:
    """Name the rows of a plot that has one row per method."""
    ax.set_yticks(range(len(names)), [shortened(name, 34, 1) for name in names], size=7)
