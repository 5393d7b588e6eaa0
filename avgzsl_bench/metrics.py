"""Decisions, the exact seen-unseen curve, and S, U, HM, ZSL, AUSUC: pure functions of scores and labels.

For each video three numbers are kept: the best seen class, the best unseen class, and the gap between their
scores, `t = s - u`. Calibrated stacking with bias `g` predicts the seen class where `t > g` and the unseen
class elsewhere (Chao et al., ECCV 2016). So S and U are step functions of `g` that change only at the gaps,
and one sort gives the whole curve exactly.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from avgzsl_bench.calibration import EQUAL, parse_calibration

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
        best = hm >= hm.max() - EQUAL
        if best.all() or hm.max() <= 0:
            return 0.0
        # HM is 0 in both unbounded segments, so every run of best segments lies between two edges.
        change = np.diff(best.astype(np.int8), prepend=0, append=0)
        start, stop = self.edge[np.flatnonzero(change == 1) - 1], self.edge[np.flatnonzero(change == -1) - 1]
        longest = int(np.argmax(stop - start))
        middle = start[longest] + (stop[longest] - start[longest]) / 2
        # Between neighbouring floats there is no middle; the interval holds its start and not its stop.
        return float(middle if middle < stop[longest] else start[longest])


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
            column = torch.as_tensor(np.asarray(columns, dtype=np.int64), device=tensor.device)
            value, position = tensor.index_select(1, column).max(dim=1)
            best.append((value.cpu().double().numpy(), column[position].cpu().numpy()))
    (seen_value, seen_class), (unseen_value, unseen_class) = best
    return Decisions(seen_class, unseen_class, seen_value - unseen_value)


def _tensor(scores: Scores) -> Tensor:
    import torch

    # Torch takes no NumPy views with negative strides.
    return scores if isinstance(scores, torch.Tensor) else torch.from_numpy(np.ascontiguousarray(scores))


def class_weights(label: NDArray[np.int64], classes: NDArray[np.int64]) -> NDArray[np.float64]:
    """Weight `[N]` of each video in the mean per-class accuracy over `classes`; 0 for videos of others.

    A class without a video is left out of the mean.
    """
    size = int(max(label.max(initial=0), classes.max(initial=0))) + 1
    member = np.zeros(size, dtype=bool)
    member[classes] = True
    count = np.bincount(label, minlength=size)
    present = int(np.count_nonzero(member & (count > 0)))
    if present == 0:
        return np.zeros(len(label))
    return np.where(member[label], 1.0 / (present * count[label]), 0.0)


def curve_of(
    decisions: Decisions, label: NDArray[np.int64], seen: NDArray[np.int64], unseen: NDArray[np.int64]
) -> SeenUnseenCurve:
    """The exact curve of decisions: one sort of the gaps and two cumulative sums."""
    seen_hit = class_weights(label, seen) * (decisions.best_seen == label)
    unseen_hit = class_weights(label, unseen) * (decisions.best_unseen == label)
    order = np.argsort(decisions.gap)
    gap = decisions.gap[order]
    last = np.flatnonzero(np.append(gap[1:] != gap[:-1], True))
    # Suffix sums rather than total minus prefix sums: the last segment is exactly 0. Rounding must not pass 1.
    seen_right = np.minimum(np.cumsum(seen_hit[order][::-1])[::-1], 1.0)
    unseen_left = np.minimum(np.cumsum(unseen_hit[order]), 1.0)
    return SeenUnseenCurve(
        edge=gap[last],
        seen=np.concatenate([seen_right[:1], np.append(seen_right[last[:-1] + 1], 0.0)]),
        unseen=np.concatenate([[0.0], unseen_left[last]]),
    )


def mean_class_accuracy(
    predicted: NDArray[np.int64], label: NDArray[np.int64], classes: NDArray[np.int64]
) -> float:
    """Mean over `classes` of the share of each class's videos that are predicted right.

    A class without a video is left out of the mean; without any video the mean is 0.
    """
    size = int(max(label.max(initial=0), classes.max(initial=0))) + 1
    count = np.bincount(label, minlength=size)[classes]
    right = np.bincount(label[predicted == label], minlength=size)[classes]
    present = count > 0
    return float(np.mean(right[present] / count[present])) if present.any() else 0.0


def metrics_of(
    decisions: Decisions,
    label: NDArray[np.int64],
    seen: NDArray[np.int64],
    unseen: NDArray[np.int64],
    bias: float,
    curve: SeenUnseenCurve | None = None,
) -> Metrics:
    """All figures at a bias. S and U are means of per-class accuracies, taken class by class.

    Args:
        decisions: of `N` videos.
        label: int64 `[N]`, their true columns.
        seen, unseen: columns of the classes of each role.
        bias: what is subtracted from seen scores.
        curve: of the same decisions, where it is at hand.
    """
    predicted = decisions.predict(bias)
    s, u = mean_class_accuracy(predicted, label, seen), mean_class_accuracy(predicted, label, unseen)
    return Metrics(
        seen=s,
        unseen=u,
        hm=float(harmonic_mean(s, u)),
        zsl=mean_class_accuracy(decisions.best_unseen, label, unseen),
        ausuc=(curve or curve_of(decisions, label, seen, unseen)).ausuc,
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
    label, s, u = _checked(scores, labels, seen, unseen)
    return curve_of(decide(scores, s, u), label, s, u)


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
    label, s, u = _checked(scores, labels, seen, unseen)
    if bias is not None and not np.isfinite(bias):
        raise ValueError(f"bias must be a finite number, got {bias}")
    decisions = decide(scores, s, u)
    if bias is None:
        bias = parse_calibration(calibration).choose(curve_of(decisions, label, s, u))
    return metrics_of(decisions, label, s, u, bias)


def _checked(
    scores: Scores, labels: ArrayLike, seen: ArrayLike, unseen: ArrayLike
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Labels and columns as int64 arrays, after the checks that `evaluate` documents."""
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
    return label, s, u
