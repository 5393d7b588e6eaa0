from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from make_correctness import world
from make_record import make_board, make_record
from scipy.stats import ttest_ind, ttest_rel

from avgzsl_bench.report.stats.correctness import Correctness
from avgzsl_bench.report.stats.pair_tests import pair_tests
from avgzsl_bench.report.stats.pairwise import RankInterval, holm, pairwise_tests, rank_intervals
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


def test_a_certain_difference_needs_no_variance() -> None:
    row = WORLD.draw(np.random.default_rng(0), 1)
    correct, wrong = (replace(row, correct=np.full_like(row.correct, value)) for value in (True, False))
    found = pairwise_tests(components_of([correct, wrong], 0)["hm"])
    assert found.p[0, 1] == 0.0
    assert found.statistic[0, 1] == np.inf


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
