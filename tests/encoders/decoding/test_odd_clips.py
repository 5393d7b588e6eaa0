"""What happens to odd clips: taken, taken with a note, or left out for a reason."""

from __future__ import annotations

import os
import struct
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest
from made_clips import Clip, Track, index_of, spoil, tone, write_clip
from odd_clips import JPEG, TWO_SECONDS, UNREADABLE, unreadable, write_cover

from avgzsl_bench.encoders.decoding.clip import decode_clip
from avgzsl_bench.encoders.decoding.frame_choice import FrameChoice
from avgzsl_bench.encoders.decoding.request import ClipRequest
from avgzsl_bench.encoders.decoding.resampling import MonoSound
from avgzsl_bench.encoders.decoding.unusable import UnusableClip
from avgzsl_bench.encoders.encoder import AudioInput, VisualInput

SMALL = VisualInput(32, 32, "bilinear", (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
BOTH = ClipRequest(SMALL, AudioInput(16_000))


def reason(path: Path, request: ClipRequest = BOTH) -> str:
    with pytest.raises(UnusableClip) as caught:
        decode_clip(path, request)
    assert "\n" not in caught.value.reason
    return caught.value.reason


def notes(path: Path, request: ClipRequest = BOTH) -> tuple[str, ...]:
    return decode_clip(path, request).notes


def test_files_that_cannot_be_opened(tmp_path: Path) -> None:
    for name, content in unreadable(tmp_path).items():
        path = tmp_path / f"{name}.mp4"
        path.write_bytes(content)
        assert (name, reason(path)) == (name, UNREADABLE)


def test_what_is_not_a_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.mp4")
    assert reason(tmp_path / "pipe.mp4") == "unreadable: not a file"
    assert reason(tmp_path) == "unreadable: not a file"
    assert reason(tmp_path / "none.mp4") == "unreadable: not a file"


@pytest.mark.parametrize("name", ["-0pJqpNjft4_000267.mkv", "http:a.mkv", "%03d.mkv", "a b\n.mkv", "é😀.mkv"])
def test_any_name_is_that_of_a_file(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    write_clip(tmp_path / "clip.mkv", Clip(2, sounds=[TWO_SECONDS])).rename(tmp_path / name)
    monkeypatch.chdir(tmp_path)
    assert decode_clip(Path(name), BOTH).frame_count == 2


def test_streams_that_are_missing(tmp_path: Path) -> None:
    assert reason(write_clip(tmp_path / "a.mkv", Clip(0, sounds=[TWO_SECONDS]))) == "no video stream"
    assert reason(write_clip(tmp_path / "b.mkv", Clip())) == "no sound stream"


def test_a_cover_picture_is_no_video(tmp_path: Path) -> None:
    path = write_cover(tmp_path / "a.mp4")
    with av.open(str(path)) as file:
        assert len(file.streams.video) == 1
    assert reason(path) == "no video stream"


def test_streams_without_a_frame_or_a_sample(tmp_path: Path) -> None:
    empty = Track(np.zeros(0))
    assert reason(write_clip(tmp_path / "a.mkv", Clip(sounds=[empty]))) == "no sample"
    path = write_clip(tmp_path / "b.mkv", JPEG)
    assert reason(spoil(path, tmp_path / "c.mkv", range(50))) == "no frame"
    assert reason(spoil(path, tmp_path / "d.mkv", range(99), kind="audio")) == "no sample"


def test_a_codec_that_nobody_knows(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.avi", Clip(codec="mjpeg", pixels="yuvj420p"))
    path.write_bytes(path.read_bytes().replace(b"MJPG", b"QQQQ"))
    assert reason(path, ClipRequest(SMALL)).startswith("no frame")


def test_damaged_frames(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mkv", JPEG)
    grave = spoil(path, tmp_path / "b.mkv", range(10, 22, 2))
    assert reason(grave) == "damaged: 44 of 50 frames"
    taken = decode_clip(grave, replace(BOTH, accept_damaged=True))
    assert (taken.frame_count, taken.notes) == (44, ("damaged: 44 of 50 frames",))
    assert notes(spoil(path, tmp_path / "c.mkv", {3, 7})) == ("2 frames do not decode",)
    assert notes(spoil(path, tmp_path / "d.mkv", {3})) == ("1 frame does not decode",)


def test_the_decoded_number_of_frames_counts(tmp_path: Path) -> None:
    """The packets promise 50 frames; 46 are there, and those are the ones that are counted."""
    path = spoil(write_clip(tmp_path / "a.mkv", JPEG), tmp_path / "b.mkv", range(4))
    inputs = decode_clip(path, replace(BOTH, frames=FrameChoice(None)))
    assert inputs.frames is not None
    assert (inputs.frame_count, index_of(inputs.frames[0])) == (46, 4 + 23)


def test_a_file_that_was_cut_off(tmp_path: Path) -> None:
    content = write_clip(
        tmp_path / "a.avi", replace(JPEG, sounds=[Track(tone(2.0), codec="pcm_s16le")])
    ).read_bytes()
    path = tmp_path / "b.avi"
    path.write_bytes(content[: len(content) // 2])
    word, _, numbers = reason(path).partition(": ")
    assert word == "cut off"
    assert 15 < int(numbers.split()[0]) < 35
    assert numbers.endswith(" of 50 frames")
    assert decode_clip(path, replace(BOTH, accept_damaged=True)).frame_count == int(numbers.split()[0])


def test_damaged_sound(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mkv", JPEG)
    assert reason(spoil(path, tmp_path / "b.mkv", range(10), kind="audio")).startswith("damaged: ")
    assert "of sound" in reason(tmp_path / "b.mkv")
    assert notes(spoil(path, tmp_path / "c.mkv", {1, 2, 3}, kind="audio")) == (
        "1 packet of sound does not decode",
    )
    assert notes(tmp_path / "b.mkv", ClipRequest(SMALL)) == ()


def test_silence_is_taken(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mkv", Clip(sounds=[Track(np.zeros(96_000))]))
    assert notes(path) == ("silent",)


def test_sound_that_is_too_short(tmp_path: Path) -> None:
    assert reason(write_clip(tmp_path / "a.mkv", Clip(2, sounds=[Track(tone(0.05))]))) == "too short: 0.05 s"
    assert notes(write_clip(tmp_path / "b.mkv", Clip(2, sounds=[Track(tone(0.1))]))) == ()


def test_samples_that_are_no_numbers(tmp_path: Path) -> None:
    wave = tone(2.0)
    wave[500] = np.nan
    path = write_clip(tmp_path / "a.mkv", Clip(sounds=[Track(wave, codec="pcm_f32le")]))
    assert reason(path) == "damaged: samples that are no numbers"


def test_one_frame(tmp_path: Path) -> None:
    inputs = decode_clip(write_clip(tmp_path / "a.mkv", Clip(1, sounds=[TWO_SECONDS])), BOTH)
    assert inputs.frames is not None
    assert len(inputs.frames) == 8
    assert inputs.notes == ("picture of 0.0 s, sound of 2.0 s",)


def test_several_streams(tmp_path: Path) -> None:
    tracks = [TWO_SECONDS, Track(np.zeros(96_000)), Track(np.zeros(96_000))]
    path = write_clip(tmp_path / "a.mkv", Clip(videos=2, sounds=tracks))
    assert notes(path) == ("2 video streams, the first was taken", "3 sound streams, the first was taken")


def test_lengths_that_differ(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mkv", Clip(50, sounds=[Track(tone(3.5))]))
    assert notes(path) == ("picture of 2.0 s, sound of 3.5 s",)
    assert notes(write_clip(tmp_path / "b.mkv", Clip(50, sounds=[Track(tone(2.9))]))) == ()


def test_too_large(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mkv", Clip(1, size=(8200, 16), sounds=[TWO_SECONDS]))
    assert reason(path) == "too large: 8200 x 16 pixels"


def test_a_frame_that_is_stated_too_large_is_not_decoded(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.avi", Clip(2))
    path.write_bytes(path.read_bytes().replace(struct.pack("<ii", 64, 48), struct.pack("<ii", 16_000, 9_000)))
    assert reason(path, ClipRequest(SMALL)) == "too large: 16000 x 9000 pixels"


def test_too_long(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mkv", Clip(50, sounds=[Track(tone(4.0))]))
    assert reason(path, replace(BOTH, longest=1.5)) == "too long: 2 s"
    assert reason(path, ClipRequest(audio=AudioInput(16_000), longest=2.5)) == "too long: more than 2.5 s of sound"
    assert notes(path, replace(BOTH, longest=3.0)) == ("picture of 2.0 s, sound of 4.0 s",)


@pytest.mark.parametrize("size", [(1, 1), (8, 8000), (3, 101), (101, 57), (8192, 2)])
def test_odd_sizes(tmp_path: Path, size: tuple[int, int]) -> None:
    path = write_clip(tmp_path / "a.mkv", Clip(3, size=size, pixels="yuv444p"))
    wide = VisualInput(224, 224, "bicubic", SMALL.mean, SMALL.std)
    frames = decode_clip(path, ClipRequest(wide, frames=FrameChoice(3))).frames
    assert frames is not None
    assert frames.shape == (3, 224, 224, 3)
    assert [index_of(frame) for frame in frames] == [0, 1, 2]


@pytest.mark.parametrize(
    ("codec", "pixels"),
    [
        ("ffv1", "yuv420p10le"),
        ("ffv1", "gray"),
        ("ffv1", "yuva420p"),
        ("rawvideo", "yuv420p"),
        ("libx264", "yuv420p"),
    ],
)
def test_kinds_of_pixels(tmp_path: Path, codec: str, pixels: str) -> None:
    path = write_clip(tmp_path / "a.mkv", Clip(20, codec=codec, pixels=pixels))
    frames = decode_clip(path, ClipRequest(SMALL, frames=FrameChoice(None))).frames
    assert frames is not None
    assert index_of(frames[0]) == 10


@pytest.mark.parametrize(
    ("ending", "codec", "sound"),
    [
        ("mp4", "libx264", "aac"),
        ("mp4", "mpeg4", "mp3"),
        ("m4v", "libx264", "aac"),
        ("3gp", "libx264", "aac"),
        ("mov", "mjpeg", "pcm_s16le"),
        ("avi", "mpeg4", "mp3"),
        ("mkv", "libx264", "flac"),
        ("webm", "libvpx", "libopus"),
        ("webm", "libvpx-vp9", "libopus"),
        ("ts", "libx264", "mp2"),
        ("mpg", "mpeg1video", "mp2"),
        ("mpeg", "mpeg2video", "mp2"),
        ("flv", "flv1", "mp3"),
        ("wmv", "wmv2", "mp3"),
    ],
)
def test_kinds_of_files(tmp_path: Path, ending: str, codec: str, sound: str) -> None:
    """Every ending that `extract` takes, and the delay of each decoder of sound is no damage."""
    pixels = "yuvj420p" if codec == "mjpeg" else "yuv420p"
    path = tmp_path / f"a.{ending}"
    rate = 44_100 if ending == "flv" else 48_000
    track = Track(tone(2.0, rate=rate), rate=rate, codec=sound)
    write_clip(path, Clip(codec=codec, pixels=pixels, sounds=[track]))
    inputs = decode_clip(path, BOTH)
    assert (inputs.frame_count, inputs.notes) == (50, ())
    assert inputs.frames is not None
    assert [index_of(frame) for frame in inputs.frames] == pytest.approx([3, 9, 15, 21, 28, 34, 40, 46], abs=1)


@pytest.mark.parametrize(
    ("rate", "codec"), [(8000, "flac"), (11_025, "pcm_s16le"), (96_000, "flac"), (192_000, "flac")]
)
@pytest.mark.parametrize("layout", ["mono", "stereo", "5.1", "7.1"])
def test_rates_and_channels_of_sound(tmp_path: Path, rate: int, codec: str, layout: str) -> None:
    channels = {"mono": 1, "stereo": 2, "5.1": 6, "7.1": 8}[layout]
    wave = np.tile(tone(1.0, rate=rate), (channels, 1))
    path = write_clip(tmp_path / "a.mkv", Clip(0, sounds=[Track(wave, rate=rate, codec=codec, layout=layout)]))
    sound = decode_clip(path, ClipRequest(audio=AudioInput(32_000))).sound
    assert sound is not None
    assert abs(len(sound[0]) - 32_000) <= 1
    assert float(np.sqrt(np.mean(sound[0] ** 2))) == pytest.approx(0.5 / np.sqrt(2), rel=0.01)


def test_rate_and_layout_may_change_in_mid_stream() -> None:
    mono, pieces = MonoSound(16_000), []
    for rate, layout, channels in (
        (16_000, "mono", 1),
        (48_000, "stereo", 2),
        (48_000, "5.1", 6),
        (8_000, "mono", 1),
    ):
        wave = np.tile(tone(1.0, rate=rate).astype(np.float32), (channels, 1))
        frame = av.AudioFrame.from_ndarray(wave, format="fltp", layout=layout)
        frame.sample_rate = rate
        pieces += mono.add(frame)
    sound = np.concatenate([*pieces, *mono.flush()])
    assert abs(len(sound) - 4 * 16_000) <= 4
    for second in range(4):
        middle = sound[second * 16_000 + 1000 : (second + 1) * 16_000 - 1000]
        assert float(np.sqrt(np.mean(middle**2))) == pytest.approx(0.5 / np.sqrt(2), rel=0.01)


def test_a_rate_that_cannot_be() -> None:
    frame = av.AudioFrame.from_ndarray(np.zeros((1, 4096), np.float32), format="fltp", layout="mono")
    frame.sample_rate = 1
    with pytest.raises(UnusableClip, match="unreadable: sound of 1 Hz"):
        list(MonoSound(16_000).add(frame))
