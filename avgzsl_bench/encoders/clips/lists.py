"""Where the list of a dataset's videos comes from: the published lists, the package, or installed features."""

from __future__ import annotations

from pathlib import Path

from avgzsl_bench.data.datasets.facts import Dataset
from avgzsl_bench.data.datasets.feature_sets import preferred
from avgzsl_bench.data.datasets.video_list import VideoList, packaged_videos
from avgzsl_bench.data.store.installed import scan
from avgzsl_bench.data.store.store import read_rows
from avgzsl_bench.encoders.clips.split_lists import read_split_lists
from avgzsl_bench.errors import DataError


def listed_videos(dataset: Dataset, root: Path, splits: Path | None) -> VideoList:
    """Find the videos of a dataset: by a folder of lists, else by the package, else by features installed here.

    Args:
        dataset: the dataset.
        root: the data folder.
        splits: folder of the published lists; see `read_split_lists`.

    Raises:
        DataError: there is none of these, or what is named cannot be used.
    """
    if splits is not None:
        return read_split_lists(splits, dataset)
    videos = packaged_videos(dataset) or _installed(dataset, root)
    if videos is None:
        raise DataError(
            f"which videos {dataset.name} has, and their partitions, is not known here: name the folder of its "
            "published lists (stage_1_train.csv and so on) with --splits DIR, bring a table with --table FILE, or "
            "import a feature set of it with 'avbench data import DIR'"
        )
    return videos


def _installed(dataset: Dataset, root: Path) -> VideoList | None:
    """Take the videos of the installed feature set that has most of them, published ones first."""
    stores = {h.features: h for h in scan(root, dataset.name).headers if not h.simulated}
    if not stores:
        return None
    chosen = max(preferred(stores), key=lambda name: stores[name].videos)
    rows = read_rows(stores[chosen])
    return VideoList(rows.video_id, rows.label, rows.partition, f"the installed features {chosen}")
