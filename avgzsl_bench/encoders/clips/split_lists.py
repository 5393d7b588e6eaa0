"""The published lists of videos, `stage_1_train.csv` and so on, from a folder of the user's."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from avgzsl_bench.data.datasets.class_names import with_suggestion
from avgzsl_bench.data.datasets.facts import PARTITIONS, Dataset, partition_bit
from avgzsl_bench.data.datasets.video_list import VideoList
from avgzsl_bench.data.layouts.export_lists import disk_folder
from avgzsl_bench.data.layouts.tree import disk_name
from avgzsl_bench.data.layouts.video_ids import video_ids
from avgzsl_bench.data.own.table_file import read_columns
from avgzsl_bench.data.store.faults import partition_faults, refuse_faults
from avgzsl_bench.errors import DataError
from avgzsl_bench.system.files import folder_fault

_ABOVE = ("", "class-split", "class_split")


def read_split_lists(folder: Path, dataset: Dataset) -> VideoList:
    """Read the six lists of a dataset: of each the columns `filename` and `label`.

    They lie in the folder, or below it as in the published trees: `UCF/class-split/main_split`. The videos of all
    splits are the same, so that the first split with lists is read.

    Raises:
        DataError: no lists, one missing or unreadable, a class that the dataset has not, a video in two classes or
            in two partitions that share none.
    """
    place = _place(folder, dataset)
    label: dict[str, int] = {}
    bits: dict[str, int] = {}
    for partition in PARTITIONS:
        path = place / f"{disk_name(partition)}.csv"
        table = read_columns(path, ("filename", "label"))
        ids = {name: dataset.class_id(name) for name in dict.fromkeys(table.columns["label"])}
        for row, (video, name) in enumerate(zip(table.columns["filename"], table.columns["label"], strict=True)):
            own = ids[name]
            if own is None:
                known = with_suggestion(name, dataset.class_names)
                raise DataError(f"{table.places.of(row)}: no class of {dataset.name}: {known}")
            if label.setdefault(video, own) != own:
                other = dataset.class_names[label[video]]
                raise DataError(
                    f"{table.places.of(row)}: video {video[:60]!r} is of {name[:60]!r} and of {other!r}"
                )
            bits[video] = bits.get(video, 0) | partition_bit(partition)
    videos = VideoList(
        video_id=video_ids(label, place),
        label=np.array(list(label.values()), np.int64),
        partition=np.array(list(bits.values()), np.uint8),
        source=str(place),
    )
    faults = partition_faults(videos.partition, videos.video_id)
    refuse_faults(faults, where=str(place), advice="take the published lists")
    return videos


def _place(folder: Path, dataset: Dataset) -> Path:
    """Find the folder that holds the lists themselves."""
    fault = folder_fault(folder)
    if fault is not None:
        raise DataError(f"{folder}: {fault}")
    splits = [f"{split}_split" for split in sorted(dataset.splits, key=lambda split: split != "main")]
    below = [folder / above / split for above in _ABOVE for split in splits]
    below += [folder / disk_folder(dataset.name) / above / split for above in _ABOVE[1:] for split in splits]
    names = [f"{disk_name(partition)}.csv" for partition in PARTITIONS]
    for place in (folder, *below):
        missing = [name for name in names if not (place / name).is_file()]
        if not missing:
            return place
        if len(missing) < len(names):
            raise DataError(f"{place}: has no {missing[0]}; the lists of all six partitions are needed")
    raise DataError(
        f"{folder}: no lists of videos; looked for {names[0]} there, in {splits[0]} and in class-split/{splits[0]}"
    )
