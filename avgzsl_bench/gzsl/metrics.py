"""S, U, HM, ZSL and AUSUC: pure functions of scores and labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from avgzsl_bench.gzsl.calibration import parse_calibration
from avgzsl_bench.gzsl.curve import SeenUnseenCurve, curve_of, harmonic_mean
from avgzsl_bench.gzsl.decisions import Decisions, GroundTruth, Scores, as_tensor, decide

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, repr=False)
class Metrics:
    """Metrics of generalized zero-shot learning, as fractions.

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

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self})"

    def __str__(self) -> str:
        shown = {"S": self.seen, "U": self.unseen, "HM": self.hm, "ZSL": self.zsl, "AUSUC": self.ausuc}
        figures = ", ".join(f"{name} {100 * value:.2f}" for name, value in shown.items())
        return f"{figures} %, bias {self.bias:.4g}"

    __pydantic_config__ = {"extra": "forbid", "allow_inf_nan": False}  # noqa: RUF012 (read by records)


@dataclass(frozen=True, repr=False)
class EvaluatedMetrics(Metrics):
    """Metrics of a score matrix, with where their bias came from.

    Attributes:
        oracle: whether the bias was tuned on the very videos that the figures are of: right for validation videos,
            and better than any method can be on test videos.
    """

    oracle: bool

    def __str__(self) -> str:
        return f"{super().__str__()} ({'oracle' if self.oracle else 'given'})"


def metrics_of(
    decisions: Decisions, truth: GroundTruth, bias: float, curve: SeenUnseenCurve | None = None
) -> Metrics:
    """All figures at a bias. S and U are means of per-class accuracies, taken class by class.

    Args:
        decisions, truth: of the same `N` videos.
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
    """Compute the exact seen-unseen curve of a score matrix; arguments and errors are those of `evaluate`."""
    tensor, truth = _checked(scores, labels, seen, unseen)
    return curve_of(decide(tensor, truth.seen, truth.unseen), truth)


def evaluate(
    scores: Scores,
    labels: ArrayLike,
    seen: ArrayLike,
    unseen: ArrayLike,
    bias: float | None = None,
    calibration: str = "exact",
) -> EvaluatedMetrics:
    """S, U, HM, ZSL and AUSUC of a score matrix.

    Find the bias on validation videos, and give it for the test videos:

        val = ab.evaluate(val_scores, val_labels, val_seen, val_unseen)
        test = ab.evaluate(test_scores, test_labels, seen, unseen, bias=val.bias)

    Args:
        scores: real `[N, K]`, higher is better; torch, NumPy or lists. Negate distances.
        labels: int `[N]`, the true column of each video.
        seen, unseen: columns of the seen and of the unseen classes.
        bias: what to subtract from seen scores, found on validation videos.
        calibration: where the bias comes from when none is given: `exact`, `avca`, `clipclap`,
            `grid:START:STOP:STEPS` or `fixed:VALUE`. All but the last tune it on these very videos: for test
            videos that is an oracle.

    Returns:
        The figures as fractions; `oracle` says whether the bias was tuned on these videos.

    Raises:
        ValueError: shapes or columns that do not fit, scores that are not finite numbers, no video of one kind.

    Examples:
        >>> scores = [[0.9, 0.1, 0.3], [0.2, 0.8, 0.9], [0.7, 0.2, 0.6]]
        >>> m = evaluate(scores, labels=[0, 1, 2], seen=[0, 1], unseen=[2], bias=0.0)
        >>> m.seen, m.unseen, m.hm, m.zsl, m.oracle
        (0.5, 0.0, 0.0, 1.0, False)
        >>> m = evaluate(scores, labels=[0, 1, 2], seen=[0, 1], unseen=[2])
        >>> m.seen, m.unseen, round(m.hm, 4), m.zsl, m.oracle
        (0.5, 1.0, 0.6667, 1.0, True)
        >>> m
        EvaluatedMetrics(S 50.00, U 100.00, HM 66.67, ZSL 100.00, AUSUC 50.00 %, bias 0.35 (oracle))
        >>> seen_unseen_curve(scores, labels=[0, 1, 2], seen=[0, 1], unseen=[2])
        SeenUnseenCurve(3 edges, AUSUC 50.00 %, best HM 66.67 % at bias 0.35)
    """
    tensor, truth = _checked(scores, labels, seen, unseen)
    if bias is not None and not np.isfinite(bias):
        raise ValueError(f"bias must be a finite number, got {bias}")
    decisions = decide(tensor, truth.seen, truth.unseen)
    curve = curve_of(decisions, truth)
    oracle = False
    if bias is None:
        rule = parse_calibration(calibration)
        bias, oracle = rule.choose(curve), rule.tunes
    return EvaluatedMetrics(**vars(metrics_of(decisions, truth, bias, curve)), oracle=oracle)


def _checked(scores: Scores, labels: ArrayLike, seen: ArrayLike, unseen: ArrayLike) -> tuple[Tensor, GroundTruth]:
    """Give the scores as a tensor, and labels and columns, after the checks that `evaluate` documents."""
    import torch

    tensor = as_tensor(scores)
    if tensor.ndim != 2:
        raise ValueError(f"scores must be [videos, classes], got shape {tuple(tensor.shape)}")
    videos, columns = tensor.shape
    if not torch.isfinite(tensor).all():
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
    return tensor, GroundTruth(label, s, u)
