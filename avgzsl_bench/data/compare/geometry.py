"""Whether two feature sets arrange the same videos alike, whatever their widths and axes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from avgzsl_bench.data.compare.cosines import unit

MOST = 2000
"""Videos whose pairwise cosines are compared: two million pairs."""

_TIED = 1e-6
"""Difference of cosines below which two neighbours are equally near."""


@dataclass(frozen=True)
class Geometry:
    """How alike two sets arrange some videos.

    Attributes:
        videos: number of them.
        spearman: rank correlation of all pairwise cosines, 1 for copies that are rotated or scaled; None where it
            is not defined (fewer than three videos, or all pairs alike).
        same_neighbour: share of videos whose nearest other video, by the cosine, is the same in both sets; None
            for fewer than two videos.
    """

    videos: int
    spearman: float | None
    same_neighbour: float | None


def compare_geometry(one: NDArray[np.float32], other: NDArray[np.float32]) -> Geometry:
    """Compare the arrangement of `n` vectors, `[n, D]` and `[n, E]`."""
    cosines = [vectors @ vectors.T for vectors in (unit(one), unit(other))]
    upper = np.triu_indices(len(one), 1)
    correlation = _spearman(*(c[upper] for c in cosines))
    return Geometry(len(one), correlation, _same_neighbour(*cosines) if len(one) > 1 else None)


def _spearman(one: NDArray[np.float64], other: NDArray[np.float64]) -> float | None:
    from scipy.stats import rankdata  # slow to import

    if len(one) < 2 or np.ptp(one) == 0 or np.ptp(other) == 0:
        return None
    return float(np.corrcoef(rankdata(one), rankdata(other))[0, 1])


def _same_neighbour(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Count a video as well whose neighbour in one set is as near as its neighbour in the other."""
    rows = np.arange(len(one))
    nearest = []
    for cosines in (one, other):
        np.fill_diagonal(cosines, -np.inf)
        nearest.append(cosines.argmax(axis=1))
    tied = [cosines[rows, nearest[0]] - cosines[rows, nearest[1]] for cosines in (one, other)]
    return float(((np.abs(tied[0]) <= _TIED) & (np.abs(tied[1]) <= _TIED)).mean())
