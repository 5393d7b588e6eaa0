"""The log-mel spectrograms of both CLAP networks on real sound, against worked means and deviations."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from real_clips import clip, middle, sound

from avgzsl_bench.encoders.builtin.laion_clap import LaionClap
from avgzsl_bench.encoders.builtin.log_mel import LogMel
from avgzsl_bench.encoders.builtin.wavcaps import Wavcaps, _extractor
from avgzsl_bench.encoders.weights.libraries import transformers_class

WAVCAPS, LAION = 0, 1
CLIPS = {
    "v_ApplyEyeMakeup_g01_c01.avi": [(-54.08, 37.60), (-54.06, 37.79)],
    "v_Archery_g01_c01.avi": [(-61.05, 43.56), (-61.25, 43.48)],
    "v_HeadMassage_g01_c01.avi": [(-52.88, 44.42), (-52.88, 44.66)],
    "v_Haircut_g01_c01.avi": [(-58.10, 40.63), (-58.04, 40.85)],
    "7tMPoaU2oL4_0_10000.mp4": [(-18.20, 24.61), (-18.57, 24.62)],
    "aEYwqY-Zt_k_000011.mp4": [(-18.99, 18.26), (-19.05, 18.48)],
    "-0pJqpNjft4_000267.mp4": [(-21.18, 16.05), (-21.03, 16.21)],
    "NMQiKrTkl10_000039.mp4": [(-25.79, 34.91), (-25.53, 35.17)],
    "v_GGSY1Qvo990.mp4": [(-20.83, 20.48), (-20.85, 20.43)],
    "silent_track.avi": [(-100.00, 0.00), (-100.00, 0.00)],
    "short_0_3s.mp4": [(-97.61, 13.87), (-23.27, 22.38)],
    "surround_5_1.mkv": [(-84.50, 31.97), (-66.23, 41.26)],
    "mono_8khz.mp4": [(-77.72, 36.67), (-54.99, 41.32)],
    "rotated_90.mp4": [(-70.69, 38.45), (-41.32, 35.45)],
    "variable_frame_rate.mp4": [(-70.69, 38.45), (-41.32, 35.45)],
    "pcm_96khz.mkv": [(-98.31, 12.78), (-65.70, 33.12)],
    "tiny_odd_size.mkv": [(-92.39, 23.71), (-24.67, 21.94)],
    "ten_bit.mkv": [(-92.39, 23.71), (-24.67, 21.94)],
    "two_audio_streams.mkv": [(-70.61, 38.34), (-41.20, 35.09)],
    "sound_starts_late.mkv": [(-84.82, 31.79), (-24.35, 22.12)],
    "one_frame.mp4": [(-92.41, 23.67), (-32.12, 30.61)],
    "cut_off.avi": [(-74.95, 35.98), (-49.94, 36.79)],
    "noise_inside.avi": [(-62.94, 38.61), (-62.91, 38.74)],
}
SHORT = {"silent_track.avi", "short_0_3s.mp4", "tiny_odd_size.mkv", "ten_bit.mkv", "one_frame.mp4"}


@pytest.fixture(scope="module")
def spectrograms() -> list[tuple[LogMel, int]]:
    laion: Any = transformers_class("ClapFeatureExtractor")(truncation="rand_trunc", padding="repeatpad")
    kinds = [(_extractor(), Wavcaps), (laion, LaionClap)]
    return [(LogMel(extractor, kind.audio_input, 64, "test"), kind.audio_input.rate) for extractor, kind in kinds]


@pytest.mark.parametrize("which", [WAVCAPS, LAION], ids=["wavcaps", "laion_clap"])
@pytest.mark.parametrize("name", CLIPS)
def test_spectrogram(shared: Path, spectrograms: list[tuple[LogMel, int]], name: str, which: int) -> None:
    log_mel, rate = spectrograms[which]
    values = log_mel([middle(sound(clip(shared, name), rate), 10 * rate)])
    assert values.shape == (1, 1, 1001, 64)
    expected = CLIPS[name][which]
    assert [values.mean().item(), values.std().item()] == pytest.approx(
        expected, abs=0.2 if name in SHORT else 0.1
    )
