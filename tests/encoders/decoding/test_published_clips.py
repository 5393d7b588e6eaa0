"""Decoding for the published recipe: its frame, before scaling in its colours, and its sound."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import av
import numpy as np
import pytest
from made_clips import Clip, Track, index_of, spoil, tone, write_clip
from numpy.typing import NDArray

from avgzsl_bench.encoders.decoding.clip import decode_clip
from avgzsl_bench.encoders.decoding.pixels import upright
from avgzsl_bench.encoders.decoding.request import ClipRequest
from avgzsl_bench.encoders.decoding.unusable import UnusableClip
from avgzsl_bench.encoders.encoder import AudioInput, VisualInput

CLIP = VisualInput(224, 224, "bicubic", (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711))
SMALL = VisualInput(32, 32, "bilinear", (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
SOUND = AudioInput(32_000)


@dataclass(frozen=True)
class Stated:
    """The middle of the stated frames, as a negative, in blue, green, red: UCF's rule."""

    def choose(self, decoded: int, stated: int) -> int | Literal["black"]:
        return stated // 2 if stated // 2 < decoded else "black"

    def recolour(self, frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
        return -frame[..., ::-1]


@dataclass(frozen=True)
class Before:
    """The frame before the middle of the decoded ones, in blue, green, red: the rule of the other datasets."""

    single: Literal["blank", "none"] = "blank"

    def choose(self, decoded: int, stated: int) -> int | Literal["blank", "none"]:
        return decoded // 2 - 1 if decoded > 1 else self.single

    def recolour(self, frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
        return frame[..., ::-1]


@pytest.mark.parametrize(
    ("name", "rule", "index", "means", "pixel"),
    [
        ("ucf/v_ApplyEyeMakeup_g01_c01.avi", Stated(), 82, (138.96, 121.61, 133.96), (1.7990, 1.9998, 2.0321)),
        ("ucf/v_Archery_g01_c01.avi", Stated(), 65, (139.59, 124.46, 125.73), (0.3245, 0.0488, 0.1409)),
        ("vggsound/7tMPoaU2oL4_0_10000.mp4", Before(), 149, (92.96, 99.17, 122.44), (0.8209, 0.7542, 1.0652)),
        ("vggsound/NMQiKrTkl10_000039.mp4", Before(), 117, (132.07, 92.61, 63.45), (-0.2156, -0.7166, -0.9541)),
    ],
)
def test_worked_numbers(
    shared: Path,
    name: str,
    rule: Stated | Before,
    index: int,
    means: tuple[float, float, float],
    pixel: tuple[float, float, float],
) -> None:
    path = shared / "data/clips" / name
    with av.open(str(path)) as file:
        frame = next(frame for i, frame in enumerate(file.decode(video=0)) if i == index)
    np.testing.assert_allclose(rule.recolour(upright(frame)).mean((0, 1)), means, atol=0.5)
    frames = decode_clip(path, ClipRequest(CLIP, published=rule)).frames
    assert frames is not None
    assert frames.shape == (1, 224, 224, 3)
    seen = (frames[0, 112, 112] / 255 - np.array(CLIP.mean)) / np.array(CLIP.std)
    np.testing.assert_allclose(seen, pixel, atol=0.03)


def test_the_frame_before_the_middle(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mkv", Clip(50))
    inputs = decode_clip(path, ClipRequest(SMALL, published=Before()))
    assert inputs.frames is not None
    assert ([index_of(frame) for frame in inputs.frames], inputs.is_zero_picture) == ([24], False)


def test_one_frame(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mkv", Clip(1))
    inputs = decode_clip(path, ClipRequest(SMALL, published=Before()))
    assert inputs.is_zero_picture
    assert inputs.frames is not None
    assert inputs.frames.shape == (1, 32, 32, 3)
    with pytest.raises(UnusableClip, match="no frame: the published recipe takes none of 1"):
        decode_clip(path, ClipRequest(SMALL, published=Before("none")))


def test_a_stated_frame_that_does_not_decode_is_black(tmp_path: Path) -> None:
    jpeg = Clip(codec="mjpeg", pixels="yuvj420p")
    path = spoil(write_clip(tmp_path / "a.avi", jpeg), tmp_path / "b.avi", range(20, 50))
    inputs = decode_clip(path, ClipRequest(SMALL, published=Stated(), accept_damaged=True))
    assert inputs.frames is not None
    assert inputs.frames.shape == (1, 32, 32, 3)
    assert not inputs.frames.any()
    assert not inputs.is_zero_picture
    assert inputs.frame_count == 20


def test_colours_are_changed_before_the_frame_is_scaled(tmp_path: Path) -> None:
    """Black meets white in the negative of a dark frame with black in it, and scaling mixes them."""
    path = write_clip(tmp_path / "a.mkv", Clip(1, corner=True))
    frame = decode_clip(path, ClipRequest(SMALL)).frames
    negative = decode_clip(path, ClipRequest(SMALL, published=Stated())).frames
    assert frame is not None
    assert negative is not None
    mixed = (frame[0] > 25) & (frame[0] < 250)
    np.testing.assert_array_equal(negative[0][~mixed], -frame[0][~mixed])


def test_sound_is_cut_to_16_bits(tmp_path: Path) -> None:
    wave = np.stack([1.5 * np.sin(np.arange(64_000) / 50), np.full(64_000, 0.3)])
    track = Track(wave, rate=32_000, codec="pcm_f32le", layout="stereo")
    path = write_clip(tmp_path / "a.mkv", Clip(sounds=[track]))
    sound = decode_clip(path, ClipRequest(audio=SOUND, published=Before())).sound
    assert sound is not None
    expected = np.clip(np.round(wave.astype(np.float32) * 32768), -32768, 32767) / 32768
    np.testing.assert_allclose(sound[0], expected.mean(0), atol=1e-6)
    plain = decode_clip(path, ClipRequest(audio=SOUND)).sound
    assert plain is not None
    np.testing.assert_allclose(plain[0], wave.mean(0), atol=1e-6)


@pytest.mark.parametrize("samples", [319_999, 320_001, 336_001, 500_001])
def test_the_middle_of_the_sound(tmp_path: Path, samples: int) -> None:
    wave = np.round(np.linspace(-1, 1, samples) * 32767) / 32768
    path = write_clip(tmp_path / "a.mkv", Clip(0, sounds=[Track(wave, rate=32_000, codec="pcm_f32le")]))
    sound = decode_clip(path, ClipRequest(audio=SOUND, published=Before())).sound
    assert sound is not None
    middle = samples // 2
    expected = wave[middle - 160_000 : middle + 160_000] if samples > 320_000 else wave
    assert len(sound) == 1
    np.testing.assert_allclose(sound[0], expected, atol=1e-6)


def test_sound_is_resampled_after_that(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mkv", Clip(0, sounds=[Track(tone(2.0, rate=44_100), rate=44_100)]))
    sound = decode_clip(path, ClipRequest(audio=SOUND, published=Before())).sound
    plain = decode_clip(path, ClipRequest(audio=SOUND)).sound
    assert sound is not None
    assert plain is not None
    assert abs(len(sound[0]) - 64_000) <= 1
    np.testing.assert_allclose(sound[0][:63_999], plain[0][:63_999], atol=1e-4)
