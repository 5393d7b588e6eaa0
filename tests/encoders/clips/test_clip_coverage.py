from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from video_folders import fill, listed

from avgzsl_bench.data.datasets.counts import PartitionCount
from avgzsl_bench.encoders.clips.clip import Clip, leave_out
from avgzsl_bench.encoders.clips.coverage import coverage, left_out_csv
from avgzsl_bench.encoders.clips.find import find_clips


@pytest.fixture
def half(tmp_path: Path) -> list[str]:
    """A folder with the Archery and Bowling videos of UCF, and three strangers."""
    _, videos = listed("ucf")
    ids = [video for video in videos.video_id if video.startswith(("v_Archery", "v_Bowling"))]
    fill(tmp_path / "videos", [f"{video}.avi" for video in [*ids, "v_Biking_g01_c01", "v_Biking_g01_c02", "b"]])
    return ids


def test_counts_are_in_the_form_of_data_info(tmp_path: Path, half: list[str]) -> None:
    found = find_clips("ucf", tmp_path / "videos", root=tmp_path)
    covers = coverage(found.dataset, found.clips, found.left_out)
    _, videos = listed("ucf")
    inside = [p for v, p in zip(videos.video_id, videos.partition, strict=True) if v in half and p & 1]
    assert covers.counts[0] == PartitionCount("stage1_train", "main", 2, 30, len(inside), 3174)
    assert (covers.covered.videos, covers.covered.standard) == (len(half), 6816)


def test_bare_classes_and_reasons_with_their_first_ids(tmp_path: Path, half: list[str]) -> None:
    found = find_clips("ucf", tmp_path / "videos", root=tmp_path)
    covers = coverage(found.dataset, found.clips, found.left_out)
    missing = sorted(set(listed("ucf")[1].video_id) - set(half))
    assert len(covers.bare) == 49
    assert not {"Archery", "Bowling"} & set(covers.bare)
    assert [(item.reason, item.count, item.first) for item in covers.reasons] == [
        ("missing", len(missing), tuple(missing[:3])),
        ("not in the lists", 3, ("b.avi", "v_Biking_g01_c01.avi", "v_Biking_g01_c02.avi")),
    ]
    assert list(covers.lines()) == [
        f"{len(half)} of 6,816 standard videos are there",
        "49 classes without a clip: ApplyEyeMakeup, ApplyLipstick, BabyCrawling and 46 more",
        f"left out, missing: {len(missing):,}: {', '.join(missing[:3])} and {len(missing) - 3:,} more",
        "left out, not in the lists: 3: b.avi, v_Biking_g01_c01.avi, v_Biking_g01_c02.avi",
    ]


def test_reasons_are_counted_by_what_stands_before_the_colon(tmp_path: Path) -> None:
    dataset, _ = listed("ucf")
    clip = Clip("v_Archery_g01_c01", "Archery", 2, 9, tmp_path / "x.avi", "x.avi")
    out = [leave_out(clip, "damaged: 128 of 164 frames"), leave_out(clip, "damaged: 1 of 2 frames")]
    (reason,) = coverage(dataset, [], out).reasons
    assert (reason.reason, reason.count) == ("damaged", 2)


def test_nothing_and_everything(tmp_path: Path) -> None:
    dataset, videos = listed("ucf")
    nothing = coverage(dataset, [], [])
    assert len(nothing.bare) == 51
    assert nothing.covered.share == 0.0
    clips = [
        Clip(video, dataset.class_names[label], int(label), int(bits), tmp_path, "x")
        for video, label, bits in zip(videos.video_id, videos.label, videos.partition, strict=True)
    ]
    everything = coverage(dataset, clips, [])
    assert list(everything.lines()) == ["6,816 of 6,816 standard videos are there"]


def test_the_file_of_what_is_left_out(tmp_path: Path) -> None:
    clip = Clip("one", 'male speech, "man"', 2, 9, tmp_path / "x.avi", "a, b/x.avi")
    text = left_out_csv([leave_out(clip, "damaged: 1 of 2 frames")], [(clip, "silent")])
    rows = list(csv.reader(io.StringIO(text)))
    assert rows == [
        ["id", "class", "path", "reason", "note"],
        ["one", 'male speech, "man"', "a, b/x.avi", "damaged: 1 of 2 frames", ""],
        ["one", 'male speech, "man"', "a, b/x.avi", "", "silent"],
    ]
