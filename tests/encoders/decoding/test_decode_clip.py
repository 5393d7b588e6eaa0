"""Frames and sound of made-up clips: the frame that was taken is read off its grey level."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made_clips import Clip, Track, index_of, tone, write_clip

from avgzsl_bench.encoders.decoding.clip import decode_clip
from avgzsl_bench.encoders.decoding.frame_choice import FrameChoice
from avgzsl_bench.encoders.decoding.request import ClipInputs, ClipRequest
from avgzsl_bench.encoders.decoding.unusable import UnusableClip
from avgzsl_bench.encoders.encoder import AudioInput, VisualInput

SMALL = VisualInput(32, 32, "bilinear", (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
SOUND = AudioInput(16_000)
BOTH = ClipRequest(SMALL, SOUND)
UNEVEN = [20 * i if i < 25 else 500 + 60 * (i - 25) for i in range(50)]


def indices(inputs: ClipInputs) -> list[int]:
    assert inputs.frames is not None
    return [index_of(frame) for frame in inputs.frames]


def lengths(inputs: ClipInputs) -> list[int]:
    assert inputs.sound is not None
    return [len(window) for window in inputs.sound]


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clip of 50 frames, 2 s."""
    return write_clip(tmp_path_factory.mktemp("clips") / "plain.mkv", Clip(sounds=[Track(tone(2.0))]))


def test_a_clip(plain: Path) -> None:
    inputs = decode_clip(plain, BOTH)
    assert indices(inputs) == [3, 9, 15, 21, 28, 34, 40, 46]
    assert inputs.frames is not None
    assert inputs.frames.shape == (8, 32, 32, 3)
    assert inputs.frames.dtype == np.uint8
    assert lengths(inputs) == [32_000]
    assert (inputs.frame_count, inputs.seconds, inputs.notes) == (50, 2.0, ())
    assert not inputs.is_zero_picture
    assert inputs.sound is not None
    np.testing.assert_allclose(inputs.sound[0][2000:-2000], tone(2.0, rate=16_000)[2000:-2000], atol=2e-3)


def test_the_middle_frame(plain: Path) -> None:
    assert indices(decode_clip(plain, replace(BOTH, frames=FrameChoice(None)))) == [25]


def test_frames_alone_of_a_clip_without_sound(tmp_path: Path) -> None:
    inputs = decode_clip(write_clip(tmp_path / "a.mkv", Clip(10)), ClipRequest(SMALL, frames=FrameChoice(2)))
    assert (indices(inputs), inputs.sound, inputs.seconds) == ([2, 7], None, 0.4)


def test_sound_alone_of_a_file_without_picture(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mkv", Clip(0, sounds=[Track(tone(1.5))]))
    inputs = decode_clip(path, ClipRequest(audio=SOUND))
    assert (inputs.frames, lengths(inputs), inputs.seconds, inputs.frame_count) == (None, [24_000], 1.5, 0)


def test_requests_and_inputs_go_to_another_process(plain: Path) -> None:
    request = pickle.loads(pickle.dumps(BOTH))
    assert request == BOTH
    inputs = pickle.loads(pickle.dumps(decode_clip(plain, request)))
    assert indices(inputs)[0] == 3


def test_the_same_twice(plain: Path) -> None:
    first, second = decode_clip(plain, BOTH), decode_clip(plain, BOTH)
    assert first.frames is not None
    assert first.sound is not None
    assert second.sound is not None
    np.testing.assert_array_equal(first.frames, second.frames)
    np.testing.assert_array_equal(first.sound[0], second.sound[0])


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"visual": SMALL, "start": 2.0, "end": 2.0},
        {"visual": SMALL, "start": -1.0},
        {"visual": SMALL, "end": float("nan")},
        {"visual": SMALL, "sequences": True, "published": object()},
    ],
)
def test_requests_that_make_no_sense(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"clip|recipe"):
        ClipRequest(**wrong)  # type: ignore[arg-type]


def test_with_a_variable_rate_frames_go_by_time(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mkv", Clip(50, times=UNEVEN, sounds=[Track(tone(2.0))]))
    inputs = decode_clip(path, replace(BOTH, frames=FrameChoice(4)))
    length = UNEVEN[-1] * 50 / 49
    expected = [max(k for k in range(50) if UNEVEN[k] <= (2 * i + 1) * length / 8) for i in range(4)]
    assert indices(inputs) == expected
    assert inputs.notes == ("variable frame rate",)
    assert expected != [6, 18, 31, 43]


def test_of_an_avi_the_order_of_decoding_counts(tmp_path: Path) -> None:
    """Its times are not read: with B-frames they may go back and forth."""
    inputs = decode_clip(write_clip(tmp_path / "a.avi", Clip(50)), ClipRequest(SMALL, frames=FrameChoice(4)))
    assert indices(inputs) == [6, 18, 31, 43]


def test_b_frames_come_in_the_order_of_showing(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mp4", Clip(50, codec="libx264"))
    assert indices(decode_clip(path, ClipRequest(SMALL))) == [3, 9, 15, 21, 28, 34, 40, 46]


def test_a_turned_frame_is_turned_back(tmp_path: Path) -> None:
    """Taken upright, a wide picture that is to be turned is tall, and its cut loses other parts."""
    wide = replace(SMALL, short_side=48, cut=48)
    frames = []
    for rotate in (None, 90, 180, 270):
        path = write_clip(tmp_path / f"{rotate}.mp4", Clip(2, codec="libx264", rotate=rotate, corner=True))
        frame = decode_clip(path, ClipRequest(wide, frames=FrameChoice(None))).frames
        assert frame is not None
        frames.append(frame[0].astype(int))
    plain = frames[0]
    assert abs(plain[:24, :24].mean() - plain[24:, 24:].mean()) > 50
    for turns, frame in enumerate(frames):
        matching = [np.abs(np.rot90(plain, k) - frame).mean() for k in range(4)]
        assert np.argmin(matching) in (turns, -turns % 4)
        assert min(matching) < 5


def test_sound_of_two_windows(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mkv", Clip(0, sounds=[Track(np.linspace(0, 1, 15 * 8000), rate=8000)]))
    sound = decode_clip(path, ClipRequest(audio=AudioInput(8000))).sound
    assert sound is not None
    assert [len(window) for window in sound] == [80_000, 80_000]
    assert sound[0][0] == pytest.approx(0, abs=1e-4)
    assert sound[1][0] == pytest.approx(1 / 3, abs=1e-4)
    assert sound[1][-1] == pytest.approx(1, abs=1e-4)


def test_long_sound_is_decoded_twice_and_windows_are_the_same(tmp_path: Path) -> None:
    """Longer than what is kept before the length is known."""
    wave = np.linspace(-1, 1, 130 * 8000)
    path = write_clip(tmp_path / "a.mkv", Clip(0, sounds=[Track(wave, rate=8000)]))
    sound = decode_clip(path, ClipRequest(audio=AudioInput(8000))).sound
    whole = decode_clip(path, ClipRequest(audio=AudioInput(8000, window=None))).sound
    assert sound is not None
    assert whole is not None
    np.testing.assert_allclose(whole[0], wave, atol=1e-4)
    assert len(sound) == 12
    for i, window in enumerate(sound):
        start = round(i * 120 * 8000 / 11)
        np.testing.assert_array_equal(window, whole[0][start : start + 80_000])


def test_channels_have_the_same_weight(tmp_path: Path) -> None:
    wave = np.stack([tone(1.0, 300 + 100 * i, level=0.3) for i in range(6)])
    path = write_clip(tmp_path / "a.mkv", Clip(0, sounds=[Track(wave, layout="5.1")]))
    sound = decode_clip(path, ClipRequest(audio=AudioInput(48_000))).sound
    assert sound is not None
    np.testing.assert_allclose(sound[0], wave.mean(0), atol=1e-4)


@pytest.mark.parametrize(("start", "end"), [(0.4, 1.2), (0.0, 0.4), (1.5, None), (None, 1.0), (1.0, 99.0)])
@pytest.mark.parametrize("ending", ["mkv", "mp4", "avi"])
def test_a_stretch_of_a_file(tmp_path: Path, ending: str, start: float | None, end: float | None) -> None:
    picture, sound = ("libx264", "flac") if ending == "mp4" else ("ffv1", "pcm_s16le")
    wave = np.linspace(0, 0.9, 96_000)
    path = write_clip(tmp_path / f"a.{ending}", Clip(codec=picture, sounds=[Track(wave, codec=sound)]))
    first, last = start or 0.0, min(end or 2.0, 2.0)
    inputs = decode_clip(path, replace(BOTH, audio=AudioInput(48_000), start=start, end=end))
    expected = [k for k in range(50) if first <= k / 25 < last]
    assert inputs.frame_count == len(expected)
    assert indices(inputs) == [expected[(2 * i + 1) * len(expected) // 16] for i in range(8)]
    assert inputs.sound is not None
    np.testing.assert_allclose(inputs.sound[0], wave[round(first * 48_000) : round(last * 48_000)], atol=1e-4)


def test_a_stretch_after_the_end_has_no_frame(plain: Path) -> None:
    with pytest.raises(UnusableClip, match=r"^no frame$"):
        decode_clip(plain, replace(BOTH, start=2.0, end=4.0))
    with pytest.raises(UnusableClip, match=r"^no sample$"):
        decode_clip(plain, ClipRequest(audio=SOUND, start=2.0, end=4.0))


def test_the_length_of_a_stretch_is_bounded_and_not_that_of_its_file(plain: Path) -> None:
    decode_clip(plain, replace(BOTH, start=0.0, end=0.5, longest=1.0))
    with pytest.raises(UnusableClip, match="too long"):
        decode_clip(plain, replace(BOTH, longest=1.0))


def test_steps_of_a_sequence(tmp_path: Path) -> None:
    wave = np.linspace(0, 0.9, 48_000 * 2 + 24_000)
    path = write_clip(tmp_path / "a.mkv", Clip(sounds=[Track(wave)]))
    inputs = decode_clip(path, replace(BOTH, audio=AudioInput(48_000), sequences=True))
    assert indices(inputs) == [12, 37]
    assert lengths(inputs) == [48_000, 48_000]
    assert inputs.sound is not None
    np.testing.assert_allclose(inputs.sound[1], wave[48_000:96_000], atol=1e-4)


def test_steps_of_each_modality_go_by_its_own_length(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mkv", Clip(sounds=[Track(tone(3.9))]))
    inputs = decode_clip(path, replace(BOTH, sequences=True))
    assert (len(indices(inputs)), len(lengths(inputs))) == (2, 3)


def test_an_encoder_may_have_steps_of_its_own(plain: Path) -> None:
    audio = AudioInput(16_000, window=None, step=0.48, step_window=0.975)
    inputs = decode_clip(plain, replace(BOTH, audio=audio, sequences=True))
    assert lengths(inputs) == [15_600] * 3


def test_sound_that_starts_late_is_preceded_by_zeros_in_sequences_alone(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mkv", Clip(100, sounds=[Track(tone(2.0), delay=1.5)]))
    assert lengths(decode_clip(path, BOTH)) == [32_000]
    inputs = decode_clip(path, replace(BOTH, sequences=True))
    assert inputs.sound is not None
    assert lengths(inputs) == [16_000] * 3
    assert np.abs(inputs.sound[0]).max() == 0
    assert np.abs(inputs.sound[1][:7_900]).max() < 1e-3
    assert np.abs(inputs.sound[1][8_100:]).max() > 0.4


def test_a_stretch_that_begins_before_the_sound(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mkv", Clip(sounds=[Track(tone(1.0), delay=1.0)]))
    inputs = decode_clip(path, replace(BOTH, start=0.5, end=1.5))
    assert lengths(inputs) == [8_000]
    inputs = decode_clip(path, replace(BOTH, start=0.5, end=1.5, sequences=True))
    assert lengths(inputs) == [16_000]
