from __future__ import annotations

import os
from pathlib import Path

import pytest
from privileges import permissions_count
from video_folders import fill

from avgzsl_bench.encoders.clips.walk import ENDINGS, walk
from avgzsl_bench.errors import DataError


def test_files_of_every_ending_at_any_depth_sorted_by_path(tmp_path: Path) -> None:
    places = [f"a/b/c/x{ending}" for ending in ENDINGS] + [f"y{ending.upper()}" for ending in ENDINGS]
    fill(tmp_path, [*places, "x.txt", "a/x.wav", ".mp4", "a/mp4", "a/x.mp4.part"])
    assert walk(tmp_path).files == sorted(places)


def test_the_twelve_endings() -> None:
    assert " ".join(sorted(ENDINGS)) == ".3gp .avi .flv .m4v .mkv .mov .mp4 .mpeg .mpg .ts .webm .wmv"


def test_links_to_files_are_followed_and_links_to_folders_are_not(tmp_path: Path) -> None:
    fill(tmp_path, ["elsewhere/x.mp4", "videos/a/y.mp4"])
    videos = tmp_path / "videos"
    (videos / "z.mp4").symlink_to(tmp_path / "elsewhere/x.mp4")
    (videos / "folder").symlink_to(tmp_path / "elsewhere")
    (videos / "folder.mp4").symlink_to(tmp_path / "elsewhere")
    (videos / "a/up").symlink_to(videos)
    found = walk(videos)
    assert found.files == ["a/y.mp4", "z.mp4"]
    assert found.no_files == []


def test_the_folder_itself_may_be_a_link(tmp_path: Path) -> None:
    fill(tmp_path, ["videos/x.mp4"])
    (tmp_path / "link").symlink_to(tmp_path / "videos")
    assert walk(tmp_path / "link").files == ["x.mp4"]


def test_what_is_no_file_is_kept_apart(tmp_path: Path) -> None:
    (tmp_path / "gone.mp4").symlink_to(tmp_path / "nothing")
    (tmp_path / "circle.mp4").symlink_to("circle.mp4")
    os.mkfifo(tmp_path / "pipe.mp4")
    fill(tmp_path, ["folder.mp4/x.avi"])
    found = walk(tmp_path)
    assert found.files == ["folder.mp4/x.avi"]
    assert found.no_files == ["circle.mp4", "gone.mp4", "pipe.mp4"]


def test_a_folder_that_cannot_be_listed_is_named(tmp_path: Path) -> None:
    fill(tmp_path, ["open/x.mp4", "shut/y.mp4"])
    (tmp_path / "shut").chmod(0o000)
    try:
        with permissions_count():
            found = walk(tmp_path)
            with pytest.raises(DataError, match="shut: cannot be listed: Permission denied"):
                walk(tmp_path / "shut")
    finally:
        (tmp_path / "shut").chmod(0o755)
    assert found.files == ["open/x.mp4"]
    assert found.closed == [("shut/", "Permission denied")]


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="nowhere: no such folder"):
        walk(tmp_path / "nowhere")
    with pytest.raises(DataError, match=r"x\.mp4: not a folder"):
        walk(fill(tmp_path, ["x.mp4"]) / "x.mp4")


def test_names_that_are_not_utf8(tmp_path: Path) -> None:
    name = os.fsdecode(b"x\xff.mp4")
    fill(tmp_path, [name])
    assert walk(tmp_path).files == [name]
