from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from named_stores import install, named_table, partial_table
from video_folders import listed, write_lists, write_table

from avgzsl_bench.data.datasets.registry import registered_dataset
from avgzsl_bench.data.store.verify import list_findings
from avgzsl_bench.encoders.clips.lists import listed_videos
from avgzsl_bench.encoders.clips.split_lists import read_split_lists
from avgzsl_bench.errors import DataError

PLACES = [
    "",
    "main_split",
    "cls_split",
    "class-split/main_split",
    "class_split/main_split",
    "UCF/class-split/main_split",
    "UCF/class_split/cls_split",
]


@pytest.mark.parametrize("below", PLACES)
def test_lists_are_found_in_the_published_places(tmp_path: Path, below: str) -> None:
    dataset, videos = listed("ucf")
    place = write_lists(tmp_path / below, dataset, videos)
    read = read_split_lists(tmp_path, dataset)
    assert read.source == str(place)
    assert {*zip(read.video_id, read.label, read.partition, strict=True)} == {
        *zip(videos.video_id, videos.label, videos.partition, strict=True)
    }
    assert list(list_findings(read, dataset)) == []


def test_the_main_split_is_read_where_there_are_both(tmp_path: Path) -> None:
    dataset, videos = listed("ucf")
    for split in ("cls", "main"):
        write_lists(tmp_path / f"{split}_split", dataset, videos)
    assert read_split_lists(tmp_path, dataset).source.endswith("main_split")


def test_the_published_lists(shared: Path) -> None:
    for name in ("ucf", "activitynet"):
        dataset, videos = listed(name)
        read = read_split_lists(shared / "data/official", dataset)
        assert sorted(read.video_id) == sorted(videos.video_id)
        assert list(list_findings(read, dataset)) == []


def test_a_list_with_other_videos_is_found(tmp_path: Path) -> None:
    dataset, videos = listed("ucf")
    ids = [video.replace("_g02_c01", "_g99_c01") if label == 2 else video for video, label in labelled(videos)]
    write_lists(tmp_path, dataset, replace(videos, video_id=ids))
    findings = list(list_findings(read_split_lists(tmp_path, dataset), dataset))
    assert {finding.text for finding in findings} == {"as many videos as standard, but other ids"}
    assert all(finding.severity.value == "difference" for finding in findings)


def labelled(videos):
    return zip(videos.video_id, videos.label, strict=True)


def test_a_list_that_is_shorter_is_found(tmp_path: Path) -> None:
    dataset, videos = listed("ucf")
    keep = videos.partition != 16
    kept = [video for video, kept in zip(videos.video_id, keep, strict=True) if kept]
    few = replace(videos, video_id=kept, label=videos.label[keep], partition=videos.partition[keep])
    write_lists(tmp_path, dataset, few)
    row = ("v_Archery_g01_c02", "Archery", 2)
    write_table(tmp_path / "stage_2_test_seen.csv", ("filename", "label", "label_code"), [row])
    texts = [f"{f.name}: {f.text}" for f in list_findings(read_split_lists(tmp_path, dataset), dataset)]
    assert "stage2_test_seen: 1 videos, standard 555" in texts


ROW = ("v_Archery_g01_c01", "Archery", 2)
COLUMNS = ("filename", "label", "label_code")


@pytest.mark.parametrize(
    ("name", "columns", "rows", "message"),
    [
        (
            "stage_1_train.csv",
            ("video", "label"),
            [("v", "Archery")],
            r"stage_1_train\.csv: has no column 'filename'",
        ),
        ("stage_1_train.csv", COLUMNS, [], r"stage_1_train\.csv: has 0 rows"),
        (
            "stage_1_train.csv",
            COLUMNS,
            [("v", "Archer", 2)],
            r"stage_1_train\.csv: line 2: .*did you mean 'Archery'",
        ),
        ("stage_1_train.csv", COLUMNS, [("", "Archery", 2)], r"video 0 has no proper id"),
        ("stage_1_train.csv", COLUMNS, [("a\x07", "Archery", 2)], r"video 0 has no proper id"),
        ("stage_1_train.csv", COLUMNS, [ROW, (ROW[0], "Bowling", 12)], r"is of 'Bowling' and of 'Archery'"),
        (
            "stage_2_test_unseen.csv",
            COLUMNS,
            [ROW],
            r"not to be used: stage2_train and stage2_test_unseen: 1 videos",
        ),
        ("stage_1_val_seen.csv", COLUMNS, [("v_new_g01_c01", "Archery", 2)], r"stage2_train: lacks 1 videos"),
    ],
)
def test_lists_that_cannot_be_used(tmp_path: Path, name: str, columns, rows, message: str) -> None:
    dataset, videos = listed("ucf")
    write_lists(tmp_path, dataset, videos)
    write_table(tmp_path / name, columns, rows)
    with pytest.raises(DataError, match=message) as error:
        read_split_lists(tmp_path, dataset)
    assert "\n" not in str(error.value)


def test_all_six_lists_are_needed(tmp_path: Path) -> None:
    dataset, videos = listed("ucf")
    write_lists(tmp_path, dataset, videos)
    (tmp_path / "stage_2_train.csv").unlink()
    with pytest.raises(DataError, match=r"has no stage_2_train\.csv; the lists of all six partitions are needed$"):
        read_split_lists(tmp_path, dataset)
    with pytest.raises(DataError, match=r"nothing: no such folder$"):
        read_split_lists(tmp_path / "nothing", dataset)
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"no lists of videos; looked for stage_1_train\.csv there, in main_split"):
        read_split_lists(tmp_path / "empty", dataset)


def test_lists_of_the_user_come_first_then_those_of_the_package(tmp_path: Path) -> None:
    dataset, videos = listed("ucf")
    write_lists(tmp_path / "lists", dataset, videos)
    install(tmp_path, named_table())
    assert listed_videos(dataset, tmp_path, tmp_path / "lists").source == str(tmp_path / "lists")
    assert listed_videos(dataset, tmp_path, None).source == "the lists of the package"


def of_vggsound(features: str, step: int):
    table = partial_table(step)
    return replace(table, dataset="vggsound", features=features)


def test_then_installed_features_with_the_most_videos(tmp_path: Path) -> None:
    dataset = registered_dataset("vggsound")
    install(tmp_path, of_vggsound("mine", 2))
    install(tmp_path, of_vggsound("clip_clap", 4))
    install(tmp_path, of_vggsound("yours", 4))
    install(tmp_path, replace(of_vggsound("simulated", 1), simulated=True))
    videos = listed_videos(dataset, tmp_path, None)
    expected = of_vggsound("mine", 2)
    assert videos.source == "the installed features mine"
    assert videos.video_id == expected.video_id
    assert np.array_equal(videos.label, expected.label)
    assert np.array_equal(videos.partition, expected.partition)


def test_of_sets_with_as_many_videos_the_published_one_is_taken(tmp_path: Path) -> None:
    install(tmp_path, of_vggsound("a_set", 4))
    install(tmp_path, of_vggsound("clip_clap", 4))
    videos = listed_videos(registered_dataset("vggsound"), tmp_path, None)
    assert videos.source == "the installed features clip_clap"


def test_without_any_one_line_says_the_ways(tmp_path: Path) -> None:
    install(tmp_path, replace(of_vggsound("simulated", 1), simulated=True))
    with pytest.raises(DataError, match=r"--splits DIR.*--table FILE.*'avbench data import DIR'$") as error:
        listed_videos(registered_dataset("vggsound"), tmp_path, None)
    assert "\n" not in str(error.value)
