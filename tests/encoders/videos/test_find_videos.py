"""Files and folders to videos."""

from __future__ import annotations

from pathlib import Path

import pytest

from avgzsl_bench.encoders.videos.finding import find_videos
from avgzsl_bench.encoders.videos.video import UnusableVideo


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for place in ("b/two.MP4", "b/one.mkv", "a.avi", "notes.txt", "b/c/three.webm"):
        path = tmp_path / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    (tmp_path / "empty").mkdir()
    (tmp_path / "lost.mp4").symlink_to(tmp_path / "nowhere.mp4")
    return tmp_path


def test_a_folder_with_all_below_it(folder: Path) -> None:
    found = find_videos([folder])
    assert found == [
        *(folder / place for place in ("a.avi", "b/c/three.webm", "b/one.mkv", "b/two.MP4")),
        UnusableVideo(str(folder / "lost.mp4"), "not a file"),
    ]


def test_files_of_any_ending_in_the_order_given_and_once(folder: Path) -> None:
    files = [folder / "notes.txt", folder / "b" / "two.MP4"]
    assert find_videos([*files, folder / "b", files[0]]) == [
        *files,
        *(folder / "b" / place for place in ("c/three.webm", "one.mkv")),
    ]


@pytest.mark.parametrize(
    ("place", "reason"),
    [("nowhere.mp4", "no such file"), ("lost.mp4", "no such file"), ("empty", "no video in this folder")],
)
def test_what_leads_to_no_video(folder: Path, place: str, reason: str) -> None:
    assert find_videos([folder / place]) == [UnusableVideo(str(folder / place), reason)]
