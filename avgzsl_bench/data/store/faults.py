"""Faults of rows that make data unusable: found when data are verified, imported and chosen for a run.

Only class ids and masks of partitions are looked at, so that it is cheap before every run.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from avgzsl_bench.data.datasets.facts import STAGE1_BITS, STAGES, Dataset, partition_bit
from avgzsl_bench.errors import DataError


def row_faults(
    label: NDArray[np.int64], partition: NDArray[np.uint8], video_id: Sequence[str], dataset: Dataset
) -> Iterator[tuple[str, str]]:
    """Find rows that make figures wrong: the checked part, and what is wrong with it.

    Args:
        label, partition: class id and mask of partitions of each video, `[N]`.
        video_id: `N` ids.
        dataset: the dataset that they are of.
    """
    if label.max(initial=-1) >= len(dataset.classes):
        yield "labels", f"holds class id {label.max()}, {dataset.name} has {len(dataset.classes)} classes"
    yield from partition_faults(partition, video_id)


def partition_faults(partition: NDArray[np.uint8], video_id: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Find videos in partitions that must not share any, as `row_faults` does.

    In each stage, a scored video must not be trained on or scored twice. Stage 2 trains on all videos of stage 1.
    """
    for stage in STAGES:
        for one, other in combinations(stage, 2):
            bits = partition_bit(one) | partition_bit(other)
            both = np.flatnonzero((partition & bits) == bits)
            if len(both):
                yield f"{one} and {other}", f"{len(both)} videos are in both, such as {video_id[both[0]]!r}"
    untrained = ((partition & STAGE1_BITS) != 0) & ((partition & partition_bit("stage2_train")) == 0)
    if untrained.any():
        yield "stage2_train", f"lacks {untrained.sum()} videos of the stage-1 partitions"


def refuse_faults(faults: Iterable[tuple[str, str]], *, where: str, advice: str) -> None:
    """Refuse data with faults.

    Args:
        faults: as `row_faults` or `partition_faults` finds them.
        where: the file or folder to name.
        advice: what to do.

    Raises:
        DataError: there is a fault.
    """
    texts = [f"{name}: {text}" for name, text in faults]
    if texts:
        raise DataError(f"{where}: not to be used: {'; '.join(texts)}; {advice}")
