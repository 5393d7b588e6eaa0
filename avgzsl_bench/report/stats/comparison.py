"""Which methods can be told apart: tests of all pairs, corrected for their number, and ranks that follow.

A difference is paired over videos: both methods are read on the same resamples. Seeds are paired where pairing
means something, between configurations of one method run with the same seeds, which start from the same
weights and see the same batches. Two programs make unrelated draws of one seed; to pair these would halve the
degrees of freedom for nothing, so their variances over seeds are added, as Welch does. Three paired seeds are
few: for ten equal configurations of one method whose figures vary over seeds more than over videos, some pair
came out as different in 7 to 25 percent of simulated draws; with five seeds in 4 to 8 percent.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr

from avgzsl_bench.report.stats.bootstrap import seed_of
from avgzsl_bench.report.stats.outcomes import outcomes_of
from avgzsl_bench.report.stats.variance import Components, Matrix, combine, components_of, half_width, varied

if TYPE_CHECKING:
    from avgzsl_bench.records.collect import StoredRecord
    from avgzsl_bench.report.stats.rows import Row

LEVEL = 0.05
"""Two methods are told apart when Holm's p value is below this."""
_PAIRED_SEEDS = 5
"""From so many seeds on the tests between configurations of one method keep their level."""
_EQUAL = 1e-12
"""Differences and standard errors up to this are 0: sums of the same terms in another order differ by rounding."""


@dataclass(frozen=True, eq=False)
class Differences:
    """The differences between all pairs of `K` rows.

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
    def apart(self) -> NDArray[np.bool_]:
        """Which pairs are told apart: bool `[K, K]`."""
        return np.asarray(self.p_holm < LEVEL)


@dataclass(frozen=True)
class Comparison:
    """Two rows compared in one figure.

    Attributes:
        first, second: positions of the rows in what was compared.
        difference: mean of the first minus mean of the second, as a fraction.
        low, high: its 95 percent interval, not corrected for the number of pairs.
        statistic: Student's t.
        degrees: its degrees of freedom.
        p: two-sided p value.
        p_holm: p value after Holm's correction for all pairs of what was compared.
        varied: what the test allows for, of the first and of the second row.
        seeds_paired: seeds were paired as well as videos.
    """

    first: int
    second: int
    difference: float
    low: float
    high: float
    statistic: float
    degrees: float
    p: float
    p_holm: float
    varied: tuple[str, str]
    seeds_paired: bool

    @property
    def apart(self) -> bool:
        """The two are told apart."""
        return self.p_holm < LEVEL


@dataclass(frozen=True)
class RankInterval:
    """The ranks that a row may have, by what it can be told apart from; 1 is the best.

    All intervals of a board hold together with 95 percent confidence, since Holm's correction holds for all
    pairs together (Mogstad et al., Rev. Econ. Stud. 2024), as far as its tests do: see `seed_caveats`.
    """

    best: int
    worst: int


def seed_caveats(rows: Sequence[Row]) -> list[str]:
    """What few seeds take from tests of these rows, as sentences; empty where the tests keep their level."""
    runs = {len(row.runs) for row in rows}
    alike = Counter((row.method.name, row.seeds) for row in rows)
    few_paired = any(count > 1 and 1 < len(seeds) < _PAIRED_SEEDS for (_, seeds), count in alike.items())
    caveats = []
    if 1 in runs:
        caveats.append("A row of one seed stands for that trained model, not for its method.")
    if 2 in runs or few_paired:
        caveats.append(
            f"Two seeds, or fewer than {_PAIRED_SEEDS} of several configurations of one method, are few: a "
            "difference that is none comes out more often than 5 percent of the time."
        )
    return caveats


def differences_of(components: Components) -> Differences:
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
    return Differences(mean, half_width(variance, degrees), statistic, degrees, p, p_holm)


def holm(p: Matrix) -> Matrix:
    """Holm's step-down correction (Scand. J. Stat. 1979), which holds whatever the tests have in common.

    Args:
        p: p values `[M]`.

    Returns:
        Corrected p values `[M]`, in the same order.

    Examples:
        >>> holm(np.array([0.01, 0.04, 0.03])).tolist()
        [0.03, 0.06, 0.06]
    """
    order = np.argsort(p, kind="stable")
    steps = p[order] * np.arange(len(p), 0, -1)
    corrected = np.empty_like(p)
    corrected[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return corrected


def rank_intervals(differences: Differences) -> list[RankInterval]:
    """The ranks each row may have: below all that are certainly better, above all that are certainly worse."""
    better = (differences.apart & (differences.mean < 0)).sum(axis=1)
    worse = (differences.apart & (differences.mean > 0)).sum(axis=1)
    rows = len(differences.mean)
    return [RankInterval(1 + int(b), rows - int(w)) for b, w in zip(better, worse, strict=True)]


def compare(rows: Sequence[Row], figure: str = "hm") -> list[Comparison]:
    """Compare all pairs of rows of one table in one figure; Holm's correction is for these pairs.

    Args:
        rows: two rows or more.
        figure: `seen`, `unseen`, `hm` or `zsl`.

    Returns:
        First with second, first with third, ..., second with third, ...
    """
    components = components_of([outcomes_of(row.runs) for row in rows], board_seed(rows[0].runs[0]))[figure]
    found = differences_of(components)
    told = [varied(len(row.runs)) for row in rows]
    return [
        Comparison(
            first=i,
            second=j,
            difference=float(found.mean[i, j]),
            low=float(found.mean[i, j] - found.half_width[i, j]),
            high=float(found.mean[i, j] + found.half_width[i, j]),
            statistic=float(found.statistic[i, j]),
            degrees=float(found.degrees[i, j]),
            p=float(found.p[i, j]),
            p_holm=float(found.p_holm[i, j]),
            varied=(told[i], told[j]),
            seeds_paired=bool(components.paired[i, j]) and len(rows[i].runs) > 1,
        )
        for i, j in combinations(range(len(rows)), 2)
    ]


def board_seed(run: StoredRecord) -> int:
    """The seed of the resamples of a run's board: the same for all records of the same data and split."""
    return seed_of(run.record.data.fingerprint, run.record.data.split_hash)


def _of_difference(covariance: Matrix) -> Matrix:
    """Variance of the difference between any two of `K` rows, from their covariance: `[K, K]` to `[K, K]`."""
    own = np.diagonal(covariance)
    return np.maximum(own[:, None] + own[None, :] - 2 * covariance, 0.0)
