"""Cosines, arrangement and baselines, against plain loops and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.stats import spearmanr

from avgzsl_bench.data.compare import geometry
from avgzsl_bench.data.compare.cosines import agreement_by_class, largest_difference, row_cosines
from avgzsl_bench.data.compare.geometry import compare_geometry
from avgzsl_bench.data.compare.nearest import Scores, accuracy_of, prototype_scores, text_scores
from avgzsl_bench.data.compare.shared import chosen_by_hash
from avgzsl_bench.data.compare.verdict import Verdict, verdict_of, worst


def rows(n: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((n, width)).astype(np.float32)


def rotation(width: int, seed: int = 9) -> np.ndarray:
    return np.linalg.qr(np.random.default_rng(seed).standard_normal((width, width)))[0]


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    return float(a.astype(float) @ b / np.linalg.norm(a.astype(float)) / np.linalg.norm(b.astype(float)))


def test_cosines_are_those_of_a_plain_loop() -> None:
    one, other = rows(9, 4, 1), rows(11, 4, 2)
    at = np.array([8, 0, 3, 5, 1, 2]), np.array([10, 4, 2, 0, 9, 1])
    label = np.array([0, 0, 0, 2, 2, 7])
    overall, classes = agreement_by_class(one, other, at, label)
    same = [cosine(one[i], other[k]) for i, k in zip(*at, strict=True)]
    different = {
        c: [
            cosine(one[at[0][i]], other[at[1][k]])
            for i in range(6)
            for k in range(6)
            if i != k and label[i] == label[k] == c
        ]
        for c in (0, 2, 7)
    }
    assert (overall.videos, overall.zero) == (6, 0)
    assert overall.mean == pytest.approx(np.mean(same))
    assert overall.median == pytest.approx(np.median(same))
    assert overall.fifth == pytest.approx(np.percentile(same, 5))
    assert overall.different == pytest.approx(np.mean(different[0] + different[2]))
    assert list(classes) == [0, 2, 7]
    assert classes[0].mean == pytest.approx(np.mean(same[:3]))
    assert classes[2].different == pytest.approx(np.mean(different[2]))
    assert classes[7].different is None


def test_zero_vectors_have_no_cosine() -> None:
    one, other = rows(4, 3), rows(4, 3)
    one[1] = 0
    other[2] = 0
    overall, _ = agreement_by_class(one, other, (np.arange(4), np.arange(4)), np.zeros(4, int))
    assert (overall.videos, overall.zero) == (2, 2)
    assert overall.mean == pytest.approx(1)
    assert overall.different == pytest.approx(cosine(one[0], other[3]))
    assert np.isnan(row_cosines(one, other)).tolist() == [False, True, True, False]
    nothing, _ = agreement_by_class(one[1:2], other[1:2], (np.arange(1), np.arange(1)), np.zeros(1, int))
    assert (nothing.videos, nothing.mean, nothing.median, nothing.fifth) == (0, None, None, None)


def test_large_numbers_do_not_overflow() -> None:
    one = rows(5, 3) * np.float32(1e30)
    overall, _ = agreement_by_class(one, one, (np.arange(5), np.arange(5)), np.zeros(5, int))
    assert overall.mean == pytest.approx(1)
    assert largest_difference(one, one, (np.arange(5), np.arange(5))) == 0


def test_the_largest_difference() -> None:
    one = rows(3000, 4)
    other = one.copy()
    every = np.arange(3000), np.arange(3000)
    assert largest_difference(one, other, every) == 0
    other[2500] *= np.float32(1.25)
    assert largest_difference(one, other, every) == pytest.approx(0.25)
    other[7] = one[7] = 0
    assert largest_difference(one, other, every) == pytest.approx(0.25)
    one[7], other[7] = 0, 1
    assert largest_difference(one, other, every) == np.inf


def test_a_rotated_and_scaled_copy_is_arranged_alike() -> None:
    one = rows(60, 8)
    found = compare_geometry(one, (3 * one @ rotation(8)).astype(np.float32))
    assert found.videos == 60
    assert found.spearman == pytest.approx(1, abs=1e-6)
    assert found.same_neighbour == 1


def test_the_arrangement_is_that_of_a_plain_loop() -> None:
    one, other = rows(30, 5, 1), rows(30, 7, 2)
    found = compare_geometry(one, other)
    pairs = [(i, k) for i in range(30) for k in range(i)]
    cosines = [[cosine(v[i], v[k]) for i, k in pairs] for v in (one, other)]
    assert found.spearman == pytest.approx(spearmanr(*cosines).statistic)
    nearest = [
        [max((k for k in range(30) if k != i), key=lambda k, i=i, v=v: cosine(v[i], v[k])) for i in range(30)]
        for v in (one, other)
    ]
    assert found.same_neighbour == pytest.approx(np.mean(np.equal(*nearest)))


def test_equally_near_neighbours_are_the_same() -> None:
    one = np.repeat(rows(5, 4), 3, axis=0)
    assert compare_geometry(one, (one @ rotation(4)).astype(np.float32)).same_neighbour == 1


@pytest.mark.parametrize(("n", "spearman", "neighbour"), [(1, None, None), (2, None, 1.0)])
def test_few_videos_have_no_arrangement(n: int, spearman: None, neighbour: float | None) -> None:
    found = compare_geometry(rows(n, 3), rows(n, 3))
    assert (found.spearman, found.same_neighbour) == (spearman, neighbour)
    assert compare_geometry(np.ones((5, 2), np.float32), rows(5, 3)).spearman is None


def test_the_choice_of_videos_depends_on_their_ids_alone() -> None:
    ids = [f"v_{i}" for i in range(5000)]
    chosen = chosen_by_hash(ids, geometry.MOST)
    assert len(chosen) == 2000
    assert chosen.tolist() == sorted(set(chosen.tolist()))
    names = {ids[i] for i in chosen}
    again = chosen_by_hash(ids[::-1], geometry.MOST)
    assert {ids[::-1][i] for i in again} == names
    assert chosen_by_hash(ids[:3], 10).tolist() == [0, 1, 2]


def test_nearest_prototype_without_recordings() -> None:
    train = np.array([[1, 0], [3, 0.3], [0, 1], [-0.1, 5]], np.float32)
    scored = np.array([[1, 0.2], [0.1, 1], [1, 0.9], [0.9, 1]], np.float32)
    unknown = np.full(4, -1)
    scores = prototype_scores(train, np.array([3, 3, 5, 5]), scored, unknown, unknown)
    assert scores.classes.tolist() == [3, 5]
    mean = train[0] / 1 + train[1] / np.linalg.norm(train[1])
    assert scores.values[0, 0] == pytest.approx(cosine(scored[0], mean))
    found = accuracy_of(scores, np.array([3, 5, 5, 5]))
    assert (found.classes, found.videos, found.left_out) == (2, 4, 0)
    assert found.accuracy == pytest.approx(100 * (1 + 2 / 3) / 2)


def test_the_own_recording_does_not_count() -> None:
    """By a plain loop: class means without the clips of the scored video's recording."""
    random = np.random.default_rng(3)
    train, scored = rows(40, 6, 4), rows(25, 6, 5)
    label, recording, of_scored = (
        random.integers(0, 4, 40),
        random.integers(-1, 12, 40),
        random.integers(-1, 15, 25),
    )
    scores = prototype_scores(train, label, scored, recording, of_scored)
    for i in range(25):
        for c in range(4):
            kept = (label == c) & ((recording != of_scored[i]) | (of_scored[i] == -1))
            units = train[kept] / np.linalg.norm(train[kept], axis=1, keepdims=True)
            assert_allclose(scores.values[i, c], cosine(scored[i], units.sum(axis=0)), atol=1e-6)


def test_a_class_with_nothing_left_cannot_be_scored() -> None:
    train = np.array([[1, 0], [0, 1], [0, 2]], np.float32)
    args = np.array([0, 1, 1]), np.array([[1, 0], [1, 0.1]], np.float32), np.array([7, 8, 9]), np.array([7, 8])
    scores = prototype_scores(train, *args)
    assert np.isnan(scores.values).tolist() == [[True, False], [False, False]]
    found = accuracy_of(scores, np.array([0, 0]))
    assert (found.videos, found.left_out, found.accuracy) == (1, 1, 100)
    assert accuracy_of(scores, np.array([5, 6])) == accuracy_of(
        Scores(scores.classes, scores.values), np.array([9, 8])
    )
    assert accuracy_of(scores, np.array([5, 6])).accuracy is None


def test_nearest_text() -> None:
    text = np.array([[1, 0], [np.nan, np.nan], [0, 2], [9, 9]], np.float32)
    scored = np.array([[5, 1], [1, 5], [5, 1]], np.float32)
    scores = text_scores(scored, text, np.array([0, 1, 2]))
    found = accuracy_of(scores, np.array([0, 2, 1]))
    assert (found.classes, found.videos, found.left_out, found.accuracy) == (3, 2, 1, 100)


def test_verdicts() -> None:
    one = rows(50, 6)
    every = np.arange(50), np.arange(50)
    label = np.zeros(50, int)

    def verdict(other: np.ndarray) -> Verdict:
        other = other.astype(np.float32)
        return verdict_of(agreement_by_class(one, other, every, label)[0], largest_difference(one, other, every))

    assert verdict(one) is Verdict.SAME
    assert verdict(one.astype(np.float16)) is Verdict.ROUNDED
    assert verdict(one * 2) is Verdict.SPACE
    assert verdict(one + 0.2 * rows(50, 6, 7)) is Verdict.SPACE
    assert verdict(one + 3 * rows(50, 6, 7)) is Verdict.OTHER
    assert verdict(one @ rotation(6)) is Verdict.OTHER
    assert verdict_of(None, None) is Verdict.OTHER
    assert worst([Verdict.SAME, Verdict.SPACE, Verdict.ROUNDED]) is Verdict.SPACE
