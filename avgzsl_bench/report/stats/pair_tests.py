"""Tests of chosen rows against each other in one figure, and the caveats of tests on few seeds."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from avgzsl_bench.report.stats.moderation import Prior, board_prior
from avgzsl_bench.report.stats.pairwise import LEVEL, pairwise_tests
from avgzsl_bench.report.stats.rows import board_seed
from avgzsl_bench.report.stats.variance import components_of

if TYPE_CHECKING:
    from avgzsl_bench.report.stats.rows import ResultRow

_PAIRED_SEEDS = 5
"""From this number of seeds on, tests between configurations of one method keep their level."""


@dataclass(frozen=True)
class PairTest:
    """The test of two rows for a difference in one figure.

    Attributes:
        first, second: positions of the rows among those compared.
        difference: mean of the first minus mean of the second, as a fraction.
        low, high: its 95 percent interval, not corrected for the number of pairs; NaN where there is none.
        p: p value; NaN where the difference has no variance and cannot be tested.
        p_holm: p value after Holm's correction for all pairs compared.
        seeds_paired: seeds were paired as well as videos.
    """

    first: int
    second: int
    difference: float
    low: float
    high: float
    p: float
    p_holm: float
    seeds_paired: bool

    @property
    def testable(self) -> bool:
        """The difference varies, or the rows are right about the same videos."""
        return not math.isnan(self.p)

    @property
    def significant(self) -> bool:
        """The difference is significant after Holm's correction."""
        return self.p_holm < LEVEL


def pair_tests(
    rows: Sequence[ResultRow], figure: str = "hm", board: Sequence[ResultRow] | None = None
) -> list[PairTest]:
    """Test all pairs of rows of one board in one of `RESAMPLED_FIGURES`; Holm's correction is for these pairs.

    `board`: all rows of the board, which say how variances over seeds are moderated; by default those compared.

    Returns:
        First with second, first with third, ..., second with third, ...
    """
    components = components_of([row.correctness for row in rows], board_seed(rows[0].runs[0]))[figure]
    found = pairwise_tests(components.moderated(prior_of_board(board or rows, figure), _competes(rows)))
    return [
        PairTest(
            first=i,
            second=j,
            difference=float(found.mean[i, j]),
            low=float(found.mean[i, j] - found.half_width[i, j]),
            high=float(found.mean[i, j] + found.half_width[i, j]),
            p=float(found.p[i, j]),
            p_holm=float(found.p_holm[i, j]),
            seeds_paired=bool(components.paired[i, j]) and len(rows[i].runs) > 1,
        )
        for i, j in combinations(range(len(rows)), 2)
    ]


def prior_of_board(rows: Sequence[ResultRow], figure: str) -> Prior | None:
    """Estimate from all rows of a board how their variances over seeds are moderated in one figure."""
    return board_prior([row.correctness.figures()[figure] for row in rows], _competes(rows))


def _competes(rows: Sequence[ResultRow]) -> NDArray[np.bool_]:
    return np.array([row.competes for row in rows])


def seed_caveats(rows: Sequence[ResultRow]) -> list[str]:
    """State as sentences how few seeds weaken tests of these rows; empty where the tests keep their level."""
    runs = {len(row.runs) for row in rows}
    configurations = Counter((row.method.name, row.seeds) for row in rows)
    few_paired = any(count > 1 and 1 < len(seeds) < _PAIRED_SEEDS for (_, seeds), count in configurations.items())
    caveats = []
    if 1 in runs:
        caveats.append("A row of one seed stands for that trained model, not for its method.")
    if 2 in runs or few_paired:
        caveats.append(
            f"Two seeds, or fewer than {_PAIRED_SEEDS} of several configurations of one method, are few: a "
            "difference that is none comes out more often than 5 percent of the time."
        )
    return caveats
