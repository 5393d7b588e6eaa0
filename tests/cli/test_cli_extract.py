"""`avbench extract` on the command line: a whole path, and one line for what cannot be."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import toy_encoders
from click.testing import Result
from made_clips import Clip, Track, tone, write_clip
from video_folders import write_table

Call = Callable[..., Result]

ROLES = (("a", "train"), ("b", "val_unseen"), ("c", "test_unseen"))
PARTS = (
    ("a", "stage1_train"),
    ("a", "stage1_val_seen"),
    ("a", "stage2_test_seen"),
    ("b", "stage1_val_unseen"),
    ("c", "stage2_test_unseen"),
)


@pytest.fixture
def videos(tmp_path: Path) -> Path:
    place = tmp_path / "videos"
    place.mkdir()
    rows = []
    for name, partition in PARTS:
        video = f"{name}{len(rows)}"
        write_clip(place / f"{video}.mkv", Clip(frames=10, sounds=[Track(tone(0.5))]))
        rows.append((video, name, f"{video}.mkv", partition))
    write_table(place / "videos.csv", ("video", "class", "path", "partition"), rows)
    write_table(place / "classes.csv", ("name", "readable", "all"), [(name, name, role) for name, role in ROLES])
    return place


@pytest.fixture
def call(videos: Path, tmp_path: Path, register: Callable[[object], object], avbench: Call) -> Call:
    register(toy_encoders)

    def call(
        *options: str, dataset: str = "mine", folder: Path = videos, encoders: str = "colour,level"
    ) -> Result:
        given = ["extract", dataset, str(folder), "--encoders", encoders, "--data-root", str(tmp_path / "data")]
        return avbench(*given, *options)

    return call


def own(videos: Path) -> list[str]:
    table, classes = str(videos / "videos.csv"), str(videos / "classes.csv")
    return ["--table", table, "--classes", classes, "--text", "letters", "--workers", "1"]


def test_from_videos_to_a_set_that_data_info_shows(
    call: Call, videos: Path, tmp_path: Path, avbench: Call
) -> None:
    done = call(*own(videos))
    assert done.exit_code == 0, done.output
    assert "5 of 5 standard videos are there" in done.stdout
    assert done.stdout.splitlines()[-1].startswith("mine colour_level -> ")
    assert "5/5  " in done.stderr
    assert "waiting for: " in done.stderr
    info = avbench("data", "info", "mine", "--data-root", str(tmp_path / "data"))
    assert "extracted from videos" in info.output
    again = call(*own(videos))
    assert again.exit_code == 2
    assert "is there already; replace it with --force" in again.stderr


def test_a_dry_run_writes_nothing(call: Call, videos: Path, tmp_path: Path) -> None:
    (videos / "a1.mkv").unlink()
    done = call(*own(videos), "--dry-run")
    assert done.exit_code == 0, done.output
    assert "4 of 5 standard videos are there" in done.stdout
    assert "left out, missing: 1: a1" in done.stdout
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"dataset": "ucf"}, "none of"),
        ({"folder": Path("nowhere")}, "no such folder"),
        ({"encoders": "colour"}, "one encoder of frames and one of sound"),
        ({"encoders": "colour,leve"}, "did you mean 'level'"),
    ],
)
def test_one_line_and_exit_code_2(call: Call, change: dict[str, object], expected: str, tmp_path: Path) -> None:
    failed = call("--text", "letters", **change)
    assert failed.exit_code == 2
    assert failed.stderr.count("\n") == 1
    assert failed.stderr.startswith("error: ")
    if expected != "none of":
        assert expected in failed.stderr
    assert not list(tmp_path.glob("data/**/features.h5"))


@pytest.mark.parametrize("option", ["--workers=0", "--batch=0", "--min-clips=2", "--longest=0", "--limit=0"])
def test_numbers_out_of_range(call: Call, option: str) -> None:
    failed = call(option)
    assert failed.exit_code == 2
    assert option.partition("=")[0] in failed.output


def test_weights_that_are_not_here(call: Call, videos: Path) -> None:
    failed = call(*own(videos), "--features", "x", encoders="clip,level")
    assert failed.exit_code == 2
    assert "weights of 'clip' are not here" in failed.stderr


def test_without_the_libraries_it_is_one_line(call: Call, videos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("avgzsl_bench.encoders.extraction.found.find_spec", lambda name: None)
    failed = call(*own(videos))
    assert failed.exit_code == 2
    assert failed.stderr == "error: av, PIL, pebble not installed here: pip install 'avgzsl-bench[extract]'\n"
    assert call(*own(videos), "--dry-run").exit_code == 0
