"""Correctness of predictions: one bit per run and test video, and the figures and class accuracies that follow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from avgzsl_bench.gzsl.curve import harmonic_mean

if TYPE_CHECKING:
    from avgzsl_bench.records.collect import StoredRecord

RESAMPLED_FIGURES = ("seen", "unseen", "hm", "zsl")
"""The figures that follow from correctness at one bias. AUSUC does not: it needs every decision at every bias."""


@dataclass(frozen=True, eq=False)
class Correctness:
    """Which test videos the runs of one configuration classify correctly; all rows of a board share the videos.

    Attributes:
        method: name of the method.
        seeds: of the `R` runs, ascending.
        label: int64 `[N]`, the class of each video: a position in the records' `classes`.
        seen: bool `[C]`, whether each class is a seen one.
        correct: bool `[R, N]`, correct at the bias of the run.
        zsl_correct: bool `[R, N]`, correct when only unseen classes compete; False for videos of seen classes.
    """

    method: str
    seeds: tuple[int, ...]
    label: NDArray[np.int64]
    seen: NDArray[np.bool_]
    correct: NDArray[np.bool_]
    zsl_correct: NDArray[np.bool_]

    def class_accuracy(self) -> NDArray[np.float64]:
        """Return the share of correct videos per class: float64 `[R, C]`, NaN for a class without a video."""
        return self._by_class(self.correct)

    def class_zsl_accuracy(self) -> NDArray[np.float64]:
        """Return the share of correct videos per class when only unseen classes compete, as `class_accuracy`."""
        return self._by_class(self.zsl_correct)

    def figures(self) -> dict[str, NDArray[np.float64]]:
        """Return S, U, HM and ZSL of each run, by the names of `RESAMPLED_FIGURES`: float64 `[R]` each."""
        accuracy = self.class_accuracy()
        seen, unseen = _class_mean(accuracy, self.seen), _class_mean(accuracy, ~self.seen)
        zsl = _class_mean(self.class_zsl_accuracy(), ~self.seen)
        return {"seen": seen, "unseen": unseen, "hm": harmonic_mean(seen, unseen), "zsl": zsl}

    def _by_class(self, correct: NDArray[np.bool_]) -> NDArray[np.float64]:
        classes = len(self.seen)
        count = np.bincount(self.label, minlength=classes)
        # One count over (run, class) cells instead of one per run.
        cell = (np.arange(len(correct))[:, None] * classes + self.label)[correct]
        hits = np.bincount(cell, minlength=len(correct) * classes).reshape(len(correct), classes)
        return np.where(count > 0, hits / np.maximum(count, 1), np.nan)


def correctness_of(runs: Sequence[StoredRecord]) -> Correctness:
    """Collect the correctness of runs on the same test videos, in the order of the runs."""
    label = runs[0].table.label
    decisions = [run.table.decisions for run in runs]
    seen = np.array([c.role == "seen" for c in runs[0].record.classes])
    biases = [run.record.metrics.bias for run in runs]
    return Correctness(
        method=runs[0].record.method.name,
        seeds=tuple(run.record.seed for run in runs),
        label=label,
        seen=seen,
        correct=np.stack([d.predict(bias) == label for d, bias in zip(decisions, biases, strict=True)]),
        zsl_correct=np.stack([d.best_unseen == label for d in decisions]),
    )


def mean_class_accuracy(rows: Sequence[Correctness]) -> NDArray[np.float64]:
    """Average class accuracies over the runs of each row: float64 `[rows, C]`, NaN for a class without a video."""
    return np.stack([row.class_accuracy().mean(axis=0) for row in rows])


def differing_videos(rows: Sequence[Correctness], figure: str) -> NDArray[np.float64]:
    """Count the test videos on which two rows differ, in the number of runs that are right about them.

    Returns:
        float64 `[rows, rows]`, of the videos that one of `RESAMPLED_FIGURES` is about.
    """
    seen = rows[0].seen[rows[0].label]
    about = {"seen": seen, "unseen": ~seen, "zsl": ~seen}.get(figure, np.ones_like(seen))
    right = [(row.zsl_correct if figure == "zsl" else row.correct)[:, about] for row in rows]
    share = np.stack([own.sum(axis=0) / len(own) for own in right])
    return np.stack([(share != own).sum(axis=1) for own in share]).astype(np.float64)


def _class_mean(accuracy: NDArray[np.float64], classes: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Average over classes that have a video: `[R]`; 0 where none has one, as in `metrics.RoleClasses`."""
    present = accuracy[:, classes & ~np.isnan(accuracy[0])]
    # Contiguous rows: NumPy then adds in the order in which it adds the accuracies of a single run.
    return np.ascontiguousarray(present).mean(axis=1) if present.size else np.zeros(len(accuracy))
