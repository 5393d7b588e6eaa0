"""Odd, damaged and hostile clips in one folder: each is taken, noted or left out as it should be."""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import av
import clip_workers
import numpy as np
import pytest
from http_server import serving
from made_clips import Clip, Track, spoil, tone, write_clip
from odd_clips import JPEG, TWO_SECONDS, UNREADABLE, hostile, tripwire, unreadable, write_cover
from video_folders import write_table

from avgzsl_bench.data.store.store import read_store
from avgzsl_bench.data.store.table import Ragged
from avgzsl_bench.encoders.extraction import extract as module
from avgzsl_bench.encoders.extraction.extract import Extracted, extract
from avgzsl_bench.encoders.extraction.options import ExtractOptions

BOTH = pytest.mark.parametrize("sequences", [False, True])

Row = tuple[str, str]
"""Reason and note, as regular expressions."""

CLASSES = {"odd": "train", "unseen": "val_unseen", "later": "test_unseen"}
GOOD = {
    "seen_1": ("odd", "stage1_val_seen"),
    "seen_2": ("odd", "stage2_test_seen"),
    "unseen": ("unseen", "stage1_val_unseen"),
    "later": ("later", "stage2_test_unseen"),
}
"""Classes and partitions of clips that are not odd: a data set has videos in each partition."""

TAKEN = ("", "")


def made_up(folder: Path) -> dict[str, Row]:
    """Write a clip, or a file that is none, for each row of the table of odd clips; what is to be said of each."""
    jpeg = write_clip(folder / "jpeg.mkv", JPEG)
    pcm = write_clip(folder / "pcm.avi", replace(JPEG, sounds=[Track(tone(2.0), codec="pcm_s16le")])).read_bytes()
    (folder / "cut_off.avi").write_bytes(pcm[: len(pcm) // 2])
    for name, content in unreadable(folder).items():
        (folder / f"{name}.mp4").write_bytes(content)
    os.mkfifo(folder / "pipe.mp4")
    write_cover(folder / "cover.mp4")
    sounds = {
        "no_sample": np.zeros(0),
        "silent": np.zeros(96_000),
        "too_short": tone(0.05),
        "long_sound": tone(3.5),
    }
    clips = {
        "no_video": Clip(0, sounds=[TWO_SECONDS]),
        "no_sound": Clip(),
        "one_frame": Clip(1, sounds=[TWO_SECONDS]),
        "too_large": Clip(1, size=(8200, 16), sounds=[TWO_SECONDS]),
        "too_long": Clip(31, rate=1, sounds=[TWO_SECONDS]),
        "several": Clip(videos=2, sounds=[TWO_SECONDS] * 3),
        "varies": Clip(20, times=[40 * i + (200 if i > 9 else 0) for i in range(20)], sounds=[Track(tone(1.0))]),
        "rotated": Clip(rotate=90, codec="libx264", sounds=[TWO_SECONDS]),
        "ten_bits": Clip(pixels="yuv420p10le", sounds=[TWO_SECONDS]),
        "odd_size": Clip(size=(101, 57), pixels="yuv444p", sounds=[TWO_SECONDS]),
        "surround": Clip(sounds=[Track(np.tile(tone(2.0), (8, 1)), layout="7.1")]),
        **{name: Clip(sounds=[Track(wave)]) for name, wave in sounds.items()},
    }
    for name, clip in clips.items():
        write_clip(folder / f"{name}.{'mp4' if clip.rotate else 'mkv'}", clip)
    spoil(jpeg, folder / "no_frame.mkv", range(50))
    spoil(jpeg, folder / "no_decoded_sample.mkv", range(99), kind="audio")
    spoil(jpeg, folder / "grave.mkv", range(10, 22, 2))
    spoil(jpeg, folder / "slight.mkv", {3, 7})
    spoil(jpeg, folder / "sound_lost.mkv", range(10), kind="audio")
    return {
        "gone.mp4": ("missing", ""),
        "pipe.mp4": ("not a file", ""),
        **{f"{name}.mp4": (re.escape(UNREADABLE), "") for name in ("empty", "text", "cut", "lost", "zeros")},
        "no_video.mkv": ("no video stream", ""),
        "cover.mp4": ("no video stream", ""),
        "no_sound.mkv": ("no sound stream", ""),
        "no_frame.mkv": ("no frame", ""),
        "no_sample.mkv": ("no sample", ""),
        "no_decoded_sample.mkv": ("no sample", ""),
        "grave.mkv": ("damaged: 44 of 50 frames", ""),
        "cut_off.avi": (r"cut off: \d\d of 50 frames", ""),
        "sound_lost.mkv": (r"damaged: \d+ of \d+ packets of sound", ""),
        "slight.mkv": ("", "2 frames do not decode"),
        "silent.mkv": ("", "silent"),
        "too_short.mkv": (r"too short: 0\.05 s", ""),
        "one_frame.mkv": ("", r"picture of 0\.0 s, sound of 2\.0 s"),
        "long_sound.mkv": ("", r"picture of 2\.0 s, sound of 3\.5 s"),
        "too_large.mkv": ("too large: 8200 x 16 pixels", ""),
        "too_long.mkv": ("too long: 31 s", ""),
        "several.mkv": ("", "2 video streams, the first was taken;3 sound streams, the first was taken"),
        "varies.mkv": ("", "variable frame rate"),
        **dict.fromkeys(("rotated.mp4", "ten_bits.mkv", "odd_size.mkv", "surround.mkv", "jpeg.mkv"), TAKEN),
    }


def real(folder: Path, shared: Path) -> dict[str, Row]:
    """Copy the odd clips of ../shared; what is to be said of each."""
    source = shared / "data" / "clips" / "odd"
    for path in source.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    said = {
        **{f"{name}.mp4": (re.escape(UNREADABLE), "") for name in ("cut_off", "index_lost", "empty", "text")},
        "audio_only.m4a": ("no video stream", ""),
        "no_audio_stream.mp4": ("no sound stream", ""),
        "v_BenchPress_g01_c01.avi": ("no sound stream", ""),
        "cut_off.avi": ("cut off: 77 of 164 frames", ""),
        "noise_inside.avi": ("damaged: 128 of 164 frames", ""),
        "silent_track.avi": ("", "silent"),
        "sound_starts_late.mkv": ("", r"picture of 4\.0 s, sound of 2\.0 s"),
        "two_audio_streams.mkv": ("", "2 sound streams, the first was taken"),
        "variable_frame_rate.mp4": ("", "variable frame rate"),
    }
    return {path.name: said.get(path.name, TAKEN) for path in source.iterdir()}


def asked(options: ExtractOptions, folder: Path, names: Iterable[str]) -> ExtractOptions:
    """An extraction of files of a folder, and of good clips."""
    rows = [(name.replace(".", "_"), "odd", name, "stage1_train") for name in names]
    for name, part in GOOD.items():
        write_clip(folder / f"{name}.mkv", Clip(sounds=[TWO_SECONDS]))
        rows.append((name, part[0], f"{name}.mkv", part[1]))
    table, classes = folder / "videos.csv", folder / "classes.csv"
    write_table(table, ("video", "class", "path", "partition"), rows)
    write_table(classes, ("name", "readable", "all"), [(name, name, role) for name, role in CLASSES.items()])
    return replace(options, folder=folder, table=table, classes=classes, longest=30, min_clips=0.0, workers=2)


def said_of(done: Extracted) -> dict[str, Row]:
    """Reason and notes of each file that is reported, by its name."""
    said: dict[str, Row] = {}
    with done.path.with_name("left_out.csv").open(newline="") as stream:
        for row in csv.DictReader(stream):
            assert row["id"] == row["path"].replace(".", "_")
            assert row["class"] == "odd"
            before = said.get(row["path"])
            assert before is None or (before[0] == row["reason"] == "")
            said[row["path"]] = row["reason"], f"{before[1]};{row['note']}" if before else row["note"]
    return said


def check(done: Extracted, expected: dict[str, Row]) -> None:
    """Compare the report with what is to be said, row by row, and the store with both."""
    said = said_of(done)
    assert said.keys() == {name for name, row in expected.items() if row != TAKEN}
    for name, row in said.items():
        for text, pattern in zip(row, expected[name], strict=True):
            assert re.fullmatch(pattern, text), (name, row)
    taken = {name.replace(".", "_") for name, (reason, _) in expected.items() if not reason}
    _, table = read_store(done.path)
    assert set(table.video_id) == taken | GOOD.keys()
    for rows in (table.audio, table.visual):
        assert np.isfinite(rows.values if isinstance(rows, Ragged) else rows).all()


@BOTH
def test_made_up_clips(
    options: ExtractOptions, tmp_path: Path, sequences: bool, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "odd"
    folder.mkdir()
    expected = made_up(folder)
    check(extract(replace(asked(options, folder, expected), sequences=sequences)), expected)
    assert "Traceback" not in capfd.readouterr().err


@BOTH
def test_real_clips(
    options: ExtractOptions, tmp_path: Path, shared: Path, sequences: bool, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "odd"
    folder.mkdir()
    expected = real(folder, shared)
    assert len(expected) == 22
    check(extract(replace(asked(options, folder, expected), sequences=sequences)), expected)
    assert "Traceback" not in capfd.readouterr().err


def test_damaged_clips_are_taken_if_that_is_asked_for(options: ExtractOptions, tmp_path: Path) -> None:
    folder = tmp_path / "odd"
    folder.mkdir()
    spoil(write_clip(folder / "jpeg.mkv", JPEG), folder / "grave.mkv", range(10, 22, 2))
    asked_for = replace(asked(options, folder, ["grave.mkv"]), accept_damaged=True)
    check(extract(asked_for), {"grave.mkv": ("", "damaged: 44 of 50 frames")})


@pytest.fixture
def lists(tmp_path: Path) -> Iterator[tuple[Path, dict[str, Row], list[object]]]:
    """A folder of files that lead to others, what is to be said of them, and whatever was opened for them."""
    folder = tmp_path / "hostile"
    folder.mkdir()
    opened: list[object] = []
    with serving(b"") as server, tripwire(folder / "victim.ts") as tripped:
        contents = hostile(folder / "victim.ts", server.url)
        names = {kind: f"{kind.replace(' ', '_')}.{end}" for kind, end in zip(contents, ENDINGS, strict=True)}
        for kind, content in contents.items():
            (folder / names[kind]).write_text(content)
        yield folder, dict.fromkeys(names.values(), ("unreadable: .*", "")), opened
        opened += [*server.received, *(["victim.ts"] if tripped.is_set() else [])]
    assert not opened


ENDINGS = ("mp4", "avi", "mkv", "ts", "mp4", "webm", "mov", "wmv")


def test_hostile_files_are_refused_and_the_others_stay_closed(
    options: ExtractOptions, lists: tuple[Path, dict[str, Row], list[object]]
) -> None:
    folder, expected, _ = lists
    done = extract(asked(options, folder, expected))
    check(done, expected)
    assert all(str(folder) not in reason for reason, _ in said_of(done).values())


def test_the_tripwire_tells_when_a_file_is_opened(tmp_path: Path) -> None:
    """Without the whitelist FFmpeg follows a list: this is what the test above would see."""
    path = tmp_path / "clip.mp4"
    with tripwire(tmp_path / "victim.ts") as tripped:
        path.write_text(hostile(tmp_path / "victim.ts")["ffconcat"])
        with pytest.raises(av.FFmpegError):
            av.open(str(path))
        assert tripped.wait(30)


def test_a_clip_that_hangs_and_one_that_crashes_the_decoder(
    copied: ExtractOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "decode", clip_workers.decode_or_end)
    whole = extract(replace(copied, root=copied.root / "whole"))
    (copied.folder / "rain_1.mkv").rename(copied.folder / clip_workers.HANGS)
    (copied.folder / "siren_2.mkv").rename(copied.folder / clip_workers.CRASHES)
    assert copied.table is not None
    text = copied.table.read_text()
    for name, other in (("rain_1", clip_workers.HANGS), ("siren_2", clip_workers.CRASHES)):
        text = text.replace(f"{name}.mkv", other)
    copied.table.write_text(text)
    done = extract(replace(copied, clip_timeout=10, workers=2))
    with done.path.with_name("left_out.csv").open(newline="") as stream:
        rows = {row["id"]: row["reason"] for row in csv.DictReader(stream)}
    assert rows == {"rain_1": "timed out: more than 10 s", "siren_2": "decoder crashed"}
    (_, before), (_, after) = read_store(whole.path), read_store(done.path)
    for video, level in zip(after.video_id, after.audio, strict=True):
        assert level == pytest.approx(before.audio[before.video_id.index(video)])
