"""Stratified bootstrap over test videos: the figures on other videos of the same classes.

Videos are drawn with replacement within their class, the same draws for every run of every method on a board,
so that differences between methods are paired. Of the `n` videos of a class `n - 1` are drawn: with `n` draws
the variance comes out too small by `(n - 1) / n`, a fifth for a class of five videos; with `n - 1` it is
unbiased for figures that are linear in the videos (Rao and Wu, JASA 1988).
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
_BLOCK_RESAMPLES, _BLOCK_RUNS = 250, 256
"""Resamples and runs at a time, so that memory does not grow with either: 25 MB per block for 12,000 videos."""


@dataclass(frozen=True, eq=False)
class Strata:
    """The test videos in an order that puts those of a class side by side, seen classes first.

    Attributes:
        order: int64 `[N]`, from that order to the order of the correctness arrays.
        first: int64 `[N]`, where the class of each video starts in that order.
        size: int64 `[N]`, number of videos of its class.
        videos_seen: number of videos of seen classes.
        classes_seen, classes_unseen: number of classes of each role that have a video.
    """

    order: NDArray[np.int64]
    first: NDArray[np.int64]
    size: NDArray[np.int64]
    videos_seen: int
    classes_seen: int
    classes_unseen: int

    @classmethod
    def of(cls, label: NDArray[np.int64], seen: NDArray[np.bool_]) -> Strata:
        """Sort videos with labels `[N]` of classes with roles `[C]` into strata."""
        order = np.lexsort((label, ~seen[label]))
        sorted_label = label[order]
        count = np.bincount(label, minlength=len(seen))
        start = np.append(True, sorted_label[1:] != sorted_label[:-1])
        first = np.maximum.accumulate(np.where(start, np.arange(len(label)), 0))
        present = count > 0
        return cls(
            order=order,
            first=first,
            size=count[sorted_label],
            videos_seen=int(seen[label].sum()),
            classes_seen=int((seen & present).sum()),
            classes_unseen=int((~seen & present).sum()),
        )


def seed_of(*marks: str) -> int:
    """Derive a seed from nothing but the given texts, such as data fingerprint and split hash."""
    return int.from_bytes(hashlib.sha256("\0".join(marks).encode()).digest()[:4], "big")


def video_weights(strata: Strata, seed: int, resamples: int) -> Iterator[NDArray[np.float64]]:
    """Draw the weights of the videos in each resample, a block of resamples at a time.

    Drawn from NumPy's legacy generator, whose streams are frozen: the same on every machine and version.

    Yields:
        float64 `[b, N]` in the order of the strata: how often each video was drawn, over the draws from its
        class and the number of classes of its role. The products with correctness are S, U and ZSL.
    """
    generator = np.random.RandomState(seed)
    videos = np.arange(len(strata.size))
    # One draw per video, less the last of each class that has more than one.
    drawn = (strata.size == 1) | (videos - strata.first < strata.size - 1)
    first, size = strata.first[drawn], strata.size[drawn]
    classes = np.where(videos < strata.videos_seen, strata.classes_seen, strata.classes_unseen)
    weight = 1.0 / (np.maximum(strata.size - 1, 1) * classes)
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
