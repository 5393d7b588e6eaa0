"""Decisions, the exact seen-unseen curve, and S, U, HM, ZSL, AUSUC: pure functions of scores and labels.

For each video three numbers are kept: the best seen class, the best unseen class, and the gap between their
scores, `t = s - u`. Calibrated stacking with bias `g` predicts the seen class where `t > g` and the unseen
class elsewhere (Chao et al., ECCV 2016). So S and U are step functions of `g` that change only at the gaps,
and one sort gives the whole curve exactly.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from avgzsl_bench.gzsl.calibration import EQUAL, parse_calibration

if TYPE_CHECKING:
    from torch import Tensor

    Scores = Tensor | NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Decisions:
    """Every prediction at every bias.

    Attributes:
        best_seen: int64 `[N]`, column of the best seen class.
        best_unseen: int64 `[N]`, column of the best unseen class.
        gap: float64 `[N]`, best seen score minus best unseen score.
    """

    best_seen: NDArray[np.int64]
    best_unseen: NDArray[np.int64]
    gap: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.gap)

    def predict(self, bias: float) -> NDArray[np.int64]:
        """Predicted columns `[N]` at a bias."""
        return np.where(self.gap > bias, self.best_seen, self.best_unseen)


@dataclass(frozen=True)
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
        """The segment that each bias falls into."""
        return np.searchsorted(self.edge, bias, side="right")

    def hm_at(self, bias: ArrayLike) -> NDArray[np.float64]:
        """HM at each of the given biases."""
        return self.hm[self.segment(bias)]

    def best_bias(self) -> float:
        """The middle of the longest interval of biases that reach the highest HM; 0 where HM is 0 everywhere."""
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


class RoleClasses(NamedTuple):
    """The classes of one role that have a video: their columns, and how many videos each has."""

    columns: NDArray[np.int64]
    videos: NDArray[np.int64]

    def mean_accuracy(self, right: NDArray[np.int64]) -> float:
        """Mean over the classes of the share that is right; 0 without a class.

        Args:
            right: videos that are right, of each column.
        """
        classes = len(self.columns)
        return float((right[self.columns] / self.videos).sum() / classes) if classes else 0.0


@dataclass(frozen=True, eq=False)
class GroundTruth:
    """What decisions are measured against; what all figures share is computed once.

    A class without a video is left out of every mean.

    Attributes:
        label: int64 `[N]`, the true column of each video.
        seen, unseen: int64, columns of the classes of each role.
    """

    label: NDArray[np.int64]
    seen: NDArray[np.int64]
    unseen: NDArray[np.int64]

    @cached_property
    def count(self) -> NDArray[np.int64]:
        """Videos of each column."""
        columns = (self.label, self.seen, self.unseen)
        return np.bincount(self.label, minlength=int(max(column.max(initial=0) for column in columns)) + 1)

    @cached_property
    def present(self) -> tuple[RoleClasses, RoleClasses]:
        """The seen and the unseen classes that have a video."""
        roles = (columns[self.count[columns] > 0] for columns in (self.seen, self.unseen))
        seen, unseen = (RoleClasses(columns, self.count[columns]) for columns in roles)
        return seen, unseen

    @cached_property
    def weight(self) -> NDArray[np.float64]:
        """Weight `[N]` of each video in its role's mean per-class accuracy; 0 for a class of neither role."""
        of_class = np.zeros(len(self.count))
        for columns, videos in self.present:
            of_class[columns] = 1.0 / (len(columns) * videos)
        return of_class[self.label]

    def right(self, predicted: NDArray[np.int64]) -> NDArray[np.int64]:
        """Videos of each column that are predicted right; `predicted` are columns `[N]`."""
        return np.bincount(self.label[predicted == self.label], minlength=len(self.count))


@dataclass(frozen=True)
class Metrics:
    """The figures of a run, as fractions.

    Attributes:
        seen: S, mean per-class accuracy on seen classes at `bias`.
        unseen: U, the same on unseen classes.
        hm: harmonic mean of the two.
        zsl: mean per-class accuracy on unseen classes when only they compete.
        ausuc: area under the seen-unseen curve.
        bias: what was subtracted from seen scores.
    """

    seen: float
    unseen: float
    hm: float
    zsl: float
    ausuc: float
    bias: float


def harmonic_mean(seen: ArrayLike, unseen: ArrayLike) -> NDArray[np.float64]:
    """`2 S U / (S + U)`, and 0 where both are 0."""
    s, u = np.asarray(seen, dtype=np.float64), np.asarray(unseen, dtype=np.float64)
    total = s + u
    return np.divide(2 * s * u, total, out=np.zeros_like(total), where=total > 0)


def decide(scores: Scores, seen: Sequence[int] | ArrayLike, unseen: Sequence[int] | ArrayLike) -> Decisions:
    """Reduce scores to decisions, on the device the scores are on.

    Args:
        scores: float `[N, K]`, higher is better; NumPy or torch.
        seen: columns of the seen classes.
        unseen: columns of the unseen classes.
    """
    import torch

    with torch.inference_mode():
        tensor = _tensor(scores)
        best = []
        for columns in (seen, unseen):
            column = np.asarray(columns, dtype=np.int64)
            found = tensor.index_select(1, torch.from_numpy(column).to(tensor.device)).max(dim=1)
            best.append((found.values.cpu().double(), column[found.indices.cpu().numpy()]))
    (seen_value, seen_class), (unseen_value, unseen_class) = best
    return Decisions(seen_class, unseen_class, (seen_value - unseen_value).numpy())


def _tensor(scores: Scores) -> Tensor:
    import torch

    # Torch takes no NumPy views with negative strides.
    return scores if isinstance(scores, torch.Tensor) else torch.from_numpy(np.ascontiguousarray(scores))


def curve_of(decisions: Decisions, truth: GroundTruth) -> SeenUnseenCurve:
    """The exact curve of decisions: one sort of the gaps and two cumulative sums."""
    order = np.argsort(decisions.gap)
    gap = decisions.gap[order]
    seen_hit = truth.weight * (decisions.best_seen == truth.label)
    unseen_hit = truth.weight * (decisions.best_unseen == truth.label)
    # Suffix sums rather than total minus prefix sums: the last segment is exactly 0.
    seen_right = np.cumsum(seen_hit[order[::-1]])[::-1]
    unseen_left = np.cumsum(unseen_hit[order])
    last = np.flatnonzero(gap[1:] != gap[:-1])  # of each gap but the highest
    seen, unseen = np.zeros(len(last) + 2), np.zeros(len(last) + 2)
    seen[0], seen[1:-1] = seen_right[0], seen_right[last + 1]
    unseen[1:-1], unseen[-1] = unseen_left[last], unseen_left[-1]
    # Rounding must not pass 1.
    return SeenUnseenCurve(np.append(gap[last], gap[-1]), np.minimum(seen, 1.0), np.minimum(unseen, 1.0))


def metrics_of(
    decisions: Decisions, truth: GroundTruth, bias: float, curve: SeenUnseenCurve | None = None
) -> Metrics:
    """All figures at a bias. S and U are means of per-class accuracies, taken class by class.

    Args:
        decisions: of `N` videos.
        truth: about the same videos.
        bias: what is subtracted from seen scores.
        curve: of the same decisions, where it is at hand.
    """
    seen, unseen = truth.present
    right = truth.right(decisions.predict(bias))
    s, u = seen.mean_accuracy(right), unseen.mean_accuracy(right)
    return Metrics(
        seen=s,
        unseen=u,
        hm=float(harmonic_mean(s, u)),
        zsl=unseen.mean_accuracy(truth.right(decisions.best_unseen)),
        ausuc=(curve or curve_of(decisions, truth)).ausuc,
        bias=float(bias),
    )


def seen_unseen_curve(scores: Scores, labels: ArrayLike, seen: ArrayLike, unseen: ArrayLike) -> SeenUnseenCurve:
    """The exact seen-unseen curve of a score matrix.

    Args:
        scores: float `[N, K]`, higher is better; NumPy or torch. Negate distances.
        labels: int `[N]`, the true column of each video.
        seen: columns of the seen classes.
        unseen: columns of the unseen classes.

    Raises:
        ValueError: shapes or columns that do not fit, scores that are not finite, no video of one kind.
    """
    truth = _checked(scores, labels, seen, unseen)
    return curve_of(decide(scores, truth.seen, truth.unseen), truth)


def evaluate(
    scores: Scores,
    labels: ArrayLike,
    seen: ArrayLike,
    unseen: ArrayLike,
    bias: float | None = None,
    calibration: str = "exact",
) -> Metrics:
    """S, U, HM, ZSL and AUSUC of a score matrix.

    Args:
        scores: float `[N, K]`, higher is better; NumPy or torch. Negate distances.
        labels: int `[N]`, the true column of each video.
        seen: columns of the seen classes.
        unseen: columns of the unseen classes.
        bias: what to subtract from seen scores, e.g. found on validation videos.
        calibration: where the bias comes from when none is given: `exact`, `avca`, `clipclap`,
            `grid:START:STOP:STEPS` or `fixed:VALUE`. It is then tuned on these very videos, which is right for
            validation videos and an oracle for test videos.

    Returns:
        The figures as fractions.

    Raises:
        ValueError: shapes or columns that do not fit, scores that are not finite, no video of one kind.

    Examples:
        >>> scores = [[0.9, 0.1, 0.3], [0.2, 0.8, 0.9], [0.7, 0.2, 0.6]]
        >>> m = evaluate(np.array(scores), labels=[0, 1, 2], seen=[0, 1], unseen=[2])
        >>> m.seen, m.unseen, round(m.hm, 4), m.zsl
        (0.5, 1.0, 0.6667, 1.0)
    """
    truth = _checked(scores, labels, seen, unseen)
    if bias is not None and not np.isfinite(bias):
        raise ValueError(f"bias must be a finite number, got {bias}")
    decisions = decide(scores, truth.seen, truth.unseen)
    curve = curve_of(decisions, truth)
    if bias is None:
        bias = parse_calibration(calibration).choose(curve)
    return metrics_of(decisions, truth, bias, curve)


def _checked(scores: Scores, labels: ArrayLike, seen: ArrayLike, unseen: ArrayLike) -> GroundTruth:
    """Labels and columns, after the checks that `evaluate` documents."""
    import torch

    if scores.ndim != 2:
        raise ValueError(f"scores must be [videos, classes], got shape {tuple(scores.shape)}")
    videos, columns = scores.shape
    if not torch.isfinite(_tensor(scores)).all():
        raise ValueError("scores hold NaN or infinite values")
    arrays = []
    for name, values in (("labels", labels), ("seen", seen), ("unseen", unseen)):
        array = values.cpu().numpy() if isinstance(values, torch.Tensor) else np.asarray(values)
        if array.size == 0 and name != "labels":
            raise ValueError(f"{name} names no column")
        if array.ndim != 1 or array.dtype.kind not in "iu":
            raise ValueError(f"{name} must be a list of column numbers, got {array.dtype} {array.shape}")
        if array.size and not 0 <= array.min() <= array.max() < columns:
            raise ValueError(f"{name} must lie in 0..{columns - 1}")
        arrays.append(array.astype(np.int64))
    label, s, u = arrays
    if len(label) != videos:
        raise ValueError(f"{len(label)} labels for {videos} videos")
    if len(np.unique(np.concatenate([s, u]))) < len(s) + len(u):
        raise ValueError("seen and unseen must name each column once; one is named twice")
    for name, classes in (("seen", s), ("unseen", u)):
        if not np.isin(label, classes).any():
            raise ValueError(f"no video of any {name} class")
    if not np.isin(label, np.concatenate([s, u])).all():
        raise ValueError("a video's label is neither seen nor unseen")
    return GroundTruth(label, s, u)
