from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from video_folders import fill, write_table

from avgzsl_bench.data.datasets.registry import registered_dataset
from avgzsl_bench.data.datasets.video_list import VideoList
from avgzsl_bench.encoders.clips.clip import LeftOut, Stretch
from avgzsl_bench.encoders.clips.clip_table import match_rows, read_clip_table
from avgzsl_bench.errors import DataError

COLUMNS = ("video", "class", "path", "partition", "start", "end")
ROWS = [
    ("one", "Archery", "a/x.mp4", "stage1_train", "", ""),
    ("two", "Archery", "a/x.mp4", "stage2_test_seen", "1.5", ""),
    ("three", "Bowling", "./y.mp4", "stage_1_train", "", "2"),
    ("four", "Bowling", "b//z.avi", "stage2_test_seen", " 0.25 ", "1e1"),
]


def lists_of(table) -> VideoList:
    dataset = registered_dataset("ucf")
    label = [dataset.class_id(name) for name in table.videos.class_name]
    return VideoList(table.videos.video_id, np.array(label, np.int64), table.videos.partition, "a test")


def test_rows_with_places_and_stretches(tmp_path: Path) -> None:
    table = read_clip_table(write_table(tmp_path / "t.csv", COLUMNS, ROWS))
    assert table.videos.video_id == ["one", "two", "three", "four"]
    assert table.videos.partition.tolist() == [9, 16, 9, 16]
    assert table.place == ["a/x.mp4", "a/x.mp4", "y.mp4", "b/z.avi"]
    assert table.stretch == [Stretch(), Stretch(1.5), Stretch(None, 2.0), Stretch(0.25, 10.0)]


def test_without_columns_of_times_files_are_taken_whole(tmp_path: Path) -> None:
    rows = [(*row[:4], "ignored") for row in ROWS]
    table = read_clip_table(write_table(tmp_path / "t.csv", (*COLUMNS[:4], "remark"), rows))
    assert table.stretch == [Stretch()] * 4


def test_a_parquet_table_says_the_same(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    pd.DataFrame(ROWS, columns=list(COLUMNS)).to_parquet(tmp_path / "t.parquet")
    write_table(tmp_path / "t.csv", COLUMNS, ROWS)
    one, other = (read_clip_table(tmp_path / f"t.{ending}") for ending in ("csv", "parquet"))
    assert (one.place, one.stretch, one.videos.video_id) == (other.place, other.stretch, other.videos.video_id)


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("path", "../x.mp4", r"line 2: path '\.\./x\.mp4' is not below the folder of videos"),
        ("path", "a/../../x.mp4", "is not below the folder"),
        ("path", "/etc/passwd", "is not below the folder"),
        ("path", ".", "is not below the folder"),
        ("path", "", "'path' is empty or not printable"),
        ("path", "  ", "'path' is empty or not printable"),
        ("path", "a\x00b", "'path' is empty or not printable"),
        ("start", "-1", r"line 2: 'start' is '-1', expected seconds, 0 or more, or nothing"),
        ("start", "nan", "expected seconds"),
        ("end", "inf", "expected seconds"),
        ("end", "soon", "expected seconds"),
        ("end", "0", r"line 2: 'end' 0 is not after 'start' 0"),
        ("class", "", "no class"),
        ("partition", "stage1_trian", "did you mean 'stage1_train'"),
        ("video", "two", "video 'two' occurs twice"),
    ],
)
def test_values_that_cannot_be_used(tmp_path: Path, column: str, value: str, message: str) -> None:
    first = list(ROWS[0])
    first[COLUMNS.index(column)] = value
    path = write_table(tmp_path / "t.csv", COLUMNS, [first, *ROWS[1:]])
    with pytest.raises(DataError, match=message) as error:
        read_clip_table(path)
    assert "\n" not in str(error.value)


def test_a_stretch_that_ends_before_it_begins(tmp_path: Path) -> None:
    row = ("one", "Archery", "x.mp4", "stage1_train", "3", "3")
    with pytest.raises(DataError, match=r"line 2: 'end' 3 is not after 'start' 3$"):
        read_clip_table(write_table(tmp_path / "t.csv", COLUMNS, [row]))


@pytest.mark.parametrize("column", COLUMNS[:4])
def test_a_missing_column(tmp_path: Path, column: str) -> None:
    kept = [i for i, name in enumerate(COLUMNS) if name != column]
    rows = [[row[i] for i in kept] for row in ROWS]
    with pytest.raises(DataError, match=f"has no column '{column}'"):
        read_clip_table(write_table(tmp_path / "t.csv", [COLUMNS[i] for i in kept], rows))


def test_each_row_has_its_file_or_a_reason(tmp_path: Path) -> None:
    table = read_clip_table(write_table(tmp_path / "t.csv", COLUMNS, ROWS))
    videos = fill(tmp_path / "videos", ["a/x.mp4"])
    (videos / "y.mp4").symlink_to(fill(tmp_path, ["elsewhere.mp4"]) / "elsewhere.mp4")
    (videos / "b/z.avi").mkdir(parents=True)
    clips, out = match_rows(table, videos, registered_dataset("ucf"), lists_of(table))
    assert [(clip.video_id, clip.place, clip.stretch) for clip in clips] == [
        ("one", "a/x.mp4", Stretch()),
        ("two", "a/x.mp4", Stretch(1.5)),
        ("three", "y.mp4", Stretch(None, 2.0)),
    ]
    assert out == [LeftOut("four", "Bowling", "b/z.avi", "not a file")]
    (videos / "y.mp4").unlink()
    clips, out = match_rows(table, videos, registered_dataset("ucf"), lists_of(table))
    assert LeftOut("three", "Bowling", "y.mp4", "missing") in out
    assert len(clips) == 2


def test_a_folder_that_is_a_link_out_is_refused(tmp_path: Path) -> None:
    table = read_clip_table(write_table(tmp_path / "t.csv", COLUMNS, ROWS))
    fill(tmp_path / "elsewhere", ["x.mp4"])
    videos = fill(tmp_path / "videos", ["y.mp4", "inside/z.avi"])
    (videos / "b").symlink_to(videos / "inside")
    (videos / "a").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(DataError, match=r"videos/a: refused: a link that leaves .*videos$"):
        match_rows(table, videos, registered_dataset("ucf"), lists_of(table))
    (videos / "a").unlink()
    clips, _ = match_rows(table, videos, registered_dataset("ucf"), lists_of(table))
    assert [clip.place for clip in clips] == ["y.mp4", "b/z.avi"]
