from __future__ import annotations

import numpy as np
import pytest
from make_correctness import World, world
from scipy.stats import bootstrap as scipy_bootstrap

from avgzsl_bench.gzsl.curve import harmonic_mean
from avgzsl_bench.report.stats import bootstrap
from avgzsl_bench.report.stats.bootstrap import Strata, replicates_of, seed_of, video_weights
from avgzsl_bench.report.stats.correctness import RESAMPLED_FIGURES, Correctness
from avgzsl_bench.report.stats.variance import Interval, decompose, intervals_of

SMALL = world(20, 8, (6, 6), (0.3, 0.2, 0.2))


def _one_run() -> Correctness:
    return SMALL.draw(np.random.default_rng(0), 1)


def _interval(row: Correctness) -> Interval:
    (interval,) = intervals_of(decompose([row.figures()["hm"]], replicates_of([row], 2)["hm"], [0]))
    return interval


def test_weights_are_draws_within_classes() -> None:
    label = np.array([2, 0, 1, 2, 2, 0, 2, 2, 0, 0, 0, 0, 1, 1, 1, 1])  # class 3 has no video
    seen = np.array([True, False, True, True])
    strata = Strata.of(label, seen)
    assert label[strata.order].tolist() == [0] * 6 + [2] * 5 + [1] * 5
    (weights,) = video_weights(strata, 1, 50)
    draws = weights * ([2 * 5] * 6 + [2 * 4] * 5 + [1 * 4] * 5)
    np.testing.assert_allclose(draws, draws.round())
    by_class = np.stack([draws[:, :6].sum(1), draws[:, 6:11].sum(1), draws[:, 11:].sum(1)], axis=1)
    np.testing.assert_allclose(by_class, np.tile([5, 4, 4], (50, 1)))
    assert len(np.unique(draws, axis=0)) > 10


def test_small_classes_of_one_role_and_size_are_drawn_together() -> None:
    label = np.array(
        [0, 1, 1, 2, 2, 3, 3, 3, 3, 3, 4, 5]
    )  # two seen classes of two videos, two unseen ones of one
    seen = np.array([True, True, True, True, False, False])
    strata = Strata.of(label, seen)
    assert sorted(label[strata.order][:4].tolist()) == [1, 1, 2, 2]
    assert label[strata.order][4:].tolist() == [0, 3, 3, 3, 3, 3, 4, 5]
    (weights,) = video_weights(strata, 1, 200)
    # Of 2 + 2 videos 3 are drawn, for 2 of 4 seen classes; of 1 + 1 one, for both unseen ones.
    draws = weights * np.array([6] * 4 + [4] + [16] * 5 + [1, 1])
    np.testing.assert_allclose(draws, draws.round())
    np.testing.assert_allclose(draws[:, :4].sum(axis=1), 3)
    assert draws[:, :2].sum(axis=1).min() == 0, "one class can stand for both"
    np.testing.assert_allclose(weights[:, :10].sum(axis=1), 1)
    np.testing.assert_allclose(weights[:, 10:].sum(axis=1), 1)
    assert set(draws[:, 10].round()) == {0.0, 1.0}


def test_variance_of_classes_of_one_video_is_that_of_their_pool() -> None:
    label, seen = np.arange(20), np.arange(20) < 12
    correct = np.random.default_rng(0).random((1, 20)) < 0.5
    row = Correctness("m", (0,), label, seen, correct, correct & ~seen)
    found = replicates_of([row], 5, resamples=20000)
    for figure, right in (("seen", correct[0, :12]), ("unseen", correct[0, 12:])):
        assert found[figure].var() == pytest.approx(right.var(ddof=1) / len(right), rel=0.04)
    interval = _interval(row)
    assert 0 < interval.low < row.figures()["hm"][0] < interval.high < 1


def test_the_stream_of_draws_never_changes() -> None:
    strata = Strata.of(np.repeat(np.arange(3), 5), np.array([True, True, False]))
    (weights,) = video_weights(strata, seed_of("f" * 64, "a" * 64), 2)
    assert seed_of("f" * 64, "a" * 64) == 3936128877
    assert (weights * np.repeat([8, 8, 4], 5)).round().astype(int).tolist() == [
        [1, 2, 0, 1, 0, 1, 1, 0, 2, 0, 0, 1, 0, 2, 1],
        [2, 2, 0, 0, 0, 1, 2, 0, 0, 1, 1, 0, 2, 1, 0],
    ]


def test_the_seed_depends_on_every_mark() -> None:
    assert len({seed_of("ab", "c"), seed_of("a", "bc"), seed_of("ab", "d"), seed_of("ab")}) == 4


def test_variance_of_linear_figures_is_the_closed_form() -> None:
    row = _one_run()
    replicates = replicates_of([row], seed=3, resamples=20000)
    for figure, right, classes in (
        ("seen", row.correct, range(20)),
        ("unseen", row.correct, range(20, 28)),
        ("zsl", row.zsl_correct, range(20, 28)),
    ):
        of_class = [right[0, row.label == c].astype(float) for c in classes]
        expected = sum(x.var(ddof=1) / len(x) for x in of_class) / len(of_class) ** 2
        assert replicates[figure].var() == pytest.approx(expected, rel=0.04)
        assert replicates[figure].mean() == pytest.approx(row.figures()[figure][0], abs=0.002)


def test_variance_is_that_of_scipy_but_for_the_number_of_draws() -> None:
    row = _one_run()
    videos = [row.correct[0, row.label == c].astype(float) for c in range(28)]

    def hm(*classes: np.ndarray, axis: int = -1) -> np.ndarray:
        accuracy = [c.mean(axis=axis) for c in classes]
        return harmonic_mean(np.mean(accuracy[:20], axis=0), np.mean(accuracy[20:], axis=0))

    ours = replicates_of([row], seed=4, resamples=10000)["hm"].std()
    options = {"n_resamples": 10000, "vectorized": True, "method": "percentile", "random_state": 1}
    theirs = scipy_bootstrap(videos, hm, **options).standard_error
    assert ours == pytest.approx(theirs * np.sqrt(6 / 5), rel=0.04)


def test_methods_and_seeds_share_their_resamples() -> None:
    rng = np.random.default_rng(0)
    row, other = SMALL.draw(rng, 3), SMALL.draw(rng, 2)
    together, alone = replicates_of([row, other, row], 7), replicates_of([row], 7)
    for figure in RESAMPLED_FIGURES:
        assert together[figure].shape == (bootstrap.RESAMPLES, 8)
        np.testing.assert_array_equal(together[figure][:, :3], together[figure][:, 5:])
        np.testing.assert_allclose(together[figure][:, :3], alone[figure], atol=1e-12)
    assert not np.allclose(replicates_of([row], 8)["hm"], alone["hm"])


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    row = SMALL.draw(np.random.default_rng(0), 5)
    whole = replicates_of([row], 7, resamples=40)
    monkeypatch.setattr(bootstrap, "_BLOCK_RESAMPLES", 7)
    monkeypatch.setattr(bootstrap, "_BLOCK_RUNS", 2)
    parts = replicates_of([row], 7, resamples=40)
    for figure in RESAMPLED_FIGURES:
        np.testing.assert_allclose(parts[figure], whole[figure], atol=1e-12)


def test_no_seed_variance_leaves_the_videos() -> None:
    one = _one_run()
    same = Correctness(
        "m", (0, 1, 2), one.label, one.seen, *(np.repeat(x, 3, 0) for x in (one.correct, one.zsl_correct))
    )
    first, second = (_interval(row) for row in (one, same))
    assert (first.low, first.high) == pytest.approx((second.low, second.high), abs=1e-6)
    assert [first.varied, second.varied] == ["videos, one seed", "videos and 3 seeds"]


@pytest.mark.parametrize("right", [True, False])
def test_all_right_or_all_wrong_has_no_interval(right: bool) -> None:
    row = _one_run()
    all_same = Correctness("m", (0,), row.label, row.seen, np.full_like(row.correct, right), row.zsl_correct)
    interval = _interval(all_same)
    assert np.isnan([interval.low, interval.high]).all(), "nothing varied, which says nothing of other videos"


@pytest.mark.parametrize(
    ("simulated", "runs"),
    [
        (world(20, 8, (6, 6), (0.1, 0.1, 0.2)), 3),
        (world(20, 8, (6, 6), (0.5, 0.3, 0.3)), 3),
        (world(20, 8, (6, 6), (0.3, 0.2, 0.2)), 5),
        (world(30, 6, (10, 60), (0.1, 0.1, 0.2)), 3),
        (world(30, 6, (10, 60), (0.1, 0.1, 0.2)), 5),
        (world(20, 8, (6, 6), (0.0, 0.0, 0.0)), 1),
    ],
    ids=["small classes", "seeds dominate", "five seeds", "large classes", "large, five seeds", "one seed"],
)
def test_intervals_cover_the_truth_as_often_as_they_say(simulated: World, runs: int) -> None:
    rng = np.random.default_rng(0)
    truth = simulated.truth(rng)
    draws = 1000  # with 500 a share of 0.967, the highest of these over 3000 draws, is at times found as 0.982
    covered = dict.fromkeys(truth, 0)
    for draw in range(draws):
        row = simulated.draw(rng, runs)
        figures, replicates = row.figures(), replicates_of([row], draw, resamples=200)
        for figure, value in truth.items():
            (interval,) = intervals_of(decompose([figures[figure]], replicates[figure], [0]))
            covered[figure] += interval.low <= value <= interval.high
    share = {figure: count / draws for figure, count in covered.items()}
    assert all(0.92 <= found <= 0.98 for found in share.values()), share
