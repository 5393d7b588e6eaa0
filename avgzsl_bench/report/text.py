"""Text of single values, the same in every table and format."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from avgzsl_bench.report.reported.figures import Printed
    from avgzsl_bench.report.stats.rows import Spread
    from avgzsl_bench.report.stats.variance import Interval

SIMULATED_WARNING = "SIMULATED features: these figures say nothing about real videos."
TITLES: Mapping[str, str] = MappingProxyType(
    {"seen": "S", "unseen": "U", "hm": "HM", "zsl": "ZSL", "ausuc": "AUSUC"}
)
"""Titles of the figures, in the order of `FIGURES`."""
PRINTED_TITLES: Mapping[str, str] = MappingProxyType({name: t for name, t in TITLES.items() if name != "ausuc"})
"""Titles of the figures that papers print."""
NONE = "–"
NOT_BELOW = "n.s."
"""Not significantly below the best row of a board; of a pair: not significantly different."""
CONTRADICTS = "†"
"""Follows a printed HM that contradicts the printed S and U."""
IMPOSSIBLE = "‡"
"""Follows a printed U above the printed ZSL."""


def one_line(text: str) -> str:
    """Put text from a record on one line, without control characters.

    Examples:
        >>> one_line("a\\n b\\x00c")
        'a b c'
    """
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def percent(value: Spread) -> str:
    """Write `mean ± standard deviation` in percent; only the mean for a single seed."""
    mean = f"{100 * value.mean:.2f}"
    return mean if value.std is None else f"{mean} ± {100 * value.std:.2f}"


def limits(interval: Interval) -> str:
    """Write the limits of an interval in percent; a dash where there is none."""
    return NONE if math.isnan(interval.low) else f"{100 * interval.low:.2f} to {100 * interval.high:.2f}"


def points(difference: float) -> str:
    """Write a difference of fractions in percentage points, with its sign; without one where it rounds to 0.

    Examples:
        >>> points(0.0123), points(-1e-9)
        ('+1.23', '0.00')
    """
    text = f"{100 * difference:+.2f}"
    return text if float(text) else "0.00"


def p_value(p: float) -> str:
    """Write a p value to four digits; a dash where there is none.

    Examples:
        >>> p_value(0.03125), p_value(1e-9), p_value(math.nan)
        ('0.0312', '< 0.0001', '–')
    """
    if math.isnan(p):
        return NONE
    return f"{p:.4f}" if p >= 1e-4 else "< 0.0001"


def printed(figure: Printed | None, name: str) -> str:
    """Write a figure as printed, marked if it is an HM that contradicts S and U, or a U above ZSL."""
    value = getattr(figure, name, None)
    if figure is None or value is None:
        return NONE
    contradicts = CONTRADICTS if name == "hm" and figure.recomputed_hm is not None else ""
    return f"{value:.2f}{contradicts}{IMPOSSIBLE if name == 'unseen' and figure.unseen_above_zsl else ''}"
