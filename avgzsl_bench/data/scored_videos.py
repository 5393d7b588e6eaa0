"""Ids of the test videos of a finished run whose decisions do not hold them, from the data that it ran on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from avgzsl_bench.data.choose import dataset_named
from avgzsl_bench.data.data_spec import DataSpec
from avgzsl_bench.data.datasets.splits import split_rows
from avgzsl_bench.data.store.installed import existing_root, store_path
from avgzsl_bench.data.store.store import read_header, read_rows
from avgzsl_bench.errors import DataError
from avgzsl_bench.system.folders import is_there


def scored_ids(data: DataSpec, classes: Sequence[str], root: Path | str | None = None) -> list[str]:
    """Find the ids of the test videos of a run, in the order of the store, as its decisions are.

    Nothing is written, and no features are read: the store is the run's if it has the fingerprint that the run was
    made with, and if its test videos are of the same classes.

    Args:
        data: of the run.
        classes: name of the class of each of its `N` test videos.
        root: the data folder; default `AVBENCH_DATA`, else the platform's.

    Raises:
        DataError: the data is not installed, damaged, or other than that of the run.
        UnknownNameError: no such dataset or split.
    """
    folder = existing_root(root)
    path = store_path(folder, data.dataset, data.features)
    if not is_there(path):
        raise DataError(f"no {data.features!r} features of {data.dataset} in {folder}")
    header, dataset = read_header(path), dataset_named(data.dataset, root)
    rows = read_rows(header)
    split = split_rows(rows.label, rows.partition, rows.video_id, dataset, data.split, str(path))
    if (header.fingerprint, split.hash) != (data.fingerprint, data.split_hash):
        raise DataError(f"{path}: other data than that of the run: its fingerprint or its split differs")
    tested = np.sort(np.concatenate([split.rows["stage2_test_seen"], split.rows["stage2_test_unseen"]]))
    if [dataset.class_names[label] for label in rows.label[tested]] != list(classes):
        raise DataError(f"{path}: altered: its test videos are of other classes than those of the run")
    return [rows.video_id[row] for row in tested]
