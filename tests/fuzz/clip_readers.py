"""What `readers.py` says of the files that tell which video is which: annotations, tables of clips, lists."""

from __future__ import annotations

import json
from pathlib import Path

from avgzsl_bench.data.datasets.registry import registered_dataset
from avgzsl_bench.encoders.clips.annotations import read_annotations, stretch_of
from avgzsl_bench.encoders.clips.clip import Stretch
from avgzsl_bench.encoders.clips.clip_table import read_clip_table
from avgzsl_bench.encoders.clips.split_lists import read_split_lists

_PARTITIONS = (
    "stage_1_train",
    "stage_1_val_seen",
    "stage_1_val_unseen",
    "stage_2_test_seen",
    "stage_2_test_unseen",
)


def annotations(folder: Path) -> list[bytes]:
    videos = {
        f"{i:011d}": {
            "duration": 9.5,
            "annotations": [{"segment": [k, k + 0.5], "label": "Snatch"} for k in range(3)],
        }
        for i in range(4)
    }
    content = {"version": "1.3", "taxonomy": [{"nodeId": 1, "parentName": None}], "database": videos}
    return [json.dumps(content).encode(), json.dumps(content, indent=1).encode()]


def read_stretches(path: Path) -> None:
    cuts = read_annotations(path)
    names = registered_dataset("activitynet").classes
    for video in cuts.database:
        found = stretch_of(cuts, f"{video}_1", names[0])
        assert isinstance(found, str | Stretch)


def clip_tables(folder: Path) -> list[bytes]:
    rows = [f"v{i},Archery,a/b {i}.mp4,{name},{i}.5,{i + 3}\n" for i, name in enumerate(_PARTITIONS)]
    timed = "video,class,path,partition,start,end\n" + "".join(rows)
    plain = "".join(line.rsplit(",", 2)[0] + "\n" for line in timed.splitlines())
    return [timed.encode(), plain.encode("utf-8-sig")]


def read_rows(path: Path) -> None:
    table = read_clip_table(path)
    assert not any(place.startswith("/") or ".." in place.split("/") for place in table.place)


def lists(folder: Path) -> list[bytes]:
    """The first of six lists; the others lie beside it."""
    labels = ("Archery", "Archery", "Biking", "Archery", "Fencing")
    rows = {name: f"v_{i},{labels[i]},{i}\n" for i, name in enumerate(_PARTITIONS)}
    head = "filename,label,label_code\n"
    for name, row in rows.items():
        (folder / f"{name}.csv").write_text(head + row)
    (folder / "stage_2_train.csv").write_text(head + "".join(rows[name] for name in _PARTITIONS[:3]))
    return [(head + rows["stage_1_train"]).encode(), (head + rows["stage_1_train"]).encode("utf-8-sig")]


def read_lists(path: Path) -> None:
    assert read_split_lists(path.parent, registered_dataset("ucf")).video_id
