from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import avgzsl_bench as ab
from avgzsl_bench.gzsl.curve import curve_of, harmonic_mean
from avgzsl_bench.gzsl.decisions import Decisions, GroundTruth, decide
from avgzsl_bench.gzsl.metrics import EvaluatedMetrics, metrics_of


def reference(scores, labels, seen, unseen, bias):
    """S, U, HM by the definition: subtract the bias, take the arg max, average per class."""
    adjusted = np.asarray(scores, dtype=np.float64).copy()
    accuracy = {}
    for i, label in enumerate(labels):
        best_seen = max(seen, key=lambda c: adjusted[i, c])
        best_unseen = max(unseen, key=lambda c: adjusted[i, c])
        gap = adjusted[i, best_seen] - adjusted[i, best_unseen]
        predicted = best_seen if gap > bias else best_unseen
        accuracy.setdefault(label, []).append(predicted == label)
    s = np.mean([np.mean(accuracy[c]) for c in seen if c in accuracy])
    u = np.mean([np.mean(accuracy[c]) for c in unseen if c in accuracy])
    return s, u, 2 * s * u / (s + u) if s + u else 0.0


@st.composite
def problems(draw):
    classes = draw(st.integers(2, 7))
    seen_count = draw(st.integers(1, classes - 1))
    columns = draw(st.permutations(range(classes)))
    seen, unseen = columns[:seen_count], columns[seen_count:]
    extra = draw(st.lists(st.integers(0, classes - 1), max_size=25))
    labels = [seen[0], unseen[0], *extra]
    # Few distinct values, so that gaps tie and biases fall on edges.
    values = st.sampled_from([-2.0, -1.0, -0.5, 0.0, 0.1, 0.25, 0.3, 0.7, 1.0, 1.5])
    scores = [[draw(values) for _ in range(classes)] for _ in labels]
    return np.array(scores), np.array(labels), list(seen), list(unseen)


@settings(max_examples=300, deadline=None)
@given(problems(), st.sampled_from([-1.5, -0.5, 0.0, 0.25, 0.3, 1.0, 3.0]))
def test_metrics_equal_the_definition_at_any_bias(problem, bias):
    scores, labels, seen, unseen = problem
    found = ab.evaluate(scores, labels, seen, unseen, bias=bias)
    expected = reference(scores, labels, seen, unseen, bias)
    assert (found.seen, found.unseen, found.hm) == pytest.approx(expected, abs=1e-12)


@settings(max_examples=200, deadline=None)
@given(problems())
def test_exact_bias_beats_every_other_bias(problem):
    scores, labels, seen, unseen = problem
    found = ab.evaluate(scores, labels, seen, unseen)
    everywhere = [reference(scores, labels, seen, unseen, b)[2] for b in np.linspace(-5, 5, 81)]
    assert found.hm >= max(everywhere) - 1e-12
    assert found.hm == pytest.approx(ab.seen_unseen_curve(scores, labels, seen, unseen).hm.max(), abs=1e-12)
    assert found.hm == pytest.approx(reference(scores, labels, seen, unseen, found.bias)[2], abs=1e-12)


@settings(max_examples=100, deadline=None)
@given(problems())
def test_curve_is_monotone_and_bounded(problem):
    scores, labels, seen, unseen = problem
    curve = ab.seen_unseen_curve(scores, labels, seen, unseen)
    for bias in (-1.5, 0.0, 0.25, 2.0):
        at, expected = curve.segment(bias), reference(scores, labels, seen, unseen, bias)
        assert (curve.seen[at], curve.unseen[at]) == pytest.approx(expected[:2], abs=1e-12)
    assert np.all(np.diff(curve.seen) <= 1e-12)
    assert np.all(np.diff(curve.unseen) >= -1e-12)
    assert curve.unseen[0] == curve.seen[-1] == 0
    decisions = decide(scores, seen, unseen)
    truth = GroundTruth(labels, np.array(seen), np.array(unseen))
    zsl = truth.present[1].mean_accuracy(truth.right(decisions.best_unseen))
    assert curve.unseen[-1] == pytest.approx(zsl)
    assert 0 <= curve.ausuc <= curve.seen[0] * zsl + 1e-12


def test_area_is_the_trapezoid_rule_over_the_corner_points():
    rng = np.random.default_rng(5)
    scores, labels = rng.normal(size=(40, 6)), np.arange(40) % 6
    curve = ab.seen_unseen_curve(scores, labels, [0, 1, 2], [3, 4, 5])
    area = sum(
        (curve.unseen[k + 1] - curve.unseen[k]) * (curve.seen[k + 1] + curve.seen[k]) / 2
        for k in range(len(curve.edge))
    )
    assert curve.ausuc == pytest.approx(area)
    assert curve.ausuc > 0


def test_published_example_of_nine_videos():
    """Nine videos in the plane, distances to four classes: the ClipClap-GZSL evaluation's own figures."""
    videos = torch.tensor(
        [(0.2, 0.1), (0.1, 1.6), (3.9, 0.2), (4.2, 1.0), (0.3, 1.3), (0, 2), (3.6, 1.4), (3.9, 1.1), (1.7, 2.9)],
        dtype=torch.float64,
    )
    classes = torch.tensor([(0, 0), (4, 0), (0, 3), (4, 3)], dtype=torch.float64)
    labels = [0, 0, 1, 1, 2, 2, 3, 3, 3]
    scores = -torch.cdist(videos, classes)
    expected = {
        0.0: (0.75, 0.25, 0.375),
        0.4: (0.75, 0.666667, 0.705882),
        0.8: (0.75, 0.833333, 0.789474),
        2.0: (0.5, 0.833333, 0.625),
    }
    for bias, (s, u, hm) in expected.items():
        found = ab.evaluate(scores, labels, [0, 1], [2, 3], bias=bias)
        assert (found.seen, found.unseen, found.hm) == pytest.approx((s, u, hm), abs=5e-7)
        assert found.zsl == pytest.approx(0.833333, abs=5e-7)
    for grid in ("avca", "clipclap"):
        assert ab.evaluate(scores, labels, [0, 1], [2, 3], calibration=grid).bias == pytest.approx(0.8)


def test_bias_is_the_middle_of_the_longest_best_interval():
    # One seen class (0), one unseen (1); gaps -1, 1 (unseen videos) and 4, 5 (seen videos).
    gaps = np.array([-1.0, 1.0, 4.0, 5.0])
    scores = np.stack([gaps, np.zeros(4)], axis=1)
    found = ab.evaluate(scores, [1, 1, 0, 0], [0], [1])
    assert found.hm == 1.0
    assert found.bias == 2.5


def test_an_interval_between_neighbouring_floats_has_its_start_for_a_bias():
    step = np.finfo(np.float64).eps
    scores = np.array([[1 + step, 0.0], [1 + 2 * step, 0.0]])
    found = ab.evaluate(scores, [1, 0], [0], [1])
    assert (found.hm, found.bias) == (1.0, 1 + step)


def test_numpy_views_will_do():
    view = np.random.default_rng(2).normal(size=(6, 3))[::-1]
    of_view, of_copy = (ab.evaluate(scores, [2, 1, 0] * 2, [0, 1], [2]) for scores in (view, view.copy()))
    assert of_view == of_copy


@pytest.mark.parametrize(("bias", "expected"), [(0.5, (0.0, 1.0)), (0.4999, (1.0, 0.0))])
def test_gap_equal_to_the_bias_goes_to_the_unseen_class(bias, expected):
    found = ab.evaluate(np.array([[1.0, 0.5], [1.0, 0.5]]), [0, 1], [0], [1], bias=bias)
    assert (found.seen, found.unseen) == expected


def test_nothing_right_gives_zero_and_a_zero_bias():
    scores = np.array([[0.0, 9.0, 1.0, 2.0], [9.0, 0.0, 2.0, 1.0], [0.0, 1.0, 0.0, 5.0], [0.0, 1.0, 5.0, 0.0]])
    assert ab.evaluate(scores, [0, 1, 2, 3], [0, 1], [2, 3]) == EvaluatedMetrics(0, 0, 0, 0, 0, 0, oracle=True)


@pytest.mark.parametrize(
    ("scores", "labels", "classes", "expected"),
    [
        ([[5, 0, 0, 0], [0, 0, 0, 5]], [0, 3], ([0, 1], [2, 3]), 1.0),  # a class without videos is left out
        # Nine of nine videos of class 0 are right, none of one of class 1: the mean is over classes.
        ([[5, 0, 0]] * 10 + [[0, 0, 1]], [0] * 9 + [1, 2], ([0, 1], [2]), 0.5),
        ([[1, 0, 99], [0, 1, 99]], [0, 1], ([0], [1]), 1.0),  # other columns do not compete
    ],
)
def test_means_are_over_classes_that_are_seen_or_unseen_and_have_videos(scores, labels, classes, expected):
    found = ab.evaluate(np.array(scores, dtype=float), labels, *classes, bias=0.0)
    assert (found.seen, found.unseen, found.zsl) == (pytest.approx(expected), 1.0, 1.0)


def test_rounding_never_passes_one():
    labels = np.repeat(np.arange(7), 49)
    found = ab.evaluate(np.eye(7)[labels], labels, [0, 1, 2], [3, 4, 5, 6], bias=0.0)
    assert max(found.seen, found.unseen, found.hm, found.zsl, found.ausuc) <= 1.0
    assert found.hm == pytest.approx(1.0)


def test_numpy_and_torch_give_the_same():
    rng = np.random.default_rng(0)
    scores, labels = rng.normal(size=(60, 8)).astype(np.float32), np.arange(60) % 8
    from_numpy = ab.evaluate(scores, labels, [0, 2, 4, 6], [1, 3, 5, 7])
    from_torch = ab.evaluate(torch.from_numpy(scores), torch.from_numpy(labels), [0, 2, 4, 6], [1, 3, 5, 7])
    assert from_numpy == from_torch


def whole_scores():
    """Scores that every element type holds: whole numbers from 0 to 100."""
    rng = np.random.default_rng(3)
    scores, labels = rng.integers(0, 90, size=(60, 6)), np.arange(60) % 6
    scores[np.arange(60), labels] += 10
    return scores, labels


def read_only(array):
    array = array.copy()
    array.flags.writeable = False
    return array


SAME = {
    "big-endian": lambda s: s.astype(">f4"),
    "big-endian whole": lambda s: s.astype(">i2"),
    "read-only": lambda s: read_only(s.astype(np.float32)),
    "broadcast": lambda s: np.broadcast_to(s.astype(float), s.shape),
    "half": lambda s: s.astype(np.float16),
    "extended": lambda s: s.astype(np.longdouble),
    "whole": lambda s: s,
    "short whole": lambda s: s.astype(np.uint8),
    "unsigned": lambda s: s.astype(np.uint64),
    "lists": lambda s: s.tolist(),
    "tuples of rows": lambda s: tuple(s.astype(float)),
    "table": pd.DataFrame,
    "transposed": lambda s: s.T.copy().T.astype(float, order="F"),
    "torch half": lambda s: torch.from_numpy(s).half(),
    "torch bfloat16": lambda s: torch.from_numpy(s).bfloat16(),
    "torch float8": lambda s: (torch.from_numpy(s) // 16).to(torch.float8_e4m3fn),
    "torch whole": torch.from_numpy,
    "torch unsigned": lambda s: torch.from_numpy(s).to(torch.uint16),
    "torch with gradient": lambda s: torch.from_numpy(s).double().requires_grad_(),
}


@pytest.mark.parametrize("kind", SAME)
def test_every_kind_of_array_gives_the_figures_of_its_values(kind):
    scores, labels = whole_scores()
    plain = (scores // 16 if "float8" in kind else scores).astype(np.float64)
    expected = ab.evaluate(plain, labels, [0, 1, 2, 3], [4, 5])
    assert 0 < expected.hm < 1
    given = SAME[kind](scores)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert ab.evaluate(given, labels, [0, 1, 2, 3], [4, 5]) == expected
        curve = ab.seen_unseen_curve(given, read_only(labels), read_only(np.arange(4)), [4, 5])
        assert ab.decide(given, read_only(np.arange(4)), [4, 5]).gap.tolist() == (
            ab.decide(plain, [0, 1, 2, 3], [4, 5]).gap.tolist()
        )
    assert curve.ausuc == expected.ausuc


@pytest.mark.parametrize(
    ("scores", "said"),
    [
        ([[1.0, 2.0], [1.0]], "matrix of numbers"),
        ([["1", "2"], ["2", "1"]], "real numbers, got <U1"),
        ([[1.0, None], [0.0, 1.0]], "real numbers, got object"),
        (np.eye(2) * 1j, "real numbers, got complex128"),
        (torch.eye(2) * 1j, "real numbers in a dense tensor, got torch.complex64"),
        (torch.eye(2).to_sparse(), "dense tensor"),
        (np.ma.masked_equal(np.eye(2), 1.0), "masked"),
        (3.0, "scores must be"),
        ([1.0, 2.0], "scores must be"),
        (None, "real numbers"),
    ],
)
def test_scores_that_are_no_matrix_of_numbers_are_named(scores, said):
    with pytest.raises(ValueError, match=said):
        ab.evaluate(scores, [0, 1], [0], [1])


def test_a_bias_that_was_tuned_on_the_very_videos_is_called_an_oracle():
    """HM 0.645 in place of 0.594 on the same decisions: nobody may take the one for the other."""
    rng = np.random.default_rng(0)
    scores, labels = rng.normal(size=(80, 8)), np.arange(80) % 8
    scores[np.arange(80), labels] += 1.5
    arguments = (labels, [0, 1, 2, 3, 4], [5, 6, 7])
    val = ab.evaluate(scores[::-1] + rng.normal(size=(80, 8)), labels[::-1], *arguments[1:])
    tuned, given = ab.evaluate(scores, *arguments), ab.evaluate(scores, *arguments, bias=val.bias)
    assert tuned.hm > given.hm
    assert (val.oracle, tuned.oracle, given.oracle) == (True, True, False)
    assert f"bias {tuned.bias:.4g} (oracle)" in repr(tuned)
    assert f"bias {given.bias:.4g} (given)" in repr(given)
    by_rule = {rule: ab.evaluate(scores, *arguments, calibration=rule).oracle for rule in RULES}
    assert by_rule == RULES
    assert isinstance(tuned, ab.Metrics)


RULES = {"exact": True, "avca": True, "clipclap": True, "grid:0:1:2": True, "fixed:0.5": False}


def test_metrics_do_not_change_with_the_order_of_videos():
    rng = np.random.default_rng(1)
    gap = rng.choice([-1.0, 0.0, 0.5], size=50)
    best_seen, best_unseen, label = rng.integers(0, 3, 50), rng.integers(3, 5, 50), rng.integers(0, 5, 50)
    edges, metrics = [], []
    for order in (np.arange(50), rng.permutation(50)):
        decisions = Decisions(best_seen[order], best_unseen[order], gap[order])
        truth = GroundTruth(label[order], np.array([0, 1, 2]), np.array([3, 4]))
        edges.append(curve_of(decisions, truth).edge)
        metrics.append(vars(metrics_of(decisions, truth, 0.25)))
    assert metrics[0] == pytest.approx(metrics[1])
    assert np.array_equal(*edges)


def test_of_several_intervals_the_longest_counts():
    curve = ab.SeenUnseenCurve(
        edge=np.array([0.0, 1, 6, 10]),
        seen=np.array([1, 0.5, 0.2, 0.5, 0]),
        unseen=np.array([0, 0.5, 0.5, 0.5, 1]),
    )
    assert curve.best_bias() == 8.0


def test_harmonic_mean_of_zeros_is_zero():
    assert harmonic_mean([0.0, 0.5], [0.0, 0.25]).tolist() == [0.0, pytest.approx(1 / 3)]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"scores": np.zeros(3)}, "scores must be"),
        ({"scores": np.full((2, 2), np.nan)}, "NaN"),
        ({"labels": [0]}, "1 labels for 2 videos"),
        ({"labels": [0.0, 1.0]}, "labels must be"),
        ({"labels": [0, 2]}, "labels must lie"),
        ({"seen": [-1]}, "seen must lie"),
        ({"unseen": [0]}, "named twice"),
        ({"seen": [0, 0]}, "named twice"),
        ({"seen": []}, "names no column"),
        ({"bias": float("nan")}, "bias must be"),
        ({"labels": [0, 0]}, "no video of any unseen class"),
        ({"labels": [1, 1]}, "no video of any seen class"),
        ({"scores": np.eye(3), "labels": [0, 1, 2]}, "neither seen nor unseen"),
    ],
)
def test_bad_input_is_named(change, message):
    arguments = {"scores": np.eye(2), "labels": [0, 1], "seen": [0], "unseen": [1]} | change
    with pytest.raises(ValueError, match=message):
        ab.evaluate(**arguments)


def test_the_curve_has_the_same_bits_in_any_order_of_the_videos():
    """Weights are thirds and sevenths, whose sums depend on their order, and most gaps are equal to others."""
    random = np.random.default_rng(0)
    label = np.repeat(np.arange(10), [3, 7, 3, 11, 7, 13, 3, 7, 19, 21])
    truth = GroundTruth(label, np.arange(6), np.arange(6, 10))
    count = len(label)
    best = random.integers(0, 6, count), random.integers(6, 10, count)
    found = Decisions(*best, random.integers(0, 5, count) / 2)
    expected = curve_of(found, truth)
    for _ in range(20):
        order = random.permutation(count)
        moved = Decisions(found.best_seen[order], found.best_unseen[order], found.gap[order])
        curve = curve_of(moved, GroundTruth(label[order], truth.seen, truth.unseen))
        for name in ("edge", "seen", "unseen"):
            assert np.array_equal(getattr(curve, name), getattr(expected, name))
        assert curve.ausuc == expected.ausuc
