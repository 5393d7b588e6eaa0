"""Videos of a split, and the source-disjoint views of the standard splits.

In the standard splits, scored videos of seen classes often come from the same recording as training videos, which
inflates seen accuracy. A view such as `cls-disjoint` leaves those out: from `stage1_val_seen` what shares a
recording with `stage1_train`, from `stage2_test_seen` what shares one with `stage2_train`. All else is as in the
standard split. A view has its own name and hash, so that its results stay apart from those of the standard split.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from avgzsl_bench.data.datasets.facts import Dataset, partition_bit
from avgzsl_bench.data.datasets.recordings import SEEN_OF_TRAINING, UNKNOWN, recordings, shared
from avgzsl_bench.errors import DataError


@dataclass(frozen=True)
class SplitRows:
    """The videos of a split.

    Attributes:
        rows: by partition, rows of the store, ascending: int64 `[n]`.
        hash: sha256 of the class order and lists, and of the ids that a view leaves out.
    """

    rows: Mapping[str, NDArray[np.int64]]
    hash: str


def refuse_simulated_view(dataset: Dataset, split: str) -> None:
    """Refuse a source-disjoint view of simulated features.

    Raises:
        DataError: the split is such a view.
        UnknownNameError: no such split.
    """
    standard = dataset.standard_split(split)
    if standard != split:
        raise DataError(
            f"split {split}: simulated videos have no recordings; import real features of {dataset.name} "
            f"with 'avbench data import DIR', or use --split {standard}"
        )


def split_rows(
    label: NDArray[np.int64],
    partition: NDArray[np.uint8],
    video_ids: Sequence[str],
    dataset: Dataset,
    split: str,
    where: str,
) -> SplitRows:
    """Find the videos of a split; those of classes outside its lists are left out.

    Args:
        label, partition: class id and mask of partitions of each video, `[N]`.
        video_ids: their ids.
        dataset: the dataset.
        split: a standard split, or the source-disjoint view of one.
        where: the file to name in errors, such as the store.

    Raises:
        DataError: a partition without videos; for a view also ids that do not name the recording.
        UnknownNameError: no such split.
    """
    standard = dataset.standard_split(split)
    rows = {
        name: np.flatnonzero(((partition & partition_bit(name)) != 0) & np.isin(label, facts.classes))
        for name, facts in dataset.facts(split).items()
    }
    for name, found in rows.items():
        if not len(found):
            raise DataError(f"{where}: no video in partition {name} of split {split}; add such videos")
    if standard == split:
        return SplitRows(rows, dataset.split_hash(split))
    left_out = _left_out(rows, video_ids, dataset, split, where)
    content = {
        "view": "source-disjoint",
        "split": dataset.split_hash(standard),
        "left_out": {name: sorted(video_ids[row] for row in gone) for name, gone in left_out.items()},
    }
    mark = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    return SplitRows({n: np.setdiff1d(r, left_out[n]) if n in left_out else r for n, r in rows.items()}, mark)


def _left_out(
    rows: Mapping[str, NDArray[np.int64]], video_ids: Sequence[str], dataset: Dataset, split: str, where: str
) -> dict[str, NDArray[np.int64]]:
    """Find the rows of scored videos of seen classes whose recording is in training, by partition."""
    numbers = recordings(dataset, video_ids)
    left_out = {}
    for scored, training in SEEN_OF_TRAINING.items():
        involved = np.concatenate([rows[scored], rows[training]])
        unknown = involved[numbers[involved] == UNKNOWN]
        standard = dataset.standard_split(split)
        if len(unknown):
            raise DataError(
                f"{where}: split {split}: {len(unknown)} ids do not name the recording, such as "
                f"{video_ids[unknown[0]]!r}; use --split {standard}"
            )
        gone = rows[scored][shared(numbers[rows[scored]], numbers[rows[training]])]
        if len(gone) == len(rows[scored]):
            raise DataError(
                f"{where}: split {split} has no videos in {scored}: all {len(gone)} come from recordings "
                f"that {training} has other parts of; use --split {standard}"
            )
        left_out[scored] = gone
    return left_out
