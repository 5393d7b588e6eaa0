from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from make_correctness import world
from make_record import make_board, make_record
from scipy.stats import t as student
from scipy.stats import ttest_ind, ttest_rel

from avgzsl_bench.report.stats.correctness import Correctness
from avgzsl_bench.report.stats.moderation import Prior
from avgzsl_bench.report.stats.pair_tests import pair_tests
from avgzsl_bench.report.stats.pairwise import (
    RankInterval,
    detectable_differences,
    holm,
    pairwise_tests,
    rank_intervals,
)
from avgzsl_bench.report.stats.variance import components_of, decompose

if TYPE_CHECKING:
    from pathlib import Path

WORLD = world(20, 8, (15, 40), (0.05, 0.05, 0.1))


def _worse(row: Correctness, share: float, method: str) -> Correctness:
    """A method that loses a given share of what the row gets right, the same videos in every run."""
    keep = np.random.default_rng(1).random(len(row.label)) >= share
    return replace(row, method=method, correct=row.correct & keep, zsl_correct=row.zsl_correct & keep)


def test_holm_by_hand() -> None:
    # Sorted: 0.005 * 4, 0.01 * 3, 0.03 * 2, and 0.04, which may not be below the one before it.
    assert holm(np.array([0.01, 0.04, 0.03, 0.005])) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm(np.array([0.5, 0.6])).tolist() == [1.0, 1.0]
    assert holm(np.array([])).size == 0
    # A pair without a p value counts as one that is not significant.
    assert holm(np.array([np.nan, 0.01, 0.02])) == pytest.approx([np.nan, 0.03, 0.04], nan_ok=True)


def test_without_video_variance_paired_seeds_are_the_paired_t_test() -> None:
    rng = np.random.default_rng(0)
    values = [rng.normal(0.5, 0.02, 5), rng.normal(0.52, 0.02, 5)]
    constant = np.tile(np.concatenate(values), (10, 1))
    found = pairwise_tests(decompose(values, constant, ["same", "same"]))
    expected = ttest_rel(*values)
    assert found.statistic[0, 1] == pytest.approx(expected.statistic)
    assert found.degrees[0, 1] == pytest.approx(4)
    assert found.p[0, 1] == found.p_holm[0, 1] == pytest.approx(expected.pvalue)
    low, high = expected.confidence_interval()
    assert found.mean[0, 1] - found.half_width[0, 1] == pytest.approx(low)
    assert found.mean[0, 1] + found.half_width[0, 1] == pytest.approx(high)


def test_without_video_variance_other_seeds_are_welchs_test() -> None:
    rng = np.random.default_rng(0)
    values = [rng.normal(0.5, 0.02, 3), rng.normal(0.52, 0.05, 6)]
    found = pairwise_tests(decompose(values, np.tile(np.concatenate(values), (10, 1)), ["a", "b"]))
    expected = ttest_ind(*values, equal_var=False)
    assert found.statistic[0, 1] == -found.statistic[1, 0] == pytest.approx(expected.statistic)
    assert found.degrees[0, 1] == pytest.approx(expected.df)
    assert found.p[0, 1] == pytest.approx(expected.pvalue)


def test_pairing_over_videos_narrows_a_difference() -> None:
    row = WORLD.draw(np.random.default_rng(0), 3)
    components = components_of([row, _worse(row, 0.05, "other")], 0)["hm"]
    unpaired = replace(components, videos=np.diag(np.diagonal(components.videos)))
    paired_width, unpaired_width = (pairwise_tests(c).half_width[0, 1] for c in (components, unpaired))
    assert paired_width < 0.8 * unpaired_width


@pytest.mark.parametrize("runs", [1, 3, 5])
@pytest.mark.parametrize("deterministic", [False, True])
def test_copies_are_tied_and_a_worse_method_is_worse(runs: int, deterministic: bool) -> None:
    row = WORLD.draw(np.random.default_rng(0), runs)
    if deterministic:
        correct, zsl_correct = (np.repeat(right[:1], runs, 0) for right in (row.correct, row.zsl_correct))
        row = replace(row, correct=correct, zsl_correct=zsl_correct)
    rows = [row, replace(row, method="copy"), _worse(row, 0.25, "worse"), _worse(row, 0.5, "worst")]
    components = components_of(rows, 0)["hm"]
    found = pairwise_tests(components)
    assert found.p[0, 1] == found.p_holm[0, 1] == 1.0
    assert found.statistic[0, 1] == 0.0
    expected = np.array([[0, 0, 1, 1], [0, 0, 1, 1], [1, 1, 0, 1], [1, 1, 1, 0]], dtype=bool)
    np.testing.assert_array_equal(found.significant, expected)
    assert found.mean[0, 2] == pytest.approx(0.25 * components.mean[0], abs=0.03)
    assert rank_intervals(found) == [RankInterval(*ranks) for ranks in ((1, 2), (1, 2), (3, 3), (4, 4))]


def test_a_difference_without_variance_cannot_be_tested() -> None:
    row = WORLD.draw(np.random.default_rng(0), 1)
    correct, wrong = (replace(row, correct=np.full_like(row.correct, value)) for value in (True, False))
    found = pairwise_tests(components_of([correct, wrong, row], 0)["hm"])
    assert found.mean[0, 1] == 1.0
    assert np.isnan([found.p[0, 1], found.p_holm[0, 1], found.half_width[0, 1], found.statistic[0, 1]]).all()
    assert not found.significant[0, 1]
    assert found.significant[0, 2], "an untestable pair leaves the others as they are"
    assert found.p_holm[0, 2] == pytest.approx(3 * found.p[0, 2])


def _few_videos(per_class: int, *right: list[int]) -> list[Correctness]:
    """Rows of one run on 6 seen and 3 unseen classes, by the classes of which each is right about every video."""
    label, seen = np.repeat(np.arange(9), per_class), np.arange(9) < 6
    rows = [np.isin(label, own)[None] for own in right]
    return [Correctness(f"m{i}", (0,), label, seen, own, own & ~seen[label]) for i, own in enumerate(rows)]


def test_one_video_a_class_decides_nothing() -> None:
    # Right about one video each that the other is wrong about: McNemar's exact test gives p = 1.
    found = pairwise_tests(components_of(_few_videos(1, [0, 1, 2, 6, 7], [0, 1, 6, 7, 8]), 0)["hm"])
    assert found.mean[0, 1] != 0
    assert found.p[0, 1] > 0.5
    assert np.isnan(found.half_width[0, 1])
    (one,) = {float(p) for p in pairwise_tests(components_of(_few_videos(1, [0, 6], [0, 1, 6]), 0)["hm"]).p[0, 1:]}
    assert np.isnan(one), "a difference in one video has no variance"


def test_classes_wholly_right_or_wrong_decide_nothing() -> None:
    # Two videos a class, two against four of them: McNemar's exact test gives p = 0.69.
    found = pairwise_tests(components_of(_few_videos(2, [0, 1, 2, 6, 7], [0, 1, 3, 4, 6, 7]), 0)["seen"])
    assert found.mean[0, 1] == pytest.approx(-1 / 6)
    assert 0.4 < found.p[0, 1] < 1
    assert found.half_width[0, 1] > 0.3


def test_degrees_of_freedom_are_those_of_the_videos_that_differ() -> None:
    row = WORLD.draw(np.random.default_rng(0), 1)
    about = np.flatnonzero(row.correct[0])[:4]
    correct = row.correct.copy()
    correct[0, about] = False
    components = components_of([row, replace(row, method="other", correct=correct)], 0)["hm"]
    assert components.differing.tolist() == [[0, 4], [4, 0]]
    found = pairwise_tests(components)
    assert found.degrees[0, 1] == 3
    assert found.p[0, 1] == pytest.approx(2 * student.sf(found.statistic[0, 1], 3))


@pytest.mark.parametrize("size", [1, 2, 3])
def test_equal_methods_on_few_videos_seldom_come_out_as_different(size: int) -> None:
    rng, draws, wrong = np.random.default_rng(4), 200, 0
    for draw in range(draws):
        label, seen = np.repeat(np.arange(9), size), np.arange(9) < 6
        ease = rng.random(9)[label]
        right = [rng.random((1, len(label))) < ease for _ in range(2)]
        rows = [Correctness(f"m{i}", (0,), label, seen, own, own & ~seen[label]) for i, own in enumerate(right)]
        wrong += bool(pairwise_tests(components_of(rows, draw)["hm"]).significant[0, 1])
    assert wrong / draws <= 0.05


def test_moderated_variances_enter_pairs_of_different_methods_only() -> None:
    rng = np.random.default_rng(0)
    values = [rng.normal(0.5, 0.02, 5) for _ in range(5)]
    components = decompose(values, np.tile(np.concatenate(values), (10, 1)), ["a", "a", "b", "c", "d"])
    competes = np.array([True, True, True, True, False])
    prior = Prior(degrees=6.0, variance=0.0009)
    moderated = components.moderated(prior, competes)
    variance = np.array([own.var(ddof=1) for own in values])
    expected = (6 * 0.0009 + 4 * variance) / 10 / 5
    assert moderated.own[:4] == pytest.approx(expected[:4])
    assert moderated.own[4] == pytest.approx(variance[4] / 5), "a yardstick keeps its own"
    assert moderated.degrees.tolist() == [10, 10, 10, 10, 4]
    before, after = pairwise_tests(components), pairwise_tests(moderated)
    assert after.p[0, 1] == before.p[0, 1] == pytest.approx(ttest_rel(values[0], values[1]).pvalue)
    # Without video variance Satterthwaite's degrees of freedom, here of two equal ones of 10.
    own = expected[1] + expected[2]
    assert after.degrees[1, 2] == pytest.approx(own**2 / (expected[1] ** 2 / 10 + expected[2] ** 2 / 10))
    assert after.statistic[1, 2] == pytest.approx((values[1].mean() - values[2].mean()) / np.sqrt(own))
    assert components.moderated(None, competes) is components


def test_detectable_differences_by_hand() -> None:
    values = [np.array([0.5, 0.52, 0.54]), np.array([0.4, 0.42, 0.44]), np.array([0.3, 0.3, 0.3])]
    tests = pairwise_tests(decompose(values, np.tile(np.concatenate(values), (10, 1)), ["a", "b", "c"]))
    # Standard errors 0.02 * sqrt(2 / 3) and 0.02 * sqrt(1 / 3), with 4 and 2 degrees of freedom.
    level = 1 - 0.05 / (2 * 3)
    wide = 0.02 * np.sqrt(2 / 3) * (student.ppf(level, 4) + student.ppf(0.8, 4))
    narrow = 0.02 * np.sqrt(1 / 3) * (student.ppf(level, 2) + student.ppf(0.8, 2))
    expected = [(wide + narrow) / 2, (wide + narrow) / 2, narrow]
    assert detectable_differences(tests) == pytest.approx(expected)
    constant = [np.full(3, 0.5), np.full(3, 0.4)]
    none = pairwise_tests(decompose(constant, np.tile(np.concatenate(constant), (10, 1)), ["a", "b"]))
    assert detectable_differences(none) == [None, None]


@pytest.mark.parametrize("seeds", [3, 5])
@pytest.mark.parametrize("share", [0.1, 0.6, 0.9])
def test_equal_methods_seldom_come_out_as_different(seeds: int, share: float) -> None:
    rng = np.random.default_rng(2)
    methods, draws = 8, 400
    replicates = np.zeros((2, methods * seeds))
    wrong = 0
    for _ in range(draws):
        # Of a variance of 1, `share` is of seeds; the rest is of videos, here independent between methods.
        noise = rng.normal(0, np.sqrt(share * seeds), (methods, seeds)) + rng.normal(
            0, np.sqrt(1 - share), (methods, 1)
        )
        components = decompose(list(noise), replicates, list(range(methods)))
        found = pairwise_tests(replace(components, videos=(1 - share) * np.eye(methods)))
        wrong += bool(found.significant.any())
    assert wrong / draws <= 0.08


def test_a_board_of_references_ranks_nobody(tmp_path: Path) -> None:
    row = make_board(tmp_path, {"follows": "reference"}).rows[0].result
    assert (row.ranks, row.tied_with_best, row.interval["hm"].varied) == (None, False, "videos, one seed")


def test_seeds_are_paired_within_a_method_of_one_method_and_not_of_two(tmp_path: Path) -> None:
    make_record(tmp_path, method="ccccc", seed=0)
    changed = {"method": "aaa", "skill": 1.0, "changed": {"tokens": "va"}}
    runs = ({"method": "aaa", "skill": 2.0}, changed, {"method": "bbbb", "skill": 1.5})
    board = make_board(tmp_path, *runs, seeds=3)
    rows = sorted((row.result for row in board.rows), key=lambda r: (r.method.name, len(r.method.changed)))
    found = pair_tests(rows)
    assert [(c.first, c.second) for c in found] == [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)]
    assert [c.seeds_paired for c in found] == [True] + [False] * 5
    for c in found:
        expected = rows[c.first].spread["hm"].mean - rows[c.second].spread["hm"].mean
        assert c.difference == pytest.approx(expected)
        assert c.low < c.difference < c.high
        assert c.p_holm >= c.p
    assert [c.p_holm for c in found] == pytest.approx(holm(np.array([c.p for c in found])))
    assert pair_tests(rows[:2], "seen")[0].p_holm == pair_tests(rows[:2], "seen")[0].p
