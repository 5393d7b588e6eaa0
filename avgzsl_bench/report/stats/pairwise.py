"""Tests of all pairs of rows for a difference, corrected for their number, and the ranks that follow.

A difference is paired over videos: both methods are evaluated on the same resamples. Seeds are paired where
pairing has a meaning, between configurations of one method run with the same seeds, which start from the same
weights and train on the same batches. Two programs make unrelated draws from one seed; to pair these would halve
the degrees of freedom for nothing, so their variances over seeds are added, as Welch does, each moderated where
there are five seeds or more, see `moderation`; variances of paired differences are not. Three paired seeds are
few: for ten equal configurations of one method whose figures vary over seeds more than over videos, some pair
came out as different in 7 to 25 percent of simulated draws; with five seeds in 4 to 8 percent.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr, stdtrit

from avgzsl_bench.report.stats.variance import DECIMALS, Components, Matrix, combine, quantile

LEVEL = 0.05
"""The difference between two methods is significant when Holm's p value is below this."""
POWER = 0.8
"""Of the smallest difference that is called detectable."""
_EQUAL = 1e-12
"""Differences and standard errors up to this are 0: sums in another order differ by rounding."""


@dataclass(frozen=True, eq=False)
class PairwiseTests:
    """Tests of the differences between all pairs of `K` rows.

    A difference without variance cannot be tested: it rests on too few videos to show any, and has neither
    standard error nor interval nor p. Rows that are right about the same videos have p = 1.

    Attributes:
        mean: float64 `[K, K]`, row minus column.
        deviation: float64 `[K, K]`, standard error; NaN where it is 0.
        half_width: float64 `[K, K]`, of the 95 percent interval of a difference, not corrected for their number;
            NaN where it is 100 points or more, which says nothing.
        statistic: float64 `[K, K]`, Student's t: difference over standard error.
        degrees: float64 `[K, K]`, degrees of freedom.
        p: float64 `[K, K]`, two-sided, not corrected.
        p_holm: float64 `[K, K]`, corrected for the number of pairs.
    """

    mean: Matrix
    deviation: Matrix
    half_width: Matrix
    statistic: Matrix
    degrees: Matrix
    p: Matrix
    p_holm: Matrix

    @property
    def significant(self) -> NDArray[np.bool_]:
        """Pairs with a significant difference: bool `[K, K]`."""
        return np.asarray(self.p_holm < LEVEL)


@dataclass(frozen=True)
class RankInterval:
    """The ranks that a row may have, by its significant differences from other rows; 1 is the best.

    All intervals of a board hold together with 95 percent confidence, since Holm's correction holds for all
    pairs together (Mogstad et al., Rev. Econ. Stud. 2024), as far as its tests do: see `pair_tests.seed_caveats`.
    """

    best: int
    worst: int


def pairwise_tests(components: Components) -> PairwiseTests:
    """Test all pairs of rows for a difference between their means.

    Degrees of freedom are at most one less than the number of videos on which two rows differ: a difference that
    rests on a video or two has next to none.
    """
    own, of_row, runs = components.own, components.degrees, components.runs
    seeds = np.where(components.paired, _of_difference(components.seeds), own[:, None] + own[None, :])
    videos, both = (_of_difference(m) for m in (components.videos, components.both))
    error_of_row = np.divide(own**2, of_row, out=np.zeros_like(own), where=of_row > 0)
    paired_error = seeds**2 / np.maximum(runs[:, None] - 1, 1)
    error = np.where(components.paired, paired_error, error_of_row[:, None] + error_of_row[None, :])
    variance, degrees = combine(videos, seeds, both, error)
    degrees = np.minimum(degrees, components.differing - 1)
    mean = components.mean[:, None] - components.mean[None, :]
    mean[np.abs(mean) <= _EQUAL] = 0.0
    same = components.differing == 0
    testable = (np.sqrt(variance) > _EQUAL) & (degrees > 0)
    deviation = np.sqrt(np.where(testable, variance, np.nan))
    statistic = np.where(same, 0.0, mean / deviation)
    degrees = np.where(testable, degrees, np.nan)
    p = np.where(same, 1.0, 2 * stdtr(degrees, -np.abs(statistic)))
    p_holm = np.full_like(p, np.nan)
    pairs = np.triu_indices(len(mean), 1)
    p_holm[pairs] = holm(p[pairs])
    p_holm.T[pairs] = p_holm[pairs]
    half = deviation * quantile(degrees)
    half[half >= 1] = np.nan
    return PairwiseTests(mean, deviation, half, statistic, degrees, p, p_holm)


def holm(p: Matrix) -> Matrix:
    """Apply Holm's step-down correction (Scand. J. Stat. 1979) to p values `[M]` of tests that may depend.

    A pair without a p value counts like one with p = 1, and has none afterwards.

    Examples:
        >>> holm(np.array([0.01, 0.04, 0.03])).tolist()
        [0.03, 0.06, 0.06]
    """
    order = np.argsort(p, kind="stable")  # NaN last
    steps = p[order] * np.arange(len(p), 0, -1)
    corrected = np.empty_like(p)
    corrected[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return corrected


def detectable_differences(tests: PairwiseTests) -> list[float | None]:
    """Compute for each row the difference from another that the tests find with a power of 0.8.

    Of a pair `(t(1 - LEVEL / 2 m) + t(0.8)) * standard error` for `m` pairs, the level of Holm's first step; of a
    row the median over its pairs that can be tested, None without one.
    """
    pairs = max(len(tests.mean) * (len(tests.mean) - 1) // 2, 1)
    needed = stdtrit(tests.degrees, 1 - LEVEL / (2 * pairs)) + stdtrit(tests.degrees, POWER)
    of_pair = (needed * tests.deviation).round(DECIMALS)
    np.fill_diagonal(of_pair, np.nan)
    return [float(np.median(own[~np.isnan(own)])) if (~np.isnan(own)).any() else None for own in of_pair]


def rank_intervals(tests: PairwiseTests) -> list[RankInterval]:
    """Bound the ranks of each row: below all that are significantly better, above all significantly worse."""
    better = (tests.significant & (tests.mean < 0)).sum(axis=1)
    worse = (tests.significant & (tests.mean > 0)).sum(axis=1)
    rows = len(tests.mean)
    return [RankInterval(1 + int(b), rows - int(w)) for b, w in zip(better, worse, strict=True)]


def _of_difference(covariance: Matrix) -> Matrix:
    """Turn a covariance of `K` rows into variances of their differences: `[K, K]` to `[K, K]`."""
    own = np.diagonal(covariance)
    return np.maximum(own[:, None] + own[None, :] - 2 * covariance, 0.0)
