"""Worked numbers of real clips, as PyAV 18.1 decodes them; the clips lie outside the project."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest

from avgzsl_bench.encoders.decoding.clip import decode_clip
from avgzsl_bench.encoders.decoding.frame_choice import FrameChoice
from avgzsl_bench.encoders.decoding.pixels import scaled_and_cut, upright
from avgzsl_bench.encoders.decoding.request import ClipRequest
from avgzsl_bench.encoders.decoding.timeline import Timeline
from avgzsl_bench.encoders.decoding.unusable import UnusableClip
from avgzsl_bench.encoders.encoder import AudioInput, VisualInput

CLIP = VisualInput(224, 224, "bicubic", (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711))

PICTURES = {
    "ucf/v_ApplyEyeMakeup_g01_c01.avi": (
        164, (99.32, 88.1, 94.61), [10, 30, 51, 71, 92, 112, 133, 153], (95.44, 81.83, 88.78), -0.3045,
    ),
    "ucf/v_Archery_g01_c01.avi": (
        131, (130.21, 131.54, 116.08), [8, 24, 40, 57, 73, 90, 106, 122], (130.41, 132.49, 117.93), 0.1304,
    ),
    "ucf/v_HeadMassage_g01_c01.avi": (
        154, (84.67, 95.7, 96.47), [9, 28, 48, 67, 86, 105, 125, 144], (79.06, 89.18, 90.14), -0.3000,
    ),
    "ucf/v_Haircut_g01_c01.avi": (
        135, (105.35, 80.71, 82.34), [8, 25, 42, 59, 75, 92, 109, 126], (107.19, 82.4, 83.79), -0.4452,
    ),
    "vggsound/7tMPoaU2oL4_0_10000.mp4": (
        300, (122.37, 99.37, 93.14), [18, 56, 93, 131, 168, 206, 243, 281], (121.42, 94.98, 89.93), -0.1163,
    ),
    "vggsound/aEYwqY-Zt_k_000011.mp4": (
        300, (132.36, 136.0, 93.87), [18, 56, 93, 131, 168, 206, 243, 281], (133.12, 136.89, 93.98), 0.0946,
    ),
    "vggsound/-0pJqpNjft4_000267.mp4": (
        301, (130.57, 108.77, 86.8), [18, 56, 94, 131, 169, 206, 244, 282], (135.78, 115.75, 96.53), -0.0986,
    ),
    "vggsound/NMQiKrTkl10_000039.mp4": (
        236, (61.66, 90.57, 129.82), [14, 44, 73, 103, 132, 162, 191, 221], (89.49, 116.92, 152.68), -0.3063,
    ),
    "activitynet/v_GGSY1Qvo990.mp4": (
        355, (145.9, 144.48, 136.84), [22, 66, 110, 155, 199, 244, 288, 332], (141.94, 140.33, 132.44), 0.3608,
    ),
    "odd/silent_track.avi": (
        125, (99.43, 94.22, 65.32), [7, 23, 39, 54, 70, 85, 101, 117], (97.84, 93.3, 64.81), -0.3895,
    ),
    "odd/short_0_3s.mp4": (
        8, (92.33, 78.43, 85.65), [0, 1, 2, 3, 4, 5, 6, 7], (92.74, 78.76, 86.02), -0.4061,
    ),
    "odd/surround_5_1.mkv": (
        100, (85.91, 73.59, 80.9), [6, 18, 31, 43, 56, 68, 81, 93], (92.15, 79.66, 86.71), -0.5335,
    ),
    "odd/mono_8khz.mp4": (
        100, (85.91, 73.59, 80.9), [6, 18, 31, 43, 56, 68, 81, 93], (92.15, 79.66, 86.71), -0.5335,
    ),
    "odd/rotated_90.mp4": (
        100, (85.91, 73.59, 80.9), [6, 18, 31, 43, 56, 68, 81, 93], (92.15, 79.66, 86.71), -0.5335,
    ),
    "odd/variable_frame_rate.mp4": (
        100, (85.96, 73.62, 80.97), [12, 37, 54, 62, 70, 78, 87, 95], (93.54, 81.31, 88.5), -0.5329,
    ),
    "odd/pcm_96khz.mkv": (
        50, (90.38, 77.01, 83.92), [3, 9, 15, 21, 28, 34, 40, 46], (90.03, 76.73, 83.68), -0.4331,
    ),
    "odd/tiny_odd_size.mkv": (
        25, (59.23, 58.59, 79.68), [1, 4, 7, 10, 14, 17, 20, 23], (59.33, 58.6, 79.73), -0.5527,
    ),
    "odd/ten_bit.mkv": (
        25, (91.07, 78.41, 84.65), [1, 4, 7, 10, 14, 17, 20, 23], (91.12, 78.21, 84.7), -0.4208,
    ),
    "odd/two_audio_streams.mkv": (
        100, (85.91, 73.59, 80.9), [6, 18, 31, 43, 56, 68, 81, 93], (92.15, 79.66, 86.71), -0.5335,
    ),
    "odd/sound_starts_late.mkv": (
        100, (85.91, 73.59, 80.9), [6, 18, 31, 43, 56, 68, 81, 93], (92.15, 79.66, 86.71), -0.5335,
    ),
    "odd/one_frame.mp4": (
        1, (93.13, 79.34, 86.47), [0, 0, 0, 0, 0, 0, 0, 0], (93.13, 79.34, 86.47), -0.3912,
    ),
    "odd/cut_off.avi": (
        77, (89.14, 75.83, 82.72), [4, 14, 24, 33, 43, 52, 62, 72], (90.33, 77.56, 84.43), -0.4659,
    ),
    "odd/noise_inside.avi": (
        128, (97.51, 82.4, 89.13), [8, 24, 40, 56, 72, 88, 104, 120], (91.15, 76.61, 83.54), -0.3606,
    ),
}  # fmt: skip
"""Frames; mean RGB of the middle one; `uniform:8`; mean RGB over these; mean of the middle one's pixels."""

SOUNDS = {
    "ucf/v_ApplyEyeMakeup_g01_c01.avi": ((104908, 209816, 314724), (0.09132, 0.09166, 0.09166)),
    "ucf/v_Archery_g01_c01.avi": ((83174, 166348, 249522), (0.13869, 0.13869, 0.13869)),
    "ucf/v_HeadMassage_g01_c01.avi": ((98221, 196441, 294662), (0.22674, 0.22674, 0.22674)),
    "ucf/v_Haircut_g01_c01.avi": ((85682, 171364, 257045), (0.17006, 0.17079, 0.17085)),
    "vggsound/7tMPoaU2oL4_0_10000.mp4": ((160125, 320250, 480375), (0.14959, 0.14965, 0.14965)),
    "vggsound/aEYwqY-Zt_k_000011.mp4": ((160225, 320450, 480675), (0.23809, 0.23811, 0.23810)),
    "vggsound/-0pJqpNjft4_000267.mp4": ((160225, 320450, 480675), (0.13066, 0.13068, 0.13068)),
    "vggsound/NMQiKrTkl10_000039.mp4": ((160277, 320555, 480832), (0.25020, 0.25020, 0.25020)),
    "activitynet/v_GGSY1Qvo990.mp4": ((290528, 581057, 871585), (0.11680, 0.11689, 0.11688)),
    "odd/silent_track.avi": ((79830, 159661, 239491), (0.0, 0.0, 0.0)),
    "odd/short_0_3s.mp4": ((4830, 9660, 14490), (0.16399, 0.16469, 0.16469)),
    "odd/surround_5_1.mkv": ((64000, 128000, 192000), (0.08660, 0.08660, 0.08659)),
    "odd/mono_8khz.mp4": ((65536, 131072, 196608), (0.13126, 0.13126, 0.13126)),
    "odd/rotated_90.mp4": ((64273, 128546, 192819), (0.13105, 0.13166, 0.13166)),
    "odd/variable_frame_rate.mp4": ((64273, 128546, 192819), (0.13105, 0.13166, 0.13166)),
    "odd/pcm_96khz.mkv": ((32000, 64000, 96000), (0.35353, 0.35354, 0.35353)),
    "odd/tiny_odd_size.mkv": ((16000, 32000, 48000), (0.16659, 0.16686, 0.16686)),
    "odd/ten_bit.mkv": ((16000, 32000, 48000), (0.16659, 0.16686, 0.16686)),
    "odd/two_audio_streams.mkv": ((64000, 128000, 192000), (0.13505, 0.13566, 0.13566)),
    "odd/sound_starts_late.mkv": ((32000, 64000, 96000), (0.15547, 0.15646, 0.15645)),
    "odd/one_frame.mp4": ((16347, 32693, 49041), (0.15336, 0.15364, 0.15364)),
    "odd/cut_off.avi": ((57261, 114521, 171782), (0.09567, 0.09614, 0.09614)),
    "odd/noise_inside.avi": ((84010, 168020, 252030), (0.09400, 0.09440, 0.09440)),
}
"""Samples at 16, 32 and 48 kHz, and their root mean square."""

REFUSED = {
    "cut_off.mp4": "unreadable: Invalid data found when processing input",
    "index_lost.mp4": "unreadable: Invalid data found when processing input",
    "empty.mp4": "unreadable: Invalid data found when processing input",
    "text.mp4": "unreadable: Invalid data found when processing input",
    "audio_only.m4a": "no video stream",
    "no_audio_stream.mp4": "no sound stream",
    "v_BenchPress_g01_c01.avi": "no sound stream",
    "cut_off.avi": "cut off: 77 of 164 frames",
    "noise_inside.avi": "damaged: 128 of 164 frames",
}

NOTES = {
    "silent_track.avi": ("silent",),
    "variable_frame_rate.mp4": ("variable frame rate",),
    "two_audio_streams.mkv": ("2 sound streams, the first was taken",),
    "sound_starts_late.mkv": ("picture of 4.0 s, sound of 2.0 s",),
}


@pytest.fixture
def clips(shared: Path) -> Path:
    return shared / "data/clips"


class MiddleAndUniform(FrameChoice):
    """Both choices at once, so that a clip is decoded once."""

    def indices(self, timeline: Timeline) -> list[int]:
        return [*FrameChoice(None).indices(timeline), *FrameChoice(8).indices(timeline)]


@pytest.mark.parametrize("name", PICTURES)
def test_frames(clips: Path, name: str) -> None:
    count, middle_rgb, uniform, uniform_rgb, pixels = PICTURES[name]
    chosen = [count // 2, *uniform]
    with av.open(str(clips / name)) as file:
        frames = {i: upright(frame) for i, frame in enumerate(file.decode(video=0)) if i in chosen}
    rgb = [frames[i].mean((0, 1)) for i in chosen]
    np.testing.assert_allclose(rgb[0], middle_rgb, atol=0.5)
    np.testing.assert_allclose(np.mean(rgb[1:], 0), uniform_rgb, atol=0.5)

    inputs = decode_clip(clips / name, ClipRequest(CLIP, frames=MiddleAndUniform(8), accept_damaged=True))
    assert inputs.frames is not None
    assert inputs.frame_count == count
    for taken, index in zip(inputs.frames, chosen, strict=True):
        np.testing.assert_array_equal(taken, scaled_and_cut(frames[index], CLIP))
    scaled = (inputs.frames[0] / 255 - np.array(CLIP.mean)) / np.array(CLIP.std)
    assert scaled.mean() == pytest.approx(pixels, abs=0.005)


@pytest.mark.parametrize("name", SOUNDS)
def test_sound(clips: Path, name: str) -> None:
    for rate, samples, level in zip((16_000, 32_000, 48_000), *SOUNDS[name], strict=True):
        request = ClipRequest(audio=AudioInput(rate, window=None), accept_damaged=True)
        sound = decode_clip(clips / name, request).sound
        assert sound is not None
        assert sound[0].dtype == np.float32
        assert abs(len(sound[0]) - samples) <= 1
        rms = float(np.sqrt(np.mean(sound[0].astype(np.float64) ** 2)))
        assert rms == pytest.approx(level, rel=0.03 if rate == 16_000 else 0.005)


@pytest.mark.parametrize("name", REFUSED)
def test_clips_that_are_left_out(clips: Path, name: str) -> None:
    with pytest.raises(UnusableClip) as caught:
        decode_clip(clips / "odd" / name, ClipRequest(CLIP, AudioInput(32_000)))
    assert caught.value.reason == REFUSED[name]


def test_odd_clips_that_are_taken(clips: Path) -> None:
    taken = sorted(path.name for path in (clips / "odd").iterdir() if path.name not in REFUSED)
    assert len(taken) == 13
    for name in taken:
        inputs = decode_clip(clips / "odd" / name, ClipRequest(CLIP, AudioInput(32_000)))
        assert (name, inputs.notes) == (name, NOTES.get(name, ()))


def test_real_clips_have_nothing_to_note(clips: Path) -> None:
    paths = sorted((clips / "ucf").iterdir())
    assert len(paths) == 18
    for path in paths:
        assert decode_clip(path, ClipRequest(CLIP, AudioInput(16_000))).notes == ()


def test_values_beyond_1_stay(clips: Path) -> None:
    sound = decode_clip(clips / "ucf/v_Archery_g20_c02.avi", ClipRequest(audio=AudioInput(44_100))).sound
    assert sound is not None
    assert np.abs(sound[0]).max() > 1
