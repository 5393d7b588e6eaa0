"""The interval for classes like these: against a jackknife in a loop, and how often it covers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest
from make_correctness import VIDEO_SD, ZSL_GAIN, World, world
from scipy.special import expit, logit
from scipy.stats import norm
from scipy.stats import t as student

from avgzsl_bench.gzsl.curve import harmonic_mean
from avgzsl_bench.report.stats.classes import class_intervals_of, class_replicates
from avgzsl_bench.report.stats.correctness import Correctness
from avgzsl_bench.report.stats.variance import Interval, components_of, decompose, intervals_of

WORLD = world(9, 5, (15, 40), (0.1, 0.1, 0.2))


def _intervals(row: Correctness) -> Mapping[str, list[Interval]]:
    return class_intervals_of([row], components_of([row], 0))


def _without(row: Correctness, left_out: int) -> Correctness:
    keep = row.label != left_out
    return replace(row, label=row.label[keep], correct=row.correct[:, keep], zsl_correct=row.zsl_correct[:, keep])


def _jackknife(row: Correctness, figure: str) -> tuple[float, float]:
    """Variance over classes of the mean over seeds, and of what each seed adds of its own."""
    total, both = 0.0, 0.0
    for role in (row.seen, ~row.seen):
        members = [c for c in np.flatnonzero(role) if (row.label == c).any()]
        values = np.array([_without(row, c).figures()[figure] for c in members])
        factor, seeds = (len(members) - 1) / len(members), values.shape[1]
        mean = values.mean(axis=1)
        total += factor * ((mean - mean.mean()) ** 2).sum()
        for seed in range(seeds if seeds > 1 else 0):
            own = values[:, seed] - mean
            both += factor * ((own - own.mean()) ** 2).sum() / (seeds * (seeds - 1))
    return total, both


@pytest.mark.parametrize("seeds", [1, 5])
@pytest.mark.parametrize(("figure", "degrees"), [("seen", 8), ("unseen", 4), ("hm", 4), ("zsl", 4)])
def test_the_interval_is_that_of_a_jackknife_in_a_loop(seeds: int, figure: str, degrees: int) -> None:
    row = WORLD.draw(np.random.default_rng(1), seeds)
    values = row.figures()[figure]
    total, both = _jackknife(row, figure)
    over_seeds = values.var(ddof=1) / seeds if seeds > 1 else 0.0
    mean, variance = values.mean(), over_seeds + max(total - both, 0.0)
    half = student.ppf(0.975, degrees) * np.sqrt(variance) / (mean * (1 - mean))
    (interval,) = _intervals(row)[figure]
    assert (interval.low, interval.high) == pytest.approx(expit(logit(mean) + np.array([-half, half])), abs=1e-6)
    assert interval.varied == ("classes and 5 seeds" if seeds > 1 else "classes, one seed")


def test_for_linear_figures_it_is_the_variance_of_class_accuracies() -> None:
    row = WORLD.draw(np.random.default_rng(2), 1)
    accuracy = row.class_accuracy()[0, ~row.seen]
    total, _ = _jackknife(row, "unseen")
    assert total == pytest.approx(accuracy.var(ddof=1) / 5)


def test_where_seeds_scatter_most_they_have_the_say() -> None:
    row = world(9, 5, (15, 40), (1.5, 0.0, 0.0)).draw(np.random.default_rng(0), 3)
    values = row.figures()["unseen"]
    (interval,) = _intervals(row)["unseen"]
    slope = values.mean() * (1 - values.mean())
    seeds_alone = student.ppf(0.975, 4) * values.std(ddof=1) / np.sqrt(3) / slope
    assert (logit(interval.high) - logit(interval.low)) / 2 > seeds_alone, "fewer degrees than of the classes"


def test_it_is_never_narrower_than_the_interval_for_these_classes() -> None:
    # All classes alike: the jackknife of so few comes out lower than their videos in about half of the draws.
    alike = World(np.full(6, 30), np.arange(6) < 3, np.zeros(6), 0.3, 0.1, 0.0)
    narrower = 0
    for draw in range(30):
        row = alike.draw(np.random.default_rng(draw), 3)
        components = components_of([row], 0)
        (these,), (others,) = intervals_of(components["hm"]), class_intervals_of([row], components)["hm"]
        assert others.low <= these.low < these.high <= others.high
        replicates, _ = class_replicates([row])
        own = decompose([row.figures()["hm"]], replicates["hm"], [0])
        narrower += bool(own.videos - own.both < components["hm"].videos - components["hm"].both)
    assert narrower > 5, "of this test"


def test_a_single_class_of_a_role_has_no_interval() -> None:
    row = WORLD.draw(np.random.default_rng(0), 1)
    for c in range(10, 14):
        row = _without(row, c)
    found = _intervals(row)
    for figure in ("unseen", "hm", "zsl"):
        assert np.isnan(found[figure][0].low)
    assert found["seen"][0].low < row.figures()["seen"][0] < found["seen"][0].high


def _on_other_classes(rng: np.random.Generator, seeds: int) -> Correctness:
    """A run on classes drawn anew: 20 seen ones and 6 unseen ones, of sizes as in UCF-GZSL."""
    roles = np.arange(26) < 20
    ease = rng.normal(np.where(roles, 0.5, 0.0), 1.2)
    return World(np.where(roles, 13, 140), roles, ease, 0.1, 0.1, 0.2).draw(rng, seeds)


@pytest.mark.parametrize("seeds", [3, 5])
def test_it_covers_the_figures_on_all_classes_as_often_as_it_says(seeds: int) -> None:
    rng, draws = np.random.default_rng(0), 500
    # Over all classes, videos and seeds, all that varies adds up.
    scale = np.sqrt(1 + VIDEO_SD**2 + 1.2**2 + 0.1**2 + 0.1**2 + 0.2**2)
    s, u, zsl = (norm.cdf(mean / scale) for mean in (0.5, 0.0, ZSL_GAIN))
    truth = {"unseen": u, "zsl": zsl, "hm": harmonic_mean(np.array(s), np.array(u))}
    covered = dict.fromkeys(truth, 0)
    for _ in range(draws):
        row = _on_other_classes(rng, seeds)
        # As if the videos added nothing of their own, to save the bootstrap: the classes contain them.
        components = {f: decompose([row.figures()[f]], np.zeros((2, seeds)), [0]) for f in truth}
        found = class_intervals_of([row], components)
        for figure, value in truth.items():
            covered[figure] += found[figure][0].low <= value <= found[figure][0].high
    share = {figure: count / draws for figure, count in covered.items()}
    assert all(0.92 <= found <= 0.99 for found in share.values()), share
