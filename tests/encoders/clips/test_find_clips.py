from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import pytest
from privileges import permissions_count
from video_folders import fill, listed, write_lists, write_table

from avgzsl_bench.encoders.clips.clip import Stretch
from avgzsl_bench.encoders.clips.find import find_clips
from avgzsl_bench.encoders.clips.walk import ENDINGS
from avgzsl_bench.errors import ConfigError, DataError

TABLE = ("video", "class", "path", "partition")
CLASSES = [("Cat", "train"), ("Dog", "train"), ("Fox", "val_unseen"), ("Owl", "test_unseen")]
VIDEOS = [
    ("c1", "Cat", "cats/1.mp4", "stage1_train"),
    ("c2", "Cat", "cats/2.mp4", "stage1_val_seen"),
    ("c3", "Cat", "cats/3.mp4", "stage2_test_seen"),
    ("d1", "Dog", "dogs/1.mp4", "stage1_train"),
    ("f1", "Fox", "1.mp4", "stage1_val_unseen"),
    ("o1", "Owl", "2.mp4", "stage2_test_unseen"),
]


def own(folder: Path) -> dict[str, Path]:
    """Tables of a new dataset."""
    return {
        "table": write_table(folder / "videos.csv", TABLE, VIDEOS),
        "classes": write_table(folder / "classes.csv", ("name", "all"), CLASSES),
    }


def test_the_eighteen_clips_at_hand(shared: Path, tmp_path: Path) -> None:
    found = find_clips("ucf", shared / "data/clips/ucf", root=tmp_path)
    assert found.source == "the lists of the package"
    assert found.findings == ()
    assert len(found.clips) == 18
    assert len(found.left_out) == 6816 - 18
    with (shared / "data/clips/clips.csv").open() as stream:
        stated = {row["id"]: row for row in csv.DictReader(stream) if row["file"].startswith("ucf/")}
    for clip in found.clips:
        assert stated[clip.video_id]["file"] == f"ucf/{clip.place}"
        assert stated[clip.video_id]["label"] == clip.class_name


def test_the_small_dataset_of_the_clips_at_hand(shared: Path, tmp_path: Path) -> None:
    clips = shared / "data/clips"
    tables = {"table": clips / "mini_videos.csv", "classes": clips / "mini_classes.csv"}
    found = find_clips("mini", clips, root=tmp_path, **tables)
    assert (len(found.clips), found.left_out, found.findings) == (18, (), ())
    assert found.dataset_file == tmp_path / "mini/dataset.json"


def test_clips_are_in_the_order_of_class_and_id(tmp_path: Path) -> None:
    _, videos = listed("ucf")
    fill(tmp_path / "videos", [f"{i}/{video}.avi" for i, video in enumerate(reversed(videos.video_id[::50]))])
    found = find_clips("ucf", tmp_path / "videos", root=tmp_path)
    assert [clip.video_id for clip in found.clips] == videos.video_id[::50]
    keys = [(item.reason, item.video_id, item.place) for item in found.left_out]
    assert keys == sorted(keys)


def test_a_folder_with_the_name_of_another_class_is_a_finding(tmp_path: Path) -> None:
    fill(
        tmp_path / "videos",
        [
            "Bowling/v_Archery_g01_c01.avi",
            "bowling/train/v_Archery_g01_c02.avi",
            "Bowling/Archery/v_Archery_g01_c03.avi",
            "HandstandPushups/v_HandStandPushups_g01_c01.avi",
            "hand stand_pushups/v_HandStandPushups_g01_c02.avi",
            "Cycling/v_HandStandPushups_g01_c03.avi",
        ],
    )
    found = find_clips("ucf", tmp_path / "videos", root=tmp_path)
    assert len(found.clips) == 6
    (finding,) = found.findings
    assert finding.text == (
        "2 videos lie in a folder with the name of another class than the lists give them, such as "
        "Bowling/v_Archery_g01_c01.avi, which is Archery"
    )


def test_lists_that_differ_from_the_standard_are_findings(tmp_path: Path) -> None:
    dataset, videos = listed("ucf")
    ids = [video.replace("v_Bowling_g01_c01", "v_Bowling_g01_c99") for video in videos.video_id]
    write_lists(tmp_path / "lists", dataset, replace(videos, video_id=ids))
    fill(tmp_path / "videos", ["v_Bowling_g01_c99.avi", "v_Bowling_g01_c01.avi"])
    found = find_clips("ucf", tmp_path / "videos", root=tmp_path, splits=tmp_path / "lists")
    assert [clip.video_id for clip in found.clips] == ["v_Bowling_g01_c99"]
    assert {finding.text for finding in found.findings} == {"as many videos as standard, but other ids"}


def test_a_folder_that_cannot_be_listed_is_a_finding(tmp_path: Path) -> None:
    fill(tmp_path / "videos", ["v_Archery_g01_c01.avi", "shut/v_Archery_g01_c02.avi"])
    (tmp_path / "videos/shut").chmod(0o000)
    try:
        with permissions_count():
            found = find_clips("ucf", tmp_path / "videos", root=tmp_path)
    finally:
        (tmp_path / "videos/shut").chmod(0o755)
    assert [finding.text for finding in found.findings] == ["shut/ cannot be listed: Permission denied"]


def test_whole_videos_without_annotations_are_a_finding(tmp_path: Path) -> None:
    fill(tmp_path / "videos", ["v_-IkL9Kq9zfQ_0.mp4", "v_-KWToNMY1Lc.mp4"])
    found = find_clips("activitynet", tmp_path / "videos", root=tmp_path)
    (finding,) = found.findings
    assert finding.text.startswith(
        "1 are called as whole videos, such as v_-KWToNMY1Lc.mp4; cut them with --annot"
    )


def test_whole_videos_with_annotations(tmp_path: Path) -> None:
    fill(tmp_path / "videos", ["v_-KWToNMY1Lc.mp4"])
    content = {"database": {"-KWToNMY1Lc": {"annotations": [{"segment": [1, 2.5], "label": "Calf roping"}]}}}
    (tmp_path / "a.json").write_text(json.dumps(content))
    found = find_clips("activitynet", tmp_path / "videos", root=tmp_path, annotations=tmp_path / "a.json")
    assert [(clip.video_id, clip.stretch) for clip in found.clips] == [("-KWToNMY1Lc_0", Stretch(1.0, 2.5))]
    assert found.findings == ()


def test_a_new_dataset_by_a_table(tmp_path: Path) -> None:
    fill(tmp_path / "videos", [place for _, _, place, _ in VIDEOS[:-1]])
    found = find_clips("zoo", tmp_path / "videos", root=tmp_path / "root", **own(tmp_path))
    assert found.dataset.class_names == ("Cat", "Dog", "Fox", "Owl")
    assert found.dataset_file == tmp_path / "root/zoo/dataset.json"
    assert found.source == str(tmp_path / "videos.csv")
    assert [clip.video_id for clip in found.clips] == ["c1", "c2", "c3", "d1", "f1"]
    assert [clip.partition for clip in found.clips] == [9, 10, 16, 9, 12]
    assert [(item.video_id, item.place, item.reason) for item in found.left_out] == [("o1", "2.mp4", "missing")]
    assert not (tmp_path / "root").exists()


def test_a_table_of_a_known_dataset_is_compared_with_its_standard(tmp_path: Path) -> None:
    dataset, videos = listed("ucf")
    columns = zip(videos.video_id, videos.label, videos.partition, strict=True)
    names = {9: "stage1_train", 10: "stage1_val_seen", 12: "stage1_val_unseen", 16: "stage2_test_seen"}
    rows = [(v, dataset.class_names[c], f"{v}.avi", names.get(p, "stage2_test_unseen")) for v, c, p in columns]
    fill(tmp_path / "videos", [rows[0][2]])
    table = write_table(tmp_path / "all.csv", TABLE, rows)
    assert find_clips("ucf", tmp_path / "videos", root=tmp_path, table=table).findings == ()
    table = write_table(tmp_path / "few.csv", TABLE, [row for row in rows if row[1] != "Archery"])
    found = find_clips("ucf", tmp_path / "videos", root=tmp_path, table=table)
    assert "stage1_train: no videos of 1 class: Archery" in [f"{f.name}: {f.text}" for f in found.findings]


def refusal(tmp_path: Path, name: str, folder: str = "videos", **options: Path) -> str:
    with pytest.raises((DataError, ConfigError)) as error:
        find_clips(name, tmp_path / folder, root=tmp_path / "root", **options)
    assert "\n" not in str(error.value)
    assert not (tmp_path / "root").exists()
    return str(error.value)


def test_folders_that_cannot_be_used(tmp_path: Path) -> None:
    assert refusal(tmp_path, "ucf").endswith("videos: no such folder")
    fill(tmp_path, ["videos/x.txt", "videos/a/y.wav"])
    assert f"no video in it (known endings: {', '.join(sorted(ENDINGS))})" in refusal(tmp_path, "ucf")
    assert refusal(tmp_path, "ucf", folder="videos/x.txt").endswith("x.txt: not a folder")


@pytest.mark.parametrize(
    ("name", "files", "hint"),
    [
        (
            "ucf",
            ["v_-IkL9Kq9zfQ_0.mp4", "x.mp4", "-KWToNMY1Lc_0.mp4"],
            "they are called as those of activitynet are",
        ),
        ("ucf", ["-0pJqpNjft4_000267.mp4"], "they are called as those of vggsound are"),
        ("activitynet", ["v_Archery_g01_c01.avi"], "they are called as those of ucf are"),
        ("activitynet", ["v_GGSY1Qvo999.mp4"], "whole videos need --annotations FILE, the published annotations"),
        (
            "ucf",
            ["x.mp4", "y.mp4"],
            "is it another dataset, or are they called otherwise? --table FILE says which fi",
        ),
    ],
)
def test_a_folder_of_another_dataset(tmp_path: Path, name: str, files: list[str], hint: str) -> None:
    fill(tmp_path / "videos", files)
    line = refusal(tmp_path, name)
    assert f"no file leads to a video of {name} (files: {len(files)}, such as {min(files)}); {hint}" in line


def test_vggsound_needs_lists(tmp_path: Path) -> None:
    fill(tmp_path / "videos", ["-0pJqpNjft4_000267.mp4"])
    assert "--splits DIR" in refusal(tmp_path, "vggsound")


def test_an_unknown_dataset_needs_tables(tmp_path: Path) -> None:
    fill(tmp_path / "videos", ["x.mp4"])
    line = refusal(tmp_path, "uff")
    assert "did you mean 'ucf'?" in line
    assert line.endswith("describe a new dataset with --table FILE and --classes FILE")
    assert "describe a new dataset with --classes FILE" in refusal(tmp_path, "zoo", table=own(tmp_path)["table"])


def test_options_that_exclude_each_other(tmp_path: Path) -> None:
    fill(tmp_path / "videos", ["x.mp4"])
    tables = own(tmp_path)
    assert refusal(tmp_path, "zoo", classes=tables["classes"]).startswith("--classes describes")
    assert refusal(tmp_path, "zoo", **tables, splits=tmp_path).startswith("--table has the partitions")
    assert refusal(tmp_path, "zoo", **tables, annotations=tmp_path).startswith("--table has columns start and end")
    assert refusal(tmp_path, "ucf", annotations=tmp_path / "x").startswith(
        "--annotations cuts the videos of activ"
    )


def test_a_table_without_one_file_that_is_there(tmp_path: Path) -> None:
    fill(tmp_path / "videos", ["x.mp4"])
    assert "none of its 6 files is in" in refusal(tmp_path, "zoo", **own(tmp_path))
