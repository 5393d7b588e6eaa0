from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from video_folders import fill, listed

from avgzsl_bench.data.datasets.facts import Dataset
from avgzsl_bench.data.datasets.registry import registered_dataset
from avgzsl_bench.data.datasets.video_list import VideoList
from avgzsl_bench.encoders.clips.clip import Clip, LeftOut
from avgzsl_bench.encoders.clips.matching import match_files
from avgzsl_bench.encoders.clips.walk import walk


def few(name: str, *ids: str) -> tuple[Dataset, VideoList]:
    """Some videos of a dataset's list."""
    dataset, videos = listed(name)
    rows = [videos.video_id.index(video) for video in ids]
    return dataset, VideoList(list(ids), videos.label[rows], videos.partition[rows], videos.source)


def matched(folder: Path, name: str, *ids: str) -> tuple[list[Clip], list[LeftOut]]:
    return match_files(walk(folder), folder, *few(name, *ids))


ARCHERY, HANDSTAND = "v_Archery_g01_c01", "v_HandStandPushups_g01_c01"


def test_a_clip_has_the_class_and_partitions_of_the_lists(tmp_path: Path) -> None:
    fill(tmp_path, ["Bowling/deep/v_Archery_g01_c01.AVI"])
    clips, out = matched(tmp_path, "ucf", ARCHERY)
    (clip,) = clips
    dataset, videos = few("ucf", ARCHERY)
    assert (clip.video_id, clip.class_name, clip.label) == (ARCHERY, "Archery", dataset.class_id("Archery"))
    assert clip.partition == videos.partition[0]
    assert clip.path == tmp_path / clip.place == tmp_path / "Bowling/deep/v_Archery_g01_c01.AVI"
    assert (clip.stretch.start, clip.stretch.end) == (None, None)
    assert out == []


def test_case_does_not_count_in_ucf(tmp_path: Path) -> None:
    fill(tmp_path, ["HandstandPushups/v_HandstandPushups_g01_c01.avi", "V_ARCHERY_G01_C01.avi"])
    clips, out = matched(tmp_path, "ucf", ARCHERY, HANDSTAND)
    assert {clip.video_id for clip in clips} == {HANDSTAND, ARCHERY}
    assert out == []


def test_case_counts_in_ids_of_youtube(tmp_path: Path) -> None:
    fill(tmp_path, ["v_-ikl9kq9zfq_0.mp4"])
    clips, out = matched(tmp_path, "activitynet", "-IkL9Kq9zfQ_0")
    assert clips == []
    assert {item.reason for item in out} == {"not in the lists", "missing"}


def test_of_two_files_the_larger_is_taken_and_the_other_reported(tmp_path: Path) -> None:
    fill(tmp_path, {"a/v_Archery_g01_c01.avi": 5, "b/v_Archery_g01_c01.mp4": 7, "c/v_archery_g01_c01.avi": 6})
    clips, out = matched(tmp_path, "ucf", ARCHERY)
    assert [clip.place for clip in clips] == ["b/v_Archery_g01_c01.mp4"]
    assert out == [
        LeftOut(ARCHERY, "Archery", "c/v_archery_g01_c01.avi", "second file"),
        LeftOut(ARCHERY, "Archery", "a/v_Archery_g01_c01.avi", "second file"),
    ]


def test_of_two_equal_files_the_first_by_path_is_taken(tmp_path: Path) -> None:
    fill(tmp_path, {"b/v_Archery_g01_c01.avi": 5, "a/v_Archery_g01_c01.mkv": 5})
    clips, _ = matched(tmp_path, "ucf", ARCHERY)
    assert [clip.place for clip in clips] == ["a/v_Archery_g01_c01.mkv"]


def test_missing_videos_and_files_of_none(tmp_path: Path) -> None:
    fill(tmp_path, ["v_Archery_g01_c01.avi", "v_Biking_g01_c01.avi", "readme.mp4"])
    clips, out = matched(tmp_path, "ucf", ARCHERY, HANDSTAND)
    assert len(clips) == 1
    assert out == [
        LeftOut("", "", "readme.mp4", "not in the lists"),
        LeftOut("", "", "v_Biking_g01_c01.avi", "not in the lists"),
        LeftOut(HANDSTAND, "HandStandPushups", "", "missing"),
    ]


def test_what_is_no_file_is_not_called_missing(tmp_path: Path) -> None:
    (tmp_path / "v_Archery_g01_c01.avi").symlink_to("nothing")
    (tmp_path / "other.avi").symlink_to("nothing")
    clips, out = matched(tmp_path, "ucf", ARCHERY)
    assert clips == []
    assert out == [
        LeftOut("", "", "other.avi", "not a file"),
        LeftOut(ARCHERY, "Archery", "v_Archery_g01_c01.avi", "not a file"),
    ]


def test_the_order_of_a_listing_does_not_matter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(tmp_path, {f"{name}/v_Archery_g01_c01.avi": 3 for name in "abc"})
    expected = matched(tmp_path, "ucf", ARCHERY, HANDSTAND)
    plain = os.scandir

    class Backwards:
        def __init__(self, path: Path) -> None:
            with plain(path) as entries:
                self.entries = sorted(entries, key=lambda entry: entry.name, reverse=True)

        def __enter__(self) -> list[os.DirEntry[str]]:
            return self.entries

        def __exit__(self, *error: object) -> None:
            return None

    monkeypatch.setattr(os, "scandir", Backwards)
    assert matched(tmp_path, "ucf", ARCHERY, HANDSTAND) == expected


def test_the_eleven_characters_of_vggsound(tmp_path: Path) -> None:
    ids = ["abcdefgh_12_000030", "-bcdefgh_12_000030", "abcdefghijk_000012"]
    videos = VideoList(ids, np.zeros(3, np.int64), np.full(3, 8, np.uint8), "a test")
    fill(tmp_path, ["abcdefgh_12_30_40.mp4", "-bcdefgh_12_30000_40000.mp4", "abcdefghijk_12.000.mp4"])
    clips, out = match_files(walk(tmp_path), tmp_path, registered_dataset("vggsound"), videos)
    assert {clip.video_id: clip.place for clip in clips} == dict(
        zip(ids, ["abcdefgh_12_30_40.mp4", "-bcdefgh_12_30000_40000.mp4", "abcdefghijk_12.000.mp4"], strict=True)
    )
    assert out == []


def test_names_that_cannot_be_printed_are_shown_without_what_cannot(tmp_path: Path) -> None:
    fill(tmp_path, [os.fsdecode(b"\xff/v_Archery_g01_c01.avi"), "line\nfeed.avi"])
    clips, out = matched(tmp_path, "ucf", ARCHERY)
    assert [clip.place for clip in clips] == ["?/v_Archery_g01_c01.avi"]
    assert clips[0].path.is_file()
    assert [item.place for item in out] == ["line?feed.avi"]
