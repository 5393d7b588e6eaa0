"""Baselines without a method: the nearest class mean, and the nearest class text."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from avgzsl_bench.data.compare.cosines import unit
from avgzsl_bench.data.datasets.recordings import UNKNOWN


@dataclass(frozen=True)
class Accuracy:
    """Mean per-class accuracy, in percent.

    Attributes:
        classes: number of classes to choose from.
        videos: number of scored videos.
        left_out: number of videos that could not be scored, as nothing is known of their class.
        accuracy: mean over the classes that have scored videos; None without scored videos.
    """

    classes: int
    videos: int
    left_out: int
    accuracy: float | None


@dataclass(frozen=True)
class Scores:
    """Scores of videos.

    Attributes:
        classes: class ids, ascending: int64 `[C]`.
        values: float64 `[n, C]`; NaN where nothing is known of a class.
    """

    classes: NDArray[np.int64]
    values: NDArray[np.float64]


def prototype_scores(
    train: NDArray[np.float32],
    train_label: NDArray[np.int64],
    scored: NDArray[np.float32],
    train_recording: NDArray[np.int64],
    scored_recording: NDArray[np.int64],
) -> Scores:
    """Score videos by the cosine with the mean of each class's training vectors, each of unit length.

    Clips of one recording are near each other whatever they show. So the training videos of a scored video's own
    recording do not enter the means that it is compared with.

    Args:
        train, train_label: training vectors `[m, D]` and their class ids `[m]`.
        scored: vectors `[n, D]`.
        train_recording, scored_recording: recordings `[m]` and `[n]`, as one call of `recordings` numbers them.
    """
    classes, at = np.unique(train_label, return_inverse=True)
    sums = np.stack([unit(train[at == c]).sum(axis=0) for c in range(len(classes))])
    count = np.bincount(at)
    units = unit(scored)
    values = units @ unit(sums).T
    of_train, of_scored = _rows_by_number(train_recording), _rows_by_number(scored_recording)
    for recording in of_train.keys() & of_scored.keys() - {UNKNOWN}:
        rows, same = of_scored[recording], of_train[recording]
        for c in np.unique(at[same]).tolist():
            left_out = same[at[same] == c]
            rest = sums[c] - unit(train[left_out]).sum(axis=0)
            values[rows, c] = units[rows] @ unit(rest) if len(left_out) < count[c] else np.nan
    return Scores(classes, values)


def text_scores(scored: NDArray[np.float32], text: NDArray[np.float32], classes: NDArray[np.int64]) -> Scores:
    """Score videos by the cosine with the text vector of each class.

    Args:
        scored: vectors `[n, D]`.
        text: text vectors of all classes, `[C, D]`, NaN for a class without one.
        classes: ids of the classes to choose from, ascending.
    """
    values = unit(scored) @ unit(text[classes]).T
    values[:, np.isnan(text[classes]).any(axis=1)] = np.nan
    return Scores(classes, values)


def accuracy_of(scores: Scores, label: NDArray[np.int64]) -> Accuracy:
    """Compute the mean per-class accuracy of `n` videos of classes `label`, `[n]`, by the highest score."""
    at = np.searchsorted(scores.classes, label)
    known = (at < len(scores.classes)) & (scores.classes[np.minimum(at, len(scores.classes) - 1)] == label)
    known[known] = ~np.isnan(scores.values[known, at[known]])
    values = np.where(np.isnan(scores.values[known]), -np.inf, scores.values[known])
    right = values.argmax(axis=1) == at[known] if len(values) else np.empty(0, bool)
    by_class = [right[label[known] == c].mean() for c in np.unique(label[known])]
    left_out = int((~known).sum())
    accuracy = 100 * float(np.mean(by_class)) if by_class else None
    return Accuracy(len(scores.classes), len(label) - left_out, left_out, accuracy)


def _rows_by_number(numbers: NDArray[np.int64]) -> dict[int, NDArray[np.int64]]:
    order = np.argsort(numbers, kind="stable")
    values, starts = np.unique(numbers[order], return_index=True)
    return dict(zip(values.tolist(), np.split(order, starts[1:]), strict=True))
