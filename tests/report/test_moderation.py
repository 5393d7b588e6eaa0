"""Moderated variances against values computed from the formulas of Smyth (2004) by other means."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import chi2

from avgzsl_bench.report.stats.moderation import (
    Prior,
    board_prior,
    moderate,
    moderated_rows,
    prior_of,
    trigamma_inverse,
)


def _log_moments(degrees: float) -> tuple[float, float]:
    """Mean and variance of the logarithm of a chi square over its degrees of freedom, by integration."""
    mean, square = (
        quad(lambda y, k=k: y**k * np.exp(y) * chi2.pdf(np.exp(y), degrees), -40, 8, limit=400)[0] for k in (1, 2)
    )
    return mean - np.log(degrees), square - mean**2


def test_the_prior_by_hand() -> None:
    # log s**2 is log sigma**2 plus noise of 4 degrees of freedom. Four values, their variance 4 * 1.6**2 / 3.
    spread, degrees = np.array([-1.6, -1.6, 1.6, 1.6]), 4.0
    noise_mean, noise_variance = _log_moments(degrees)
    variance = np.exp(np.log(0.0004) + noise_mean + spread)
    found = prior_of(variance, np.full(4, degrees))
    assert found is not None
    # One standard error above the estimate, sqrt(2 / 3) of it, less what is noise; half of d0 is used.
    scatter = spread.var(ddof=1) * (1 + np.sqrt(2 / 3)) - noise_variance
    prior_mean, prior_variance = _log_moments(2 * found.degrees)
    assert prior_variance == pytest.approx(scatter, rel=1e-4)
    # The mean of log sigma**2 is log s0**2 less that of the logarithm of chi square over d0.
    assert np.log(found.variance) - prior_mean == pytest.approx(np.log(0.0004), rel=1e-4)


def test_a_moderated_variance_by_hand() -> None:
    variance, degrees = moderate(np.array([1.0, 9.0]), np.array([4.0, 9.0]), Prior(degrees=2.0, variance=4.0))
    assert variance == pytest.approx([(2 * 4 + 4 * 1) / 6, (2 * 4 + 9 * 9) / 11])
    assert degrees.tolist() == [6, 11]


def test_variances_that_scatter_less_than_chance_become_one() -> None:
    prior = prior_of(np.array([1.0, 1.1, 0.9, 1.0]), np.full(4, 4.0))
    assert prior is not None
    assert prior.degrees == np.inf
    variance, degrees = moderate(np.array([0.5, 2.0]), np.full(2, 4.0), prior)
    assert variance == pytest.approx(prior.variance)
    assert np.isinf(degrees).all()


def test_with_scattered_variances_the_prior_vanishes() -> None:
    wide = np.exp(np.linspace(-20, 20, 18))
    prior = prior_of(wide, np.full(18, 4.0))
    assert prior is not None
    assert prior.degrees < 0.2
    variance, _ = moderate(wide, np.full(18, 4.0), prior)
    assert variance[-1] == pytest.approx(wide[-1], rel=0.05)


def test_the_prior_is_found_again() -> None:
    rng = np.random.default_rng(0)
    true = 0.0004 * 8 / rng.chisquare(8, 20000)
    prior = prior_of(true * rng.chisquare(4, 20000) / 4, np.full(20000, 4.0))
    assert prior is not None
    assert 2 * prior.degrees == pytest.approx(8, rel=0.1)
    assert prior.variance == pytest.approx(0.0004, rel=0.03)


def test_deterministic_methods_yardsticks_and_few_seeds_are_left_out() -> None:
    rng = np.random.default_rng(0)
    values = [rng.normal(0.5, 0.02, runs) for runs in (5, 5, 5, 6, 4, 1)] + [np.full(5, 0.1), np.arange(5.0)]
    competes = np.array([True] * 7 + [False])
    variance = np.array([own.var(ddof=1) if len(own) > 1 else 0 for own in values])
    runs = np.array([len(own) for own in values])
    assert moderated_rows(variance, runs, competes).tolist() == [True] * 4 + [False] * 4
    assert board_prior(values, competes) == prior_of(variance[:4], runs[:4] - 1.0)
    assert board_prior(values[4:], competes[4:]) is None
    assert board_prior(values[:2], competes[:2]) is None, "two methods do not say how variances scatter"


@pytest.mark.parametrize("value", [1e-6, 0.01, 1.0, 50.0, 1e6])
def test_the_inverse_of_trigamma(value: float) -> None:
    x = trigamma_inverse(value)
    far = np.arange(200000)
    series = (1 / (x + far) ** 2).sum() + 1 / (x + 200000) + 1 / (2 * (x + 200000) ** 2)
    assert series == pytest.approx(value, rel=1e-6)
