"""Stratified bootstrap over test videos: the figures on other videos of the same classes.

Videos are drawn with replacement within their class, the same draws for every run of every method on a board,
so that differences between methods are paired. Of the `n` videos of a class `n - 1` are drawn: with `n` draws
the variance comes out too small by `(n - 1) / n`, a fifth for a class of five videos; with `n - 1` it is
unbiased for figures that are linear in the videos (Rao and Wu, JASA 1988).

Classes with fewer than five videos say too little of their own variance, and those with one say nothing: all
that are wholly right or wrong would count as certain. Those of one role and of one size are therefore resampled
together, as collapsed strata (Wolter, Introduction to Variance Estimation, 2007, section 2.5): the variance then
also contains their differences, and is too large rather than too small.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from avgzsl_bench.gzsl.curve import harmonic_mean
from avgzsl_bench.report.stats.correctness import RESAMPLED_FIGURES, Correctness

RESAMPLES = 1000
"""Resamples of a board: the standard error of a half width is then 2.2 percent of it."""
_FEW = 5
"""Classes with fewer videos are resampled together with those of their role and size."""
_BLOCK_RESAMPLES, _BLOCK_RUNS = 250, 256
"""Resamples and runs at a time, so that memory does not grow with either: 25 MB per block for 12,000 videos."""


@dataclass(frozen=True, eq=False)
class Strata:
    """The test videos in an order that puts those of a stratum side by side, seen classes first.

    A stratum is a class, or all classes of one role with the same number of videos where that is below five.

    Attributes:
        order: int64 `[N]`, from that order to the order of the correctness arrays.
        first: int64 `[N]`, where the stratum of each video starts in that order.
        size: int64 `[N]`, number of videos of its stratum.
        share: float64 `[N]`, share of its stratum in the mean over the classes of its role.
        videos_seen: number of videos of seen classes.
    """

    order: NDArray[np.int64]
    first: NDArray[np.int64]
    size: NDArray[np.int64]
    share: NDArray[np.float64]
    videos_seen: int

    @classmethod
    def of(cls, label: NDArray[np.int64], seen: NDArray[np.bool_]) -> Strata:
        """Sort videos with labels `[N]` of classes with roles `[C]` into strata."""
        count = np.bincount(label, minlength=len(seen))
        # The stratum of each class within its role: its own position, or minus the number of its videos.
        stratum = np.where(count < _FEW, -count, np.arange(len(seen)))
        order = np.lexsort((label, stratum[label], ~seen[label]))
        sorted_label = label[order]
        of_video = np.stack([stratum[sorted_label], seen[sorted_label]])
        start = np.append(True, (of_video[:, 1:] != of_video[:, :-1]).any(axis=0))
        number = np.cumsum(start) - 1
        size = np.bincount(number)[number]
        classes = np.where(seen, (seen & (count > 0)).sum(), (~seen & (count > 0)).sum())[sorted_label]
        return cls(
            order=order,
            first=np.flatnonzero(start)[number],
            size=size,
            share=size / count[sorted_label] / classes,
            videos_seen=int(seen[label].sum()),
        )


def seed_of(*marks: str) -> int:
    """Derive a seed from nothing but the given texts, such as data fingerprint and split hash."""
    return int.from_bytes(hashlib.sha256("\0".join(marks).encode()).digest()[:4], "big")


def video_weights(strata: Strata, seed: int, resamples: int) -> Iterator[NDArray[np.float64]]:
    """Draw the weights of the videos in each resample, a block of resamples at a time.

    Drawn from NumPy's legacy generator, whose streams are frozen: the same on every machine and version.

    Yields:
        float64 `[b, N]` in the order of the strata: how often each video was drawn, times the share of its
        stratum over the draws from it. The products with correctness are S, U and ZSL.
    """
    generator = np.random.RandomState(seed)
    videos = np.arange(len(strata.size))
    # One draw per video, less the last of each stratum that has more than one.
    drawn = (strata.size == 1) | (videos - strata.first < strata.size - 1)
    first, size = strata.first[drawn], strata.size[drawn]
    weight = strata.share / np.maximum(strata.size - 1, 1)
    for start in range(0, resamples, _BLOCK_RESAMPLES):
        block = min(_BLOCK_RESAMPLES, resamples - start)
        draw = first + (generator.random_sample((block, len(size))) * size).astype(np.int64)
        cell = (np.arange(block)[:, None] * len(videos) + draw).ravel()
        count = np.bincount(cell, minlength=block * len(videos)).reshape(block, len(videos))
        yield count * weight


def replicates_of(
    rows: Sequence[Correctness], seed: int, resamples: int = RESAMPLES
) -> Mapping[str, NDArray[np.float64]]:
    """Compute S, U, HM and ZSL of every run in every resample; all rows are of the same test videos.

    Returns:
        For each of `RESAMPLED_FIGURES` float64 `[resamples, runs]`: the runs of the first row, of the second, ...
    """
    strata = Strata.of(rows[0].label, rows[0].seen)
    correct = np.concatenate([row.correct for row in rows])[:, strata.order]
    zsl_correct = np.concatenate([row.zsl_correct for row in rows])[:, strata.order[strata.videos_seen :]]
    parts = (correct[:, : strata.videos_seen], correct[:, strata.videos_seen :], zsl_correct)
    blocks: list[list[NDArray[np.float64]]] = [[], [], []]
    for weights in video_weights(strata, seed, resamples):
        of_seen, of_unseen = weights[:, : strata.videos_seen], weights[:, strata.videos_seen :]
        for block, part, weight in zip(blocks, parts, (of_seen, of_unseen, of_unseen), strict=True):
            block.append(_product(weight, part))
    seen, unseen, zsl = (np.concatenate(block) for block in blocks)
    return dict(zip(RESAMPLED_FIGURES, (seen, unseen, harmonic_mean(seen, unseen), zsl), strict=True))


def _product(weights: NDArray[np.float64], correct: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Multiply weights `[b, n]` by correctness `[runs, n]`, a block of runs at a time: float64 `[b, runs]`."""
    starts = range(0, len(correct), _BLOCK_RUNS)
    return np.concatenate([weights @ correct[s : s + _BLOCK_RUNS].T.astype(np.float64) for s in starts], axis=1)
