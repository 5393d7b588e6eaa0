"""Make the lists of video ids that the package holds from the published csvs.

python tests/support/make_video_ids.py FOLDER   # with FOLDER/UCF/class-split/main_split/stage_1_train.csv etc.
"""

from __future__ import annotations

import csv
import gzip
import io
import sys
from pathlib import Path

from avgzsl_bench.data.datasets.facts import PARTITIONS, Dataset, partition_bit
from avgzsl_bench.data.datasets.registry import registered_dataset
from avgzsl_bench.data.datasets.video_list import COLUMNS
from avgzsl_bench.data.layouts.export_lists import disk_folder
from avgzsl_bench.data.layouts.tree import disk_name

DATASETS = ("activitynet", "ucf")
TARGET = Path(__file__).resolve().parents[2] / "avgzsl_bench/data/datasets/video_ids"


def list_text(official: Path, dataset: Dataset) -> str:
    """Join the six csvs of a dataset: one row per video, in the order of class id and video id."""
    folder = official / disk_folder(dataset.name) / "class-split/main_split"
    bits: dict[tuple[int, str], int] = {}
    for partition in PARTITIONS:
        with (folder / f"{disk_name(partition)}.csv").open(newline="", encoding="utf-8") as stream:
            for row in csv.DictReader(stream, strict=True):
                label = dataset.class_id(row["label"])
                assert label is not None, row
                key = label, row["filename"]
                bits[key] = bits.get(key, 0) | partition_bit(partition)
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows((video, dataset.class_names[label], mask) for (label, video), mask in sorted(bits.items()))
    return stream.getvalue()


def main(official: Path) -> None:
    """Write the lists; the same csvs give the same bytes."""
    TARGET.mkdir(exist_ok=True)
    for name in DATASETS:
        text = list_text(official, registered_dataset(name))
        (TARGET / f"{name}.csv.gz").write_bytes(gzip.compress(text.encode(), compresslevel=9, mtime=0))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
