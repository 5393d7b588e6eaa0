"""Variance of a mean over seeds, with videos and seeds both drawn at random.

Every run is tested on the same videos: seeds are to videos what readers are to cases in studies of
diagnostic imaging, and their analysis is taken over (Obuchowski and Rockette, Commun. Stat. 1995). With
`F[b, r]` the figure of run `r` in resample `b`, and `R` runs,

    videos = var_b(mean_r F)                          seeds fixed
    seeds  = var_r(figure) / R                        videos fixed
    both   = sum_r var_b(F - mean_r F) / (R (R - 1))  what chance adds anew in every run on every video

`both` is contained in `videos` and in `seeds`, so the variance of the mean is `seeds + max(videos - both, 0)`.
A percentile bootstrap over three or five seeds as well covers too seldom where seeds matter (the variance of
what it draws is `(R - 1) / R` of what it should be) and too often where they do not (`both` counts twice).

Degrees of freedom: Satterthwaite's formula gives `variance**2 / (seeds**2 / (R - 1))` (Hillis, Stat. Med.
2007). They are estimated from the few seeds themselves, and too many of them just when the seeds happen to lie
close together. The seeds alone have `R - 1`, too few where videos vary more. The geometric mean of both is
taken: in simulations of ten equal methods with three seeds each and Holm's correction, some pair came out as
different in 2 to 8 percent of draws, against 2 to 14 percent with Satterthwaite's (nominal: at most 5).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit, stdtrit

from avgzsl_bench.report.stats.bootstrap import replicates_of
from avgzsl_bench.report.stats.correctness import RESAMPLED_FIGURES, Correctness, differing_videos
from avgzsl_bench.report.stats.moderation import NO_VARIANCE, Prior, moderate, moderated_rows

CONFIDENCE = 0.95
DECIMALS = 7
"""Matrix products differ in their last bits between machines; limits are rounded far above these."""

Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class Interval:
    """A 95 percent confidence interval of a mean over seeds.

    Attributes:
        low, high: its limits, as fractions; NaN where nothing varied, which is no evidence of certainty.
        varied: what it allows for: `videos and 3 seeds`, or `videos, one seed`.
    """

    low: float
    high: float
    varied: str


@dataclass(frozen=True, eq=False)
class Components:
    """Means of one figure for `K` rows, and the three parts of the covariance of these means.

    Attributes:
        mean: float64 `[K]`, over the seeds of each row.
        runs: int64 `[K]`, number of seeds of each row.
        paired: bool `[K, K]`, whether the seeds of two rows belong together: one method, the same seeds.
        videos, seeds, both: float64 `[K, K]`, see the module; the last two are 0 where seeds are not paired.
        own: float64 `[K]`, variance over the seeds of each mean: the diagonal of `seeds`, or moderated.
        degrees: float64 `[K]`, degrees of freedom of `own`.
        differing: float64 `[K, K]`, number of test videos on which two rows differ.
    """

    mean: Matrix
    runs: NDArray[np.int64]
    paired: NDArray[np.bool_]
    videos: Matrix
    seeds: Matrix
    both: Matrix
    own: Matrix
    degrees: Matrix
    differing: Matrix

    def select(self, rows: Sequence[int]) -> Components:
        """Return the components of some of the rows."""
        pairs = np.ix_(rows, rows)
        return Components(
            **{
                field.name: getattr(self, field.name)[pairs if getattr(self, field.name).ndim == 2 else rows]
                for field in fields(self)
            }
        )

    def moderated(self, prior: Prior | None, competes: NDArray[np.bool_]) -> Components:
        """Moderate the variances over seeds of the rows that `moderated_rows` marks; unchanged without a prior."""
        if prior is None:
            return self
        rows = moderated_rows(self.own, self.runs, competes)
        own, degrees = self.own.copy(), self.degrees.copy()
        of_run, degrees[rows] = moderate((own * self.runs)[rows], degrees[rows], prior)
        own[rows] = of_run / self.runs[rows]
        return replace(self, own=own, degrees=degrees)


def components_of(rows: Sequence[Correctness], seed: int) -> Mapping[str, Components]:
    """Compute the components of each of `RESAMPLED_FIGURES`, of rows on the same test videos.

    `seed`: of the bootstrap, see `bootstrap.seed_of`.
    """
    replicates = replicates_of(rows, seed)
    figures = [row.figures() for row in rows]
    groups = [(row.method, row.seeds) for row in rows]
    found = {f: decompose([of_row[f] for of_row in figures], replicates[f], groups) for f in RESAMPLED_FIGURES}
    return {f: replace(parts, differing=differing_videos(rows, f)) for f, parts in found.items()}


def decompose(values: Sequence[Matrix], replicates: Matrix, groups: Sequence[Hashable]) -> Components:
    """Split the covariance of means over seeds.

    Args:
        values: the figure of each run, `[R]` for each of `K` rows.
        replicates: `[B, runs]`, the same in each resample, runs of the first row first.
        groups: of each row; the runs of rows of one group are paired, and equally many.

    Returns:
        Components with variances over seeds as they are, of rows that differ on any number of videos.
    """
    runs = np.array([len(own) for own in values])
    first = np.cumsum(runs) - runs
    means = np.add.reduceat(replicates, first, axis=1) / runs
    rows_of: dict[Hashable, list[int]] = defaultdict(list)
    for row, group in enumerate(groups):
        rows_of[group].append(row)
    size = len(values)
    paired, over_seeds, both = np.zeros((size, size), dtype=bool), np.zeros((size, size)), np.zeros((size, size))
    for members in rows_of.values():
        block, count = np.ix_(members, members), runs[members[0]]
        paired[block] = True
        if count == 1:
            continue
        over_seeds[block] = _covariance(np.stack([values[m] for m in members], axis=1)) / count
        for run in range(count):
            deviation = replicates[:, first[members] + run] - means[:, members]
            both[block] += _covariance(deviation) / (count * (count - 1))
    mean = np.array([own.mean() for own in values])
    return Components(
        mean=mean,
        runs=runs,
        paired=paired,
        videos=_covariance(means),
        seeds=over_seeds,
        both=both,
        own=np.diagonal(over_seeds),
        degrees=runs - 1.0,
        differing=np.full_like(over_seeds, np.inf),
    )


def intervals_of(components: Components, sampled: str = "videos", most: float = np.inf) -> list[Interval]:
    """Compute the interval of each row's mean.

    There is none where resamples and seeds do not vary: all runs correct on every video, or on none.
    With a single seed it allows for other videos only: it is of that trained model, not of the method.

    `sampled`: what the resamples vary, `videos` or `classes`; `most`: degrees of freedom are no more than these.
    """
    videos, seeds, both = map(np.diagonal, (components.videos, components.seeds, components.both))
    variance, degrees = combine(videos, seeds, both, seeds**2 / np.maximum(components.runs - 1, 1))
    degrees = np.minimum(degrees, most)
    # On the logit scale limits stay within 0 and 1 by themselves, and cover better near both.
    mean, varies = components.mean, (variance > NO_VARIANCE) & (degrees > 0)
    half = quantile(np.where(varies, degrees, np.nan)) * np.sqrt(variance)
    half = np.divide(half, mean * (1 - mean), out=np.full_like(mean, np.nan), where=varies)
    low, high = (expit(logit(mean) + side).round(DECIMALS) for side in (-half, half))
    return [
        Interval(float(bottom), float(top), varied(int(runs), sampled))
        for bottom, top, runs in zip(low, high, components.runs, strict=True)
    ]


def varied(runs: int, sampled: str = "videos") -> str:
    """Describe the sources of variance that an interval allows for.

    Examples:
        >>> varied(3), varied(1, "classes")
        ('videos and 3 seeds', 'classes, one seed')
    """
    return f"{sampled} and {runs} seeds" if runs > 1 else f"{sampled}, one seed"


def combine(videos: Matrix, seeds: Matrix, both: Matrix, error: Matrix) -> tuple[Matrix, Matrix]:
    """Combine components to variances and their degrees of freedom.

    Args:
        videos, seeds, both: the components, of any one shape.
        error: what Satterthwaite's formula divides by: the sum of the squares of the independent variances
            over seeds, each over its degrees of freedom.

    Returns:
        Variances, and degrees of freedom, infinite where seeds do not vary.
    """
    variance = seeds + np.maximum(videos - both, 0)
    infinite = np.full_like(variance, np.inf)
    # The geometric mean of variance**2 / error (Satterthwaite's) and seeds**2 / error (of the seeds alone).
    return variance, np.divide(variance * seeds, error, out=infinite, where=(error > 0) & (seeds > NO_VARIANCE))


def quantile(degrees: Matrix) -> Matrix:
    """Return Student's quantile: half the width of the interval in standard errors."""
    return np.asarray(stdtrit(degrees, (1 + CONFIDENCE) / 2))


def _covariance(columns: Matrix) -> Matrix:
    """Compute the sample covariance of columns: `[n, K]` to `[K, K]`."""
    centred = columns - columns.mean(axis=0)
    return np.asarray(centred.T @ centred / (len(columns) - 1))
