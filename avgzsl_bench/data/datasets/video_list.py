"""The videos of a dataset by its lists, and the lists that the package holds.

The package has those of UCF-GZSL and ActivityNet-GZSL, as `video_ids/<dataset>.csv.gz`: columns `video`, `class`
and `bits`, the mask of partitions. They are the published `main_split/stage_*.csv` in one file (AVCA-GZSL, MIT).
"""

from __future__ import annotations

import csv
import gzip
import io
from dataclasses import dataclass
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from avgzsl_bench.data.datasets.facts import Dataset
from avgzsl_bench.data.datasets.standard import standard_differences
from avgzsl_bench.errors import DataError

COLUMNS = ("video", "class", "bits")
"""Columns of a list of the package."""


@dataclass(frozen=True)
class VideoList:
    """Which videos a dataset has.

    Attributes:
        video_id: `N` unique ids.
        label: class id of each video: int64 `[N]`.
        partition: mask of partitions of each video: uint8 `[N]`.
        source: where the list comes from, for people.
    """

    video_id: list[str]
    label: NDArray[np.int64]
    partition: NDArray[np.uint8]
    source: str


def packaged_videos(dataset: Dataset) -> VideoList | None:
    """Read the list of a dataset that the package holds; None if it holds none.

    Raises:
        DataError: it is damaged, or not the standard videos of the dataset.
    """
    file = files("avgzsl_bench").joinpath(f"data/datasets/video_ids/{dataset.name}.csv.gz")
    if not file.is_file():
        return None
    advice = "install avgzsl-bench again"
    try:
        text = gzip.decompress(file.read_bytes()).decode("utf-8")
        rows = [
            (row["video"], dataset.class_names.index(row["class"]), int(row["bits"]))
            for row in csv.DictReader(io.StringIO(text, newline=""), strict=True)
        ]
    except (OSError, EOFError, ValueError, KeyError, TypeError, csv.Error) as error:
        raise DataError(f"{file}: damaged: {error}; {advice}") from error
    videos = VideoList(
        video_id=[video for video, _, _ in rows],
        label=np.array([label for _, label, _ in rows], np.int64),
        partition=np.array([bits for _, _, bits in rows], np.uint8),
        source="the lists of the package",
    )
    for split in dataset.splits:
        if standard_differences(dataset, split, videos.label, videos.partition, videos.video_id, simulated=False):
            raise DataError(f"{file}: not the standard videos of {dataset.name}; {advice}")
    return videos
