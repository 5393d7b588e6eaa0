"""The columns of the published csv files, which differ between the datasets.

`vggsound_topics.json` has the topic of each VGGSound class, the column `category` (VGGSound's labels: CC BY 4.0).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib.resources import files

from avgzsl_bench.data.datasets.facts import Dataset

_VGGSOUND = "vggsound"

_VIDEO_COLUMNS = {
    _VGGSOUND: ("youtube_id", "start_seconds", "label", "split", "filename", "label_code", "category"),
    "activitynet": ("filename", "label_code", "label"),
}
"""By dataset; any other dataset has the columns of UCF-GZSL."""

_UCF_COLUMNS = ("filename", "label", "label_code")

_VGGSOUND_ID = re.compile(r"([A-Za-z0-9_-]{11})_([0-9]{6})")


def video_columns(dataset: Dataset) -> tuple[str, ...]:
    """Give the header of a list of videos."""
    return _VIDEO_COLUMNS.get(dataset.name, _UCF_COLUMNS)


def video_rows(dataset: Dataset, videos: Iterable[tuple[str, int]]) -> Iterator[tuple[object, ...]]:
    """Give the rows of a list of videos under `video_columns`; what is not known of a video is left blank.

    Args:
        videos: video id and class id of each.
    """
    columns = video_columns(dataset)
    for video, class_id in videos:
        cells = {"filename": video, "label": dataset.class_names[class_id], "label_code": class_id}
        if dataset.name == _VGGSOUND:
            cells |= _vggsound_cells(dataset, video, class_id)
        yield tuple(cells[column] for column in columns)


def name_table(dataset: Dataset) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Give header and rows of the table of readable class names."""
    rows: list[tuple[str, ...]] = [(c.listed, c.readable) for c in dataset.classes]
    if dataset.name != _VGGSOUND:
        return ("original", "manual"), rows
    topics = _topics()
    return ("original", "manual", "category"), [(*row, topics[row[0]]) for row in rows]


def _vggsound_cells(dataset: Dataset, video: str, class_id: int) -> dict[str, object]:
    """Give the cells that only VGGSound has.

    The benchmark kept only test videos of VGGSound for the classes that are unseen in one of the stages. Which of
    the other videos are test videos in VGGSound is not known here.
    """
    cells: dict[str, object] = {"youtube_id": "", "start_seconds": "", "split": ""}
    if found := _VGGSOUND_ID.fullmatch(video):
        unseen = class_id in _held_out(dataset)
        cells = {"youtube_id": found[1], "start_seconds": int(found[2]), "split": "test" if unseen else ""}
    return cells | {"category": _topics()[dataset.classes[class_id].listed]}


def _held_out(dataset: Dataset) -> set[int]:
    partitions = ("stage1_val_unseen", "stage2_test_unseen")
    return {c for partition in partitions for c in dataset.partitions[partition].classes}


@cache
def _topics() -> Mapping[str, str]:
    """Read the topic of each VGGSound class."""
    content = files("avgzsl_bench").joinpath("data/layouts/vggsound_topics.json").read_text(encoding="utf-8")
    return {name: topic for topic, names in json.loads(content).items() for name in names}
