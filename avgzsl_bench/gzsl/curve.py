"""The exact seen-unseen curve: S and U as step functions of the bias, from one sort of the gaps.

S and U change only at the gaps of the videos, so that the whole curve is exact without a loop over biases.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from avgzsl_bench.gzsl.decisions import Decisions, GroundTruth

EQUAL = 1e-12
"""HM values closer than this are equal: sums of the same terms in another order differ by rounding."""


@dataclass(frozen=True, repr=False)
class SeenUnseenCurve:
    """S and U as step functions of the bias, exact.

    Between two neighbouring edges, and outside the outermost, nothing changes: segment `k` holds for biases
    in `[edge[k-1], edge[k])`.

    Attributes:
        edge: float64 `[M]`, the distinct gaps, ascending.
        seen: float64 `[M + 1]`, S in each segment, not increasing.
        unseen: float64 `[M + 1]`, U in each segment, not decreasing.
    """

    edge: NDArray[np.float64]
    seen: NDArray[np.float64]
    unseen: NDArray[np.float64]

    def __repr__(self) -> str:
        best = f"best HM {100 * self.hm.max():.2f} % at bias {self.best_bias():.4g}"
        return f"SeenUnseenCurve({len(self.edge):,} edges, AUSUC {100 * self.ausuc:.2f} %, {best})"

    @property
    def hm(self) -> NDArray[np.float64]:
        """HM in each segment: float64 `[M + 1]`."""
        return harmonic_mean(self.seen, self.unseen)

    @property
    def ausuc(self) -> float:
        """Area under `(U, S)` over all biases, by the trapezoid rule over the corner points."""
        widths, heights = np.diff(self.unseen), self.seen[1:] + self.seen[:-1]
        return float(np.dot(widths, heights) / 2)

    def segment(self, bias: ArrayLike) -> NDArray[np.int64]:
        """Find the segment that each bias falls into."""
        return np.searchsorted(self.edge, bias, side="right")

    def hm_at(self, bias: ArrayLike) -> NDArray[np.float64]:
        """HM at each of the given biases."""
        return self.hm[self.segment(bias)]

    def best_bias(self) -> float:
        """Find the middle of the longest interval of biases with the highest HM; 0 where HM is 0 everywhere."""
        hm = self.hm
        highest = hm.max()
        best = np.flatnonzero(hm >= highest - EQUAL)
        if len(best) == len(hm) or highest <= 0:
            return 0.0
        # HM is 0 in both unbounded segments, so every run of best segments lies between two edges.
        breaks = np.flatnonzero(best[1:] > best[:-1] + 1)
        first, last = np.append(0, breaks + 1), np.append(breaks, len(best) - 1)
        start, stop = self.edge[best[first] - 1], self.edge[best[last]]
        longest = int(np.argmax(stop - start))
        middle = start[longest] + (stop[longest] - start[longest]) / 2
        # Between neighbouring floats there is no middle; the interval holds its start and not its stop.
        return float(middle if middle < stop[longest] else start[longest])


def harmonic_mean(seen: ArrayLike, unseen: ArrayLike) -> NDArray[np.float64]:
    """`2 S U / (S + U)`, and 0 where both are 0."""
    s, u = np.asarray(seen, dtype=np.float64), np.asarray(unseen, dtype=np.float64)
    total = s + u
    return np.divide(2 * s * u, total, out=np.zeros_like(total), where=total > 0)


def curve_of(decisions: Decisions, truth: GroundTruth) -> SeenUnseenCurve:
    """Compute the exact curve of decisions: one sort of the gaps and two cumulative sums.

    It has the same bits for any order of the videos.
    """
    seen_hit = truth.weight * (decisions.best_seen == truth.label)
    unseen_hit = truth.weight * (decisions.best_unseen == truth.label)
    order = np.argsort(decisions.gap)
    gap = decisions.gap[order]
    if (gap[1:] == gap[:-1]).any():  # sums of equal gaps in one order, whatever order the videos are in
        order = np.lexsort((seen_hit, unseen_hit, decisions.gap))
    # Suffix sums rather than total minus prefix sums: the last segment is exactly 0.
    seen_right = np.cumsum(seen_hit[order[::-1]])[::-1]
    unseen_left = np.cumsum(unseen_hit[order])
    last = np.flatnonzero(gap[1:] != gap[:-1])  # of each gap but the highest
    seen, unseen = np.zeros(len(last) + 2), np.zeros(len(last) + 2)
    seen[0], seen[1:-1] = seen_right[0], seen_right[last + 1]
    unseen[1:-1], unseen[-1] = unseen_left[last], unseen_left[-1]
    # Rounding must not pass 1.
    return SeenUnseenCurve(np.append(gap[last], gap[-1]), np.minimum(seen, 1.0), np.minimum(unseen, 1.0))
