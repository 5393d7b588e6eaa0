"""Variance of a mean over seeds with classes drawn at random as well: figures on other classes of the same kind.

The jackknife leaves out one class at a time, seen or unseen, without training again: the class no longer counts
in S, U and ZSL. Each role is a sample of its own, so its variance is

    classes = sum over roles of (K - 1) / K * sum_k (F(-k) - mean_k F(-k))**2

(Shao and Tu, The Jackknife and Bootstrap, 1995, chapter 6). For S, U and ZSL this is the variance of the class
accuracies over their number, in which the videos of a class and what a seed does to single classes are
contained. What a seed does to all classes together is not. Classes therefore take the place of the videos in
`variance`: `seeds + max(classes - both, 0)`, where `both` is the same jackknife of each seed's deviation from
the mean over seeds; with few classes this can come out lower than the same of their videos, and is then set to it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from avgzsl_bench.gzsl.curve import harmonic_mean
from avgzsl_bench.report.stats.correctness import Correctness
from avgzsl_bench.report.stats.variance import Components, Interval, decompose, intervals_of


def class_intervals_of(
    rows: Sequence[Correctness], components: Mapping[str, Components]
) -> Mapping[str, list[Interval]]:
    """Compute for each of `RESAMPLED_FIGURES` the interval of each row's mean for classes like these.

    Student's quantile has one degree of freedom less than there are unseen classes with a video, for S seen
    ones; fewer where seeds vary more than classes. There is no interval where a role has fewer than two classes.

    `components`: of the rows for these classes, see `variance.components_of`.
    """
    replicates, counts = class_replicates(rows)
    figures = [row.figures() for row in rows]
    groups = [(row.method, row.seeds) for row in rows]
    found = {}
    for figure, these in components.items():
        others = decompose([of_row[figure] for of_row in figures], replicates[figure], groups)
        added = np.maximum(others.videos - others.both, these.videos - these.both)
        found[figure] = intervals_of(replace(others, videos=others.both + added), "classes", counts[figure] - 1)
    return found


def class_replicates(rows: Sequence[Correctness]) -> tuple[Mapping[str, NDArray[np.float64]], Mapping[str, int]]:
    """Compute S, U, HM and ZSL of every run without each class, as deviations from their mean.

    Returns:
        For each of `RESAMPLED_FIGURES` float64 `[classes, runs]`, scaled so that sample covariances are those of
        the jackknife; and the number of classes that limits the degrees of freedom, 1 where there is no variance.
    """
    accuracy = np.concatenate([row.class_accuracy() for row in rows]).T
    zsl = np.concatenate([row.class_zsl_accuracy() for row in rows]).T
    present = ~np.isnan(accuracy[:, 0])
    of_seen, of_unseen = present & rows[0].seen, present & ~rows[0].seen
    seen, unseen = accuracy[of_seen], accuracy[of_unseen]
    classes = max(len(seen) + len(unseen), 2)
    s, u = (np.mean(role, axis=0) if len(role) else np.zeros(accuracy.shape[1]) for role in (seen, unseen))
    found = {
        "seen": [_without_each(seen)],
        "unseen": [_without_each(unseen)],
        "hm": [harmonic_mean(_without_each(seen), u), harmonic_mean(s, _without_each(unseen))],
        "zsl": [_without_each(zsl[of_unseen])],
    }
    fewest = min(len(seen), len(unseen))
    counts = {"seen": len(seen), "unseen": len(unseen), "zsl": len(unseen), "hm": len(unseen) if fewest > 1 else 1}
    return {figure: _scaled(roles, classes) for figure, roles in found.items()}, counts


def _without_each(accuracy: NDArray[np.float64]) -> NDArray[np.float64]:
    """Average class accuracies `[K, runs]` without each of the classes: `[K, runs]`."""
    return np.asarray((accuracy.sum(axis=0) - accuracy) / max(len(accuracy) - 1, 1))


def _scaled(roles: Sequence[NDArray[np.float64]], classes: int) -> NDArray[np.float64]:
    """Scale the figures without each class of each role, and fill up with rows without a deviation."""
    deviations = [
        (own - own.mean(axis=0)) * np.sqrt((classes - 1) * (len(own) - 1) / len(own)) for own in roles if len(own)
    ]
    filled = np.zeros((classes, roles[0].shape[1]))
    stacked = np.concatenate(deviations) if deviations else filled
    filled[: len(stacked)] = stacked
    return filled
