"""Folders of empty files that are called as videos are, and tables of them."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from avgzsl_bench.data.datasets.facts import PARTITIONS, Dataset, partition_bit
from avgzsl_bench.data.datasets.registry import registered_dataset
from avgzsl_bench.data.datasets.video_list import VideoList, packaged_videos
from avgzsl_bench.data.layouts.tree import disk_name


def fill(folder: Path, files: Iterable[str] | Mapping[str, int]) -> Path:
    """Make files, empty or of some bytes."""
    sizes = files if isinstance(files, Mapping) else dict.fromkeys(files, 0)
    for place, size in sizes.items():
        path = folder / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bytes(size))
    return folder


def write_table(path: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Path:
    """Write a CSV."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)
    return path


def listed(name: str) -> tuple[Dataset, VideoList]:
    """A dataset, and its list in the package."""
    dataset = registered_dataset(name)
    videos = packaged_videos(dataset)
    assert videos is not None
    return dataset, videos


def write_lists(folder: Path, dataset: Dataset, videos: VideoList) -> Path:
    """Write the six csvs of a list, as the published ones are."""
    for partition in PARTITIONS:
        rows = [
            (video, dataset.class_names[label], label)
            for video, label, bits in zip(videos.video_id, videos.label, videos.partition, strict=True)
            if bits & partition_bit(partition)
        ]
        write_table(folder / f"{disk_name(partition)}.csv", ("filename", "label", "label_code"), rows)
    return folder
