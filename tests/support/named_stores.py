"""Stores of UCF-GZSL under the name of a published feature set, with invented vectors."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from avgzsl_bench.data.datasets.facts import partition_bit
from avgzsl_bench.data.datasets.registry import registered_dataset
from avgzsl_bench.data.simulated.simulated import simulate
from avgzsl_bench.data.store.installed import store_path
from avgzsl_bench.data.store.table import FeatureTable
from avgzsl_bench.data.store.writing import write_store


@cache
def named_table() -> FeatureTable:
    """As many videos in each class and partition as in the standard, with other ids, called `clip_clap`."""
    table = simulate(registered_dataset("ucf"))
    ids = [f"v_{i:05d}" for i in range(len(table))]
    return replace(
        table,
        features="clip_clap",
        simulated=False,
        source="clipclap",
        text={"clip": table.text["hashed"]},
        video_id=ids,
    )


def rows_of(table: FeatureTable, keep: np.ndarray[Any, Any]) -> FeatureTable:
    """Some rows of a table of vectors."""
    kept = np.flatnonzero(keep)
    arrays = {name: getattr(table, name)[kept] for name in ("audio", "visual", "label", "partition")}
    return replace(table, video_id=[table.video_id[i] for i in kept], **arrays)


def partial_table(step: int = 2) -> FeatureTable:
    """Every second video of the table, or fewer."""
    table = named_table()
    return rows_of(table, np.arange(len(table)) % step == 0)


def overlapping_table(one: str, other: str, videos: int = 3) -> FeatureTable:
    """The table with the first videos of a partition in another one too."""
    table = named_table()
    partition = table.partition.copy()
    both = np.flatnonzero(partition & partition_bit(one))[:videos]
    partition[both] |= partition_bit(other)
    return replace(table, partition=partition)


def install(root: Path, table: FeatureTable) -> Path:
    """Write a table where it belongs in a data folder."""
    path = store_path(root, table.dataset, table.features)
    write_store(path, table)
    return path
