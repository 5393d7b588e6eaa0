from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from video_folders import fill, listed

from avgzsl_bench.data.datasets.video_list import VideoList
from avgzsl_bench.encoders.clips import annotations as module
from avgzsl_bench.encoders.clips.annotations import Annotations, read_annotations, stretch_of
from avgzsl_bench.encoders.clips.clip import LeftOut, Stretch
from avgzsl_bench.encoders.clips.matching import match_files
from avgzsl_bench.encoders.clips.walk import walk
from avgzsl_bench.errors import DataError

DATASET, VIDEOS = listed("activitynet")
ID = "GGSY1Qvo990"
CLEAN = DATASET.classes[DATASET.class_names.index("Cleanandjerk")]


def write(path: Path, *annotations: Any, **more: Any) -> Path:
    video = {"duration": 30.5, "subset": "validation", "url": "https://example.org", "annotations": annotations}
    path.write_text(json.dumps({"version": "1.3", "taxonomy": [], "database": {ID: video}, **more}))
    return path


def entry(start: float, end: float, label: str = "Clean and jerk") -> dict[str, Any]:
    return {"segment": [start, end], "label": label}


def test_the_kth_annotation_is_the_stretch(tmp_path: Path) -> None:
    cuts = read_annotations(write(tmp_path / "a.json", entry(1, 2.5), entry(3.25, 10)))
    assert stretch_of(cuts, f"{ID}_0", CLEAN) == Stretch(1.0, 2.5)
    assert stretch_of(cuts, f"{ID}_1", CLEAN) == Stretch(3.25, 10.0)
    assert stretch_of(cuts, f"{ID}_2", CLEAN) == "no annotation"
    for other in ("GGSY1Qvo991_0", ID, "x_0", f"{ID}_{10**9}", f"{ID}_-1"):
        assert stretch_of(cuts, other, CLEAN) == "no annotation"


@pytest.mark.parametrize("label", ["Cleanandjerk", "clean  AND jerk", " Clean and jerk "])
def test_the_label_may_be_written_with_blanks(tmp_path: Path, label: str) -> None:
    cuts = read_annotations(write(tmp_path / "a.json", entry(1, 2, label)))
    assert stretch_of(cuts, f"{ID}_0", CLEAN) == Stretch(1.0, 2.0)


def test_another_label_is_no_clip(tmp_path: Path) -> None:
    cuts = read_annotations(write(tmp_path / "a.json", entry(1, 2, "Snatch"), entry(1, 2, "")))
    assert [stretch_of(cuts, f"{ID}_{k}", CLEAN) for k in (0, 1)] == ["label differs"] * 2


@pytest.mark.parametrize(("start", "end"), [(2, 2), (3, 2), (-1, 2), (0, float("inf")), (float("nan"), 2)])
def test_times_that_make_no_stretch(tmp_path: Path, start: float, end: float) -> None:
    cuts = read_annotations(write(tmp_path / "a.json", entry(start, end)))
    assert stretch_of(cuts, f"{ID}_0", CLEAN) == "no proper segment"


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        '{"database": []}',
        '{"database": {"x": []}}',
        '{"database": {"x": {"annotations": [{"segment": [1], "label": "a"}]}}}',
        '{"database": {"x": {"annotations": [{"segment": ["1", "2"], "label": "a"}]}}}',
        '{"database": {"x": {"annotations": [{"segment": [1, 2], "label": 3}]}}}',
        '{"database": ' + '{"a": ' * 100_000,
        '{"database": {"x": {"annotations": ' + "[" * 100_000,
    ],
)
def test_foreign_json_is_one_line(tmp_path: Path, content: str) -> None:
    (tmp_path / "a.json").write_text(content)
    with pytest.raises(DataError, match=r"not a valid file of annotations: .*; bring that of Act") as error:
        read_annotations(tmp_path / "a.json")
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 800


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_LARGEST", 100)
    with pytest.raises(DataError, match="refused: larger than the 100 bytes"):
        read_annotations(write(tmp_path / "a.json", *[entry(1, 2)] * 10))
    with pytest.raises(DataError, match=r"b\.json: cannot be read: No such file"):
        read_annotations(tmp_path / "b.json")


def some(*ids: str) -> VideoList:
    rows = [VIDEOS.video_id.index(video) for video in ids]
    return VideoList(list(ids), VIDEOS.label[rows], VIDEOS.partition[rows], "a test")


def cuts_of(videos: VideoList) -> Annotations:
    """Annotations that fit: clip k of a video is [k, k + 0.5)."""
    database: dict[str, dict[str, Any]] = {}
    for video, label in zip(videos.video_id, videos.label, strict=True):
        recording, k = video[:11], int(video[12:])
        of_video = database.setdefault(recording, {"annotations": []})["annotations"]
        of_video += [entry(i, i + 0.5, "no class") for i in range(len(of_video), k)]
        of_video.append(entry(k, k + 0.5, DATASET.classes[label].readable))
    return Annotations.model_validate_json(json.dumps({"database": database}))


def several() -> list[str]:
    """The clips of a recording that has three of them."""
    count = Counter(video[:11] for video in VIDEOS.video_id)
    recording = next(name for name, n in count.items() if n == 3)
    ids = sorted(video for video in VIDEOS.video_id if video.startswith(recording))
    assert [video[12:] for video in ids] == ["0", "1", "2"]
    return ids


def test_whole_videos_are_cut_into_their_clips(tmp_path: Path) -> None:
    ids = several()
    fill(tmp_path, [f"sub/v_{ids[0][:11]}.mp4", "v_AAAAAAAAAAA.mp4", "other.mp4"])
    videos = some(*ids)
    clips, out = match_files(walk(tmp_path), tmp_path, DATASET, videos, cuts_of(videos))
    assert {(clip.video_id, clip.place, clip.stretch) for clip in clips} == {
        (video, f"sub/v_{video[:11]}.mp4", Stretch(float(k), k + 0.5)) for k, video in enumerate(ids)
    }
    assert out == [LeftOut("", "", place, "not in the lists") for place in ("other.mp4", "v_AAAAAAAAAAA.mp4")]


def test_a_clip_with_a_file_of_its_own_is_not_cut(tmp_path: Path) -> None:
    ids = several()
    fill(tmp_path, {f"v_{ids[0][:11]}.mp4": 9, f"v_{ids[1]}.mp4": 1, f"b/v_{ids[0][:11]}.mkv": 10})
    videos = some(*ids)
    clips, out = match_files(walk(tmp_path), tmp_path, DATASET, videos, cuts_of(videos))
    place = f"b/v_{ids[0][:11]}.mkv"
    assert {clip.video_id: clip.place for clip in clips} == {
        ids[0]: place,
        ids[1]: f"v_{ids[1]}.mp4",
        ids[2]: place,
    }
    assert out == [LeftOut("", "", f"v_{ids[0][:11]}.mp4", "second file")]


def test_a_whole_video_of_which_every_clip_is_there_is_a_second_file(tmp_path: Path) -> None:
    ids = several()
    whole = f"v_{ids[0][:11]}.mp4"
    fill(tmp_path, [whole, *(f"{video}.mp4" for video in ids)])
    videos = some(*ids)
    clips, out = match_files(walk(tmp_path), tmp_path, DATASET, videos, cuts_of(videos))
    assert sorted(clip.video_id for clip in clips) == ids
    assert out == [LeftOut("", "", whole, "second file")]


def test_clips_that_the_annotations_do_not_bear_out_are_left_out(tmp_path: Path) -> None:
    ids = several()
    place = f"v_{ids[0][:11]}.mp4"
    fill(tmp_path, [place])
    videos = some(*ids)
    cuts = cuts_of(videos)
    database = {ids[0][:11]: {"annotations": [a.model_dump() for a in cuts.database[ids[0][:11]].annotations[:2]]}}
    database[ids[0][:11]]["annotations"][0]["label"] = "Something else"
    cuts = Annotations.model_validate_json(json.dumps({"database": database}))
    clips, out = match_files(walk(tmp_path), tmp_path, DATASET, videos, cuts)
    name = DATASET.class_names[videos.label[0]]
    assert [clip.video_id for clip in clips] == [ids[1]]
    assert out == [LeftOut(ids[0], name, place, "label differs"), LeftOut(ids[2], name, place, "no annotation")]


def test_without_annotations_whole_videos_lead_to_nothing(tmp_path: Path) -> None:
    ids = several()
    fill(tmp_path, [f"v_{ids[0][:11]}.mp4"])
    clips, out = match_files(walk(tmp_path), tmp_path, DATASET, some(*ids))
    assert clips == []
    assert [item.reason for item in out] == ["not in the lists", *["missing"] * 3]
