"""The `class-split` folder of the published layouts: lists of classes and videos, and names for text."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from avgzsl_bench.data.datasets.facts import PARTITIONS, Dataset, partition_bit
from avgzsl_bench.data.layouts.published_columns import name_table, video_columns, video_rows
from avgzsl_bench.data.layouts.tree import disk_name
from avgzsl_bench.data.store.table import FeatureTable

_FOLDERS = {"ucf": "UCF", "vggsound": "VGGSound", "activitynet": "ActivityNet"}


def disk_folder(dataset: str) -> str:
    """Give the folder of a dataset; the published code knows three datasets, any other has its own name."""
    return _FOLDERS.get(dataset, dataset)


def write_lists(folder: Path, dataset: Dataset, table: FeatureTable) -> None:
    """Write `class-split`: all classes, their readable names, and classes and videos per split and partition.

    As in the published trees, lists of videos do not depend on the split: only the lists of classes do.

    Raises:
        OSError: the disk is full.
    """
    _write_lines(folder / "all_class.txt", [c.listed for c in dataset.classes])
    _write_rows(folder / f"{dataset.name}_w2v_class_names.csv", *name_table(dataset))
    if any(c.clip != c.readable for c in dataset.classes):
        header = ("original", "manual", "clip_class_name")
        spelled = [(c.listed, c.readable, c.clip) for c in dataset.classes]
        _write_rows(folder / f"{dataset.name}_clip_class_names.csv", header, spelled)
    for split in dataset.splits:
        facts = dataset.facts(split)
        for partition in PARTITIONS:
            stem = folder / f"{split}_split" / disk_name(partition)
            classes = [dataset.class_names[i] for i in facts[partition].classes]
            _write_lines(stem.with_suffix(".txt"), classes)
            there = np.flatnonzero(table.partition & partition_bit(partition))
            rows = video_rows(dataset, _labelled(there, table))
            _write_rows(stem.with_suffix(".csv"), video_columns(dataset), rows)


def _labelled(rows: Iterable[int], table: FeatureTable) -> list[tuple[str, int]]:
    """Pair video ids, sorted, with their class ids."""
    return sorted((table.video_id[i], int(table.label[i])) for i in rows)


def _write_lines(path: Path, lines: Sequence[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8", newline="\n")


def _write_rows(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
