"""Moderated variances over seeds: each is drawn towards what the variances of a board's methods have in common.

Empirical Bayes of Smyth (Stat. Appl. Genet. Mol. Biol. 2004, sections 3 and 6.2): the true variances scatter as
an inverse gamma distribution, `1 / sigma**2 ~ chi2(d0) / (d0 * s0**2)`; `d0` and `s0**2` are estimated from mean
and variance of the logarithms of the sample variances. The moderated variance

    (d0 * s0**2 + d * s**2) / (d0 + d)

has `d0 + d` degrees of freedom instead of `d`. Where the variances scatter widely `d0` is small, and the
prior vanishes by itself.

A board has few methods for this, real variances need not scatter as that distribution has it, and a `d0` that is
too large makes the tests of those that scatter most too confident. The scatter is therefore taken one standard
error above its estimate, and half of `d0` is used. With 18 equal methods of five seeds, whose standard deviations
differed up to tenfold, some pair came out as different in 7 percent of simulated draws without these two, in 4 to
5 with them (`benchmarks/STATISTICS.md`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import polygamma, psi

MODERATED_SEEDS = 5
"""From this number of seeds on, the variance of a row is moderated."""
NO_VARIANCE = 1e-24
"""What rounding leaves where nothing varies; standard errors of 1e-12."""
_LEAST = 3
"""Fewer variances say too little of how they scatter."""
Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Prior:
    """What the variances of several methods have in common.

    Attributes:
        degrees: prior degrees of freedom, half of `d0`; infinite where variances scatter no more than by chance.
        variance: prior variance `s0**2`.
    """

    degrees: float
    variance: float


def moderated_rows(variance: Vector, runs: NDArray[np.int64], competes: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Mark the rows whose variances over seeds `[K]` are moderated, and which the prior is estimated from.

    They compete, have five seeds or more, and their seeds vary: a deterministic method keeps its variance of 0.
    """
    return competes & (runs >= MODERATED_SEEDS) & (variance > NO_VARIANCE)


def board_prior(values: Sequence[Vector], competes: NDArray[np.bool_]) -> Prior | None:
    """Estimate the prior of one figure from the rows of a board that `moderated_rows` marks.

    `values`: the figure of each run, `[R]` for each of `K` rows; `competes`: bool `[K]`.
    """
    runs = np.array([len(own) for own in values])
    variance = np.array([own.var(ddof=1) if len(own) > 1 else 0.0 for own in values])
    rows = moderated_rows(variance, runs, competes)
    return prior_of(variance[rows], runs[rows] - 1.0)


def prior_of(variance: Vector, degrees: Vector) -> Prior | None:
    """Estimate the prior from sample variances above 0 `[G]` and their degrees of freedom `[G]`.

    With `e = log(s**2) - psi(d / 2) + log(d / 2)`, the variance of `e` is `trigamma(d / 2) + trigamma(d0 / 2)`,
    its standard error `sqrt(2 / (G - 1))` of it. None from fewer than three variances.
    """
    if len(variance) < _LEAST:
        return None
    half = degrees / 2
    excess = np.log(variance) - psi(half) + np.log(half)
    upper = excess.var(ddof=1) * (1 + np.sqrt(2 / (len(variance) - 1)))
    scatter = float(upper - polygamma(1, half).mean())
    if scatter <= 0:
        return Prior(np.inf, float(np.exp(excess.mean())))
    prior_half = trigamma_inverse(scatter)
    return Prior(prior_half, float(np.exp(excess.mean() + psi(prior_half) - np.log(prior_half))))


def moderate(variance: Vector, degrees: Vector, prior: Prior) -> tuple[Vector, Vector]:
    """Moderate variances `[G]`.

    Returns:
        The moderated variances and their degrees of freedom.
    """
    total = degrees + prior.degrees
    own = degrees / total  # 0 where the prior is certain
    return own * variance + (1 - own) * prior.variance, total


def trigamma_inverse(value: float) -> float:
    """Find the `x > 0` whose trigamma is a value above 0, by Newton's method on its reciprocal (Smyth, appendix).

    Examples:
        >>> round(trigamma_inverse(1.6449340668482264), 9)
        1.0
    """
    x = 0.5 + 1 / value
    for _ in range(100):
        trigamma = float(polygamma(1, x))
        step = trigamma * (1 - trigamma / value) / float(polygamma(2, x))
        x += step
        if -step < 1e-10 * x:
            break
    return x
