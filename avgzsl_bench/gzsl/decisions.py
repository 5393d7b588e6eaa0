"""Decisions of calibrated stacking, and the ground truth that they are measured against.

Three numbers per video: the best seen class, the best unseen class, and the gap between their scores, `t = s - u`.
Calibrated stacking with bias `g` predicts the seen class where `t > g` and the unseen class elsewhere (Chao et
al., ECCV 2016).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    from torch import Tensor

Scores: TypeAlias = "Tensor | ArrayLike"


@dataclass(frozen=True, repr=False)
class Decisions:
    """Every prediction at every bias.

    >>> decide([[0.9, 0.1, 0.3], [0.2, 0.8, 1.0]], seen=[0, 1], unseen=[2])
    Decisions(2 videos, gap -0.2 to 0.6)

    Attributes:
        best_seen, best_unseen: int64 `[N]`, column of the best class of either role.
        gap: float64 `[N]`, best seen score minus best unseen score.
    """

    best_seen: NDArray[np.int64]
    best_unseen: NDArray[np.int64]
    gap: NDArray[np.float64]

    def __repr__(self) -> str:
        gap = f", gap {self.gap.min():.4g} to {self.gap.max():.4g}" if len(self) else ""
        return f"Decisions({len(self):,} videos{gap})"

    def __len__(self) -> int:
        return len(self.gap)

    def predict(self, bias: float) -> NDArray[np.int64]:
        """Predicted columns `[N]` at a bias."""
        return np.where(self.gap > bias, self.best_seen, self.best_unseen)


class RoleClasses(NamedTuple):
    """The classes of one role that have a video: their columns, and how many videos each has."""

    columns: NDArray[np.int64]
    videos: NDArray[np.int64]

    def mean_accuracy(self, right: NDArray[np.int64]) -> float:
        """Mean over the classes of the share that is right, of `right` videos per column; 0 without a class."""
        classes = len(self.columns)
        return float((right[self.columns] / self.videos).sum() / classes) if classes else 0.0


@dataclass(frozen=True, eq=False, repr=False)
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

    def __repr__(self) -> str:
        classes = f"{len(self.seen)} seen + {len(self.unseen)} unseen classes"
        return f"GroundTruth(of {len(self.label):,} videos, {classes})"

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


def decide(scores: Scores, seen: Sequence[int] | ArrayLike, unseen: Sequence[int] | ArrayLike) -> Decisions:
    """Reduce scores to decisions, on the device the scores are on.

    Args:
        scores: real `[N, K]`, higher is better; torch, NumPy or lists.
        seen, unseen: columns of the seen and of the unseen classes.

    Raises:
        ValueError: scores that are not numbers.
    """
    import torch

    with torch.inference_mode():
        tensor = as_tensor(scores)
        best = []
        for columns in (seen, unseen):
            column = np.asarray(columns, dtype=np.int64)
            found = tensor.index_select(1, torch.tensor(column, device=tensor.device)).max(dim=1)
            best.append((found.values.cpu().double(), column[found.indices.cpu().numpy()]))
    (seen_value, seen_class), (unseen_value, unseen_class) = best
    return Decisions(seen_class, unseen_class, (seen_value - unseen_value).numpy())


def as_tensor(scores: Scores) -> Tensor:
    """Scores as a tensor that can be compared; shares their memory where torch can.

    Raises:
        ValueError: they are not real numbers, or not of one length each.
    """
    import torch

    tensor = scores if isinstance(scores, torch.Tensor) else torch.from_numpy(_native(scores))
    if tensor.is_complex() or tensor.layout != torch.strided:
        raise ValueError(f"scores must be real numbers in a dense tensor, got {tensor.dtype}, {tensor.layout}")
    if not tensor.is_floating_point():
        return tensor.to(torch.float64 if tensor.dtype == torch.uint64 else torch.int64)
    return tensor.float() if tensor.element_size() < 4 else tensor  # not every device compares short ones


def _native(scores: ArrayLike) -> NDArray[Any]:
    """Scores as an array that torch can take over: contiguous, writable, of a type that it has."""
    try:
        array = np.asarray(scores)
    except (TypeError, ValueError) as error:
        raise ValueError(f"scores must be a matrix of numbers: {error}") from error
    if np.ma.is_masked(scores):
        raise ValueError("scores hold masked values")
    if array.dtype.kind not in "biuf":
        raise ValueError(f"scores must be real numbers, got {array.dtype}")
    known = array.dtype.itemsize <= np.dtype(np.float64).itemsize  # torch has no extended precision
    return np.require(array, array.dtype.newbyteorder("=") if known else np.float64, ["C", "W"])
