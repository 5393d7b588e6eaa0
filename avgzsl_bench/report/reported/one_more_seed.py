"""Where the figure of one more seed would lie: what a published figure, a single run, is compared with.

A published figure is one run on the same test videos. The interval of our mean says where the mean over all seeds
lies on other videos; it shrinks with every seed, and a single run lies outside ever more often. What a single run
of the same program lies in is the prediction interval of one more draw from a normal distribution,

    mean +- t(R - 1) * sd * sqrt(1 + 1 / R)

with mean and sample standard deviation of the figure over `R` seeds, and the quantile of Student's t for 95
percent. Videos do not vary: they are the same for all runs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scipy.special import stdtrit

if TYPE_CHECKING:
    from avgzsl_bench.report.stats.rows import Spread

_CONFIDENCE = 0.95


@dataclass(frozen=True)
class Prediction:
    """A 95 percent prediction interval for the figure of one more seed; its limits are fractions."""

    low: float
    high: float

    @property
    def width(self) -> float:
        """The width, in percentage points."""
        return 100 * (self.high - self.low)


def one_more_seed(figure: Spread, seeds: int) -> Prediction | None:
    """Predict the figure of one more seed from mean and standard deviation over `seeds`; None for a single one.

    A method whose seeds all give the same figure has an interval of width 0.

    Examples:
        >>> from avgzsl_bench.report.stats.rows import Spread
        >>> round(one_more_seed(Spread(0.5, 0.01), 3).width, 2)
        9.94
    """
    if figure.std is None:
        return None
    half = float(stdtrit(seeds - 1, (1 + _CONFIDENCE) / 2)) * figure.std * math.sqrt(1 + 1 / seeds)
    return Prediction(figure.mean - half, figure.mean + half)
