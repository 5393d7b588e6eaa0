"""`avbench predict` on the command line: what is printed, exit codes, and one line for what cannot be."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import toy_encoders
from click.testing import Result
from made_clips import Clip, Track, tone, write_clip

Call = Callable[..., Result]


@pytest.fixture
def videos(tmp_path: Path) -> Path:
    place = tmp_path / "videos"
    place.mkdir()
    for name in ("a", "b"):
        write_clip(place / f"{name}.mkv", Clip(frames=10, sounds=[Track(tone(0.5))]))
    write_clip(place / "silent.mkv", Clip(frames=10))
    return place


@pytest.fixture
def call(register: Callable[[object], object], avbench: Call) -> Call:
    register(toy_encoders)

    def call(*arguments: object) -> Result:
        result = avbench("predict", *arguments)
        assert "Traceback" not in result.output
        return result

    return call


def test_a_table_per_video_and_the_others_are_taken(call: Call, videos: Path) -> None:
    done = call(videos, "nowhere.mp4", "--encoders", "tint,noise", "--classes", "long and grey, loud red")
    assert done.exit_code == 0, done.output
    lines = [line.split() for line in done.stdout.splitlines() if line.strip(" ─")]
    assert [line for line in lines if line[-1] == "s"] == [[str(videos / f"{n}.mkv"), "0.4", "s"] for n in "ab"]
    assert lines.count(["rank", "class", "score"]) == 2
    assert lines[2][:4] == ["1", "long", "and", "grey"]
    assert done.stderr.splitlines() == [
        f"{videos / 'silent.mkv'}: no sound stream",
        "nowhere.mp4: no such file",
    ]


def test_an_object_per_video_and_line(call: Call, videos: Path) -> None:
    done = call(videos, "--encoders", "tint,noise", "--classes", "grey,red", "--top", 1, "--json")
    assert done.exit_code == 0
    first, _, silent = map(json.loads, done.stdout.splitlines())
    assert list(first) == ["video", "seconds", "classes", "notes"]
    (best,) = first["classes"]
    assert list(best) == ["name", "score", "raw_score", "role"]
    assert (best["name"], best["role"], first["seconds"]) == ("grey", None, pytest.approx(0.4))
    assert silent == {"video": str(videos / "silent.mkv"), "error": "no sound stream"}


def test_how_far_it_is(call: Call, videos: Path) -> None:
    for number in range(10):
        (videos / f"c{number}.mkv").write_bytes(b"")
    done = call(videos, "--encoders", "tint", "--classes", "grey", "--json")
    assert "10/13 videos  8 not usable" in done.stderr.splitlines()


def test_a_video_of_noise(call: Call, tmp_path: Path) -> None:
    (tmp_path / "noise.mp4").write_bytes(np.random.default_rng(0).bytes(100_000))
    done = call("noise.mp4", "--encoders", "tint", "--classes", "grey")
    assert done.exit_code == 2
    assert done.stderr.startswith("error: noise.mp4: unreadable: ")
    assert done.stderr.count("\n") == 1


def test_names_are_shown_without_control_characters(call: Call, videos: Path) -> None:
    (videos / "a.mkv").rename(videos / "\x1b[31ma.mkv")
    done = call(videos, "\x1b[0mb.mp4", "--encoders", "tint", "--classes", "grey")
    assert "[31ma.mkv  0.4 s" in done.stdout
    assert "\x1b" not in done.output


def test_none_that_can_be_used(call: Call, videos: Path) -> None:
    done = call("x.mp4", "y.mp4", "--encoders", "tint", "--classes", "grey")
    assert done.exit_code == 2
    assert done.stderr.splitlines()[-1] == "error: none of the videos can be used"


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ((), "nothing to predict with"),
        (("--encoders", "tint"), "knows no classes"),
        (("--encoders", "tint", "--classes", ","), "no class name"),
        (("--encoders", "tnt", "--classes", "red"), "did you mean 'tint'"),
        (("--encoders", "colour", "--classes", "red"), "no encoder of texts has its space"),
        (("--encoders", "tint,colour", "--classes", "red"), "one encoder of frames, one of sound"),
        (("--encoders", "letters", "--classes", "red"), "these are letters (text)"),
        (("--encoders", "tint", "--classes", "@nowhere"), "nowhere: cannot be read"),
        (("--encoders", "tint", "--classes", "red", "--device", "nowhere"), "unknown device"),
        (("--encoders", "clip", "--classes", "red"), "weights of 'clip' are not here"),
    ],
)
def test_one_line_and_exit_code_2(
    call: Call, refused: Callable[..., str], videos: Path, options: tuple[str, ...], expected: str
) -> None:
    assert expected in refused("predict", videos, *options)


def test_no_video_is_a_line_too(call: Call, refused: Callable[..., str]) -> None:
    assert "no video; give files or folders" in refused("predict", "--encoders", "tint", "--classes", "red")
