"""Which videos of a store a split is made of, and the source-disjoint views of the official splits.

In the official partitions, seen videos that are scored often come from the same recording as training videos, so
seen accuracy is flattered. A view such as `cls-disjoint` leaves those out: of `stage1_val_seen` what shares a
recording with `stage1_train`, of `stage2_test_seen` what shares one with `stage2_train`. All else is as in the
official split. A view has a name and a hash of its own, so that its figures never stand among official ones.
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
from avgzsl_bench.data.store.store import StoreHeader, read_rows
from avgzsl_bench.errors import DataError


@dataclass(frozen=True)
class SplitRows:
    """The videos of a split.

    Attributes:
        rows: by partition, rows of the store, ascending: int64 `[n]`.
        hash: sha256 of what makes the split: class order and lists, and the ids of what a view leaves out.
    """

    rows: Mapping[str, NDArray[np.int64]]
    hash: str


def refuse_simulated(dataset: Dataset, split: str) -> None:
    """Refuse a source-disjoint view where all there is are simulated features.

    Raises:
        DataError: the split is such a view.
        UnknownNameError: no such split.
    """
    official = dataset.official_split(split)
    if official != split:
        raise DataError(
            f"split {split}: simulated videos have no recordings that could be kept apart; import real features "
            f"of {dataset.name} with 'avbench data import DIR', or use --split {official}"
        )


def split_hash_of(store: StoreHeader, dataset: Dataset, split: str) -> str:
    """The hash of a split of a store; for an official split nothing is read.

    Raises:
        DataError: as `split_rows`; the store cannot be read.
    """
    if dataset.official_split(split) == split:
        return dataset.split_hash(split)
    rows = read_rows(store)
    return split_rows(rows.label, rows.partition, rows.video_id, dataset, split, str(store.path)).hash


def split_rows(
    label: NDArray[np.int64],
    partition: NDArray[np.uint8],
    video_ids: Sequence[str],
    dataset: Dataset,
    split: str,
    where: str,
) -> SplitRows:
    """The videos of a split; those of classes outside its lists are left out.

    Args:
        label, partition: class id and mask of partitions of each video, `[N]`.
        video_ids: their ids.
        dataset: the dataset.
        split: an official split, or the source-disjoint view of one.
        where: what to name in errors, such as the store.

    Raises:
        DataError: a partition without videos; of a view also ids that do not tell the recording.
        UnknownNameError: no such split.
    """
    official = dataset.official_split(split)
    rows = {
        name: np.flatnonzero(((partition & partition_bit(name)) != 0) & np.isin(label, facts.classes))
        for name, facts in dataset.facts(split).items()
    }
    for name, found in rows.items():
        if not len(found):
            raise DataError(f"{where}: no video in partition {name} of split {split}; import it again")
    if official == split:
        return SplitRows(rows, dataset.split_hash(split))
    left_out = _left_out(rows, video_ids, dataset, split, where)
    content = {
        "view": "source-disjoint",
        "split": dataset.split_hash(official),
        "left_out": {name: sorted(video_ids[row] for row in gone) for name, gone in left_out.items()},
    }
    mark = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    return SplitRows({n: np.setdiff1d(r, left_out[n]) if n in left_out else r for n, r in rows.items()}, mark)


def _left_out(
    rows: Mapping[str, NDArray[np.int64]], video_ids: Sequence[str], dataset: Dataset, split: str, where: str
) -> dict[str, NDArray[np.int64]]:
    """Rows of the scored seen videos whose recording is in training, by partition."""
    numbers = recordings(dataset, video_ids)
    left_out = {}
    for scored, training in SEEN_OF_TRAINING.items():
        involved = np.concatenate([rows[scored], rows[training]])
        untold = involved[numbers[involved] == UNKNOWN]
        official = dataset.official_split(split)
        if len(untold):
            raise DataError(
                f"{where}: split {split}: {len(untold)} ids do not tell the recording, such as "
                f"{video_ids[untold[0]]!r}; use --split {official}"
            )
        gone = rows[scored][shared(numbers[rows[scored]], numbers[rows[training]])]
        if len(gone) == len(rows[scored]):
            raise DataError(
                f"{where}: split {split} has no videos in {scored}: all {len(gone)} are cut from recordings of "
                f"which {training} has other parts; use --split {official}"
            )
        left_out[scored] = gone
    return left_out
