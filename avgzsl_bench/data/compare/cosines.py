"""Cosines of the vectors that two feature sets of one width have for the same videos, or classes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Agreement:
    """Cosines of the same video's vectors, beside those of different videos of its class.

    Attributes:
        videos: number of videos with a cosine.
        zero: number of videos without one, as a vector is zero.
        mean, median, fifth: of the cosines of the same video; `fifth` is the 5th percentile. None without videos.
        different: mean cosine of a video in the first set with every other video of its class in the second;
            None where no class has two videos.
    """

    videos: int
    zero: int
    mean: float | None
    median: float | None
    fifth: float | None
    different: float | None


def unit(values: NDArray[np.floating]) -> NDArray[np.float64]:
    """Bring vectors `[..., D]` to unit length, in double precision; zero stays zero."""
    values = values.astype(np.float64)
    length = np.linalg.norm(values, axis=-1, keepdims=True)
    return np.asarray(np.divide(values, length, out=np.zeros_like(values), where=length > 0))


def row_cosines(one: NDArray[np.floating], other: NDArray[np.floating]) -> NDArray[np.float64]:
    """Compute the cosine of each row of two arrays `[n, D]`: float64 `[n]`, NaN where a vector is zero."""
    cosines = np.einsum("nd,nd->n", unit(one), unit(other))
    cosines[~one.any(axis=1) | ~other.any(axis=1)] = np.nan
    return np.asarray(cosines)


def agreement_by_class(
    one: NDArray[np.float32],
    other: NDArray[np.float32],
    rows: tuple[NDArray[np.int64], NDArray[np.int64]],
    label: NDArray[np.int64],
) -> tuple[Agreement, dict[int, Agreement]]:
    """Compare the vectors of `N` videos in two sets.

    Args:
        one, other: vectors of all videos of either set, `[M, D]` and `[K, D]`.
        rows: rows of the `N` videos in either.
        label: their class ids, ascending: `[N]`.

    Returns:
        Over all videos, and by class id.
    """
    classes = {}
    cosines, sums, pairs = [np.empty(0)], 0.0, 0
    for class_id in np.unique(label).tolist():
        inside = slice(*np.searchsorted(label, [class_id, class_id + 1]))
        first, second = one[rows[0][inside]], other[rows[1][inside]]
        found = row_cosines(first, second)
        sound = ~np.isnan(found)
        n = int(sound.sum())
        total = float(unit(first[sound]).sum(axis=0) @ unit(second[sound]).sum(axis=0) - found[sound].sum())
        classes[class_id] = _agreement(found, total, n * (n - 1))
        cosines.append(found)
        sums, pairs = sums + total, pairs + n * (n - 1)
    return _agreement(np.concatenate(cosines), sums, pairs), classes


def _agreement(cosines: NDArray[np.float64], sum_different: float, pairs: int) -> Agreement:
    sound = cosines[~np.isnan(cosines)]
    mean, median, fifth = (
        (float(sound.mean()), float(np.median(sound)), float(np.percentile(sound, 5)))
        if len(sound)
        else (None, None, None)
    )
    different = sum_different / pairs if pairs else None
    return Agreement(len(sound), len(cosines) - len(sound), mean, median, fifth, different)


def largest_difference(
    one: NDArray[np.float32], other: NDArray[np.float32], rows: tuple[NDArray[np.int64], NDArray[np.int64]]
) -> float:
    """Find the largest difference of a video's vectors, by the length of the one in the first set.

    Args:
        one, other, rows: as in `agreement_by_class`.

    Returns:
        0 where all numbers are the same; infinite where only the first vector is zero.
    """
    largest = 0.0
    for start in range(0, len(rows[0]), _BLOCK):
        first, second = one[rows[0][start : start + _BLOCK]], other[rows[1][start : start + _BLOCK]]
        difference = np.linalg.norm(second.astype(np.float64) - first, axis=1)
        length = np.linalg.norm(first.astype(np.float64), axis=1)
        ratio = np.divide(difference, length, out=np.where(difference > 0, np.inf, 0.0), where=length > 0)
        largest = max(largest, float(ratio.max(initial=0.0)))
    return largest


_BLOCK = 1024
"""Videos at a time, so that double precision takes little memory."""
