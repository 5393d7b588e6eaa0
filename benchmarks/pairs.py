"""Two ways of doing the same, measured in turn: the ratio is what counts, since machines are noisy."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

Way = Callable[[], object]


@dataclass(frozen=True)
class Pairs:
    """What neighbouring measurements of two ways gave.

    Attributes:
        median, low, high: of the ratios, one over other.
        one, other: seconds, medians.
        repeats: number of pairs.
    """

    median: float
    low: float
    high: float
    one: float
    other: float
    repeats: int


def pairs(one: Way, other: Way, *, repeats: int) -> Pairs:
    """Measure two ways in turn, after a first time that does not count."""
    one(), other()
    return compared([(seconds(one), seconds(other)) for _ in range(repeats)])


def compared(taken: ArrayLike) -> Pairs:
    """Sum up seconds that two ways took in turn, `[repeats, 2]`."""
    one, other = np.asarray(taken, np.float64).T
    ratios = one / other
    return Pairs(
        median=float(np.median(ratios)),
        low=float(ratios.min()),
        high=float(ratios.max()),
        one=float(np.median(one)),
        other=float(np.median(other)),
        repeats=len(ratios),
    )


def seconds(work: Way) -> float:
    """How long a piece of work takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
