"""The hash of a split of an installed store."""

from __future__ import annotations

from avgzsl_bench.data.datasets.facts import Dataset
from avgzsl_bench.data.datasets.splits import split_rows
from avgzsl_bench.data.store.store import StoreHeader, read_rows


def split_hash_of(store: StoreHeader, dataset: Dataset, split: str) -> str:
    """Hash a split of a store; for a standard split nothing is read.

    Raises:
        DataError: as `split_rows`; the store cannot be read.
        UnknownNameError: no such split.
    """
    if dataset.standard_split(split) == split:
        return dataset.split_hash(split)
    rows = read_rows(store)
    return split_rows(rows.label, rows.partition, rows.video_id, dataset, split, str(store.path)).hash
