"""Tests of all pairs of rows for a difference, corrected for their number, and the ranks that follow.

A difference is paired over videos: both methods are evaluated on the same resamples. Seeds are paired where
pairing has a meaning, between configurations of one method run with the same seeds, which start from the same
weights and train on the same batches. Two programs make unrelated draws from one seed; to pair these would halve
the degrees of freedom for nothing, so their variances over seeds are added, as Welch does. Three paired seeds
are few: for ten equal configurations of one method whose figures vary over seeds more than over videos, some
pair came out as different in 7 to 25 percent of simulated draws; with five seeds in 4 to 8 percent.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr

from avgzsl_bench.report.stats.variance import Components, Matrix, combine, half_width

LEVEL = 0.05
"""The difference between two methods is significant when Holm's p value is below this."""
_EQUAL = 1e-12
"""PairwiseTests and standard errors up to this are 0: sums in another order differ by rounding."""


@dataclass(frozen=True, eq=False)
class PairwiseTests:
    """Tests of the differences between all pairs of `K` rows.

    Attributes:
        mean: float64 `[K, K]`, row minus column.
        half_width: float64 `[K, K]`, of the 95 percent interval of a difference, not corrected for their number.
        statistic: float64 `[K, K]`, Student's t: difference over standard error; infinite where that is 0.
        degrees: float64 `[K, K]`, degrees of freedom.
        p: float64 `[K, K]`, two-sided, not corrected.
        p_holm: float64 `[K, K]`, corrected for the number of pairs.
    """

    mean: Matrix
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
    """Test all pairs of rows for a difference between their means."""
    videos, seeds, both = (_of_difference(m) for m in (components.videos, components.seeds, components.both))
    own = np.diagonal(components.seeds) ** 2 / np.maximum(components.runs - 1, 1)
    paired_error = seeds**2 / np.maximum(components.runs[:, None] - 1, 1)
    error = np.where(components.paired, paired_error, own[:, None] + own[None, :])
    variance, degrees = combine(videos, seeds, both, error)
    mean = components.mean[:, None] - components.mean[None, :]
    mean[np.abs(mean) <= _EQUAL] = 0.0
    certain = np.where(mean == 0, 0.0, np.copysign(np.inf, mean))
    deviation = np.sqrt(variance)
    statistic = np.divide(mean, deviation, out=certain, where=deviation > _EQUAL)
    p = 2 * stdtr(degrees, -np.abs(statistic))
    p_holm = np.ones_like(p)
    pairs = np.triu_indices(len(mean), 1)
    p_holm[pairs] = holm(p[pairs])
    p_holm.T[pairs] = p_holm[pairs]
    return PairwiseTests(mean, half_width(variance, degrees), statistic, degrees, p, p_holm)


def holm(p: Matrix) -> Matrix:
    """Apply Holm's step-down correction (Scand. J. Stat. 1979) to p values `[M]` of tests that may depend.

    Examples:
        >>> holm(np.array([0.01, 0.04, 0.03])).tolist()
        [0.03, 0.06, 0.06]
    """
    order = np.argsort(p, kind="stable")
    steps = p[order] * np.arange(len(p), 0, -1)
    corrected = np.empty_like(p)
    corrected[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return corrected


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
