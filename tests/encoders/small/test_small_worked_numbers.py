"""The small encoders on real and made-up sound and pictures: the numbers of the specification."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
import torch
from clip_decoding import cut, frames_of, sound_of, spread

from avgzsl_bench.encoders.encoder import Encoder

Build = Callable[..., Encoder]

ARCHERY, DUNK, SURFING = (
    "ucf/v_Archery_g01_c01.avi",
    "ucf/v_BasketballDunk_g06_c01.avi",
    "ucf/v_Surfing_g22_c02.avi",
)
MAKEUP, SILENT = "ucf/v_ApplyEyeMakeup_g01_c01.avi", "odd/silent_track.avi"

TONE = 0.5 * np.sin(2 * np.pi * 1000 * np.arange(16_000) / 16_000)
"""One second of 1 kHz at 16 kHz."""


@pytest.fixture(scope="session")
def clips(shared: Path) -> Path:
    return shared / "data" / "clips"


frames = lru_cache(maxsize=None)(frames_of)


def chosen(encoder: Encoder, path: Path, number: int | None) -> np.ndarray:
    """Frames of `uniform:number`, or the middle one."""
    everything = frames(path)
    indices = spread(number, len(everything)) if number else [len(everything) // 2]
    return np.stack([cut(everything[i], encoder.visual_input) for i in indices])


@pytest.mark.parametrize(
    ("clip", "middle", "uniform"),
    [
        (ARCHERY, (20.112, 0.03784, 0.74221, 0.12701, 0.18808), (18.669, 0.01858, 0.59262, 0.10499, 0.31206)),
        (DUNK, (15.193, 0.00001, 0.00916, 0.0, 0.03316), (15.076, 0.01417, 0.01016, 0.0, 0.18886)),
        (SURFING, (12.580, 0.47131, 0.0, 0.12094, 0.0), (13.041, 0.86504, 0.0, 0.16489, 0.00518)),
        (MAKEUP, (15.865, 0.20144, 0.02727, 0.21686, 2.08192), (15.626, 0.28225, 0.00909, 0.11537, 2.23708)),
        (SILENT, (17.283, 0.57348, 0.08627, 0.24300, 0.57556), (16.201, 0.86635, 0.26624, 0.10616, 0.54351)),
    ],
)
def test_efficientnet_lite0(build: Build, clips: Path, clip: str, middle: tuple, uniform: tuple) -> None:
    encoder = build("efficientnet_lite0")
    for number, expected in ((None, middle), (3, uniform)):
        vector = encoder.encode_frames(chosen(encoder, clips / clip, number)).mean(0)
        norm = np.linalg.norm(vector)
        np.testing.assert_allclose([norm, *vector[:4]], expected, atol=1e-3 * norm, rtol=0)


@pytest.mark.parametrize(
    ("clip", "expected"),
    [
        (MAKEUP, (-0.07116, 0.12626, -0.01011, 0.02547, 0.4057, 0.3515)),
        (ARCHERY, (-0.01452, 0.01417, 0.00223, 0.02443, 0.3164, 0.7216)),
        (DUNK, (-0.03061, 0.05216, -0.06315, -0.03385, 0.3392, 0.4676)),
        (SURFING, (-0.05748, 0.08329, 0.01144, 0.06327, 0.5506, 0.3168)),
    ],
)
def test_lite0_conse(build: Build, clips: Path, clip: str, expected: tuple) -> None:
    encoder, texts = build("lite0_conse"), build("minilm")
    vector = encoder.encode_frames(chosen(encoder, clips / clip, 8)).mean(0)
    vector /= np.linalg.norm(vector)
    surfing, archery = texts.encode_text(["Surfing", "Archery"]) @ vector
    np.testing.assert_allclose([*vector[:4], surfing, archery], expected, atol=1e-3, rtol=0)


def test_minilm(build: Build) -> None:
    names = ["surfing", "rowing a boat", "apply eye makeup", "a photo of surfing.", "tench"]
    surfing, *others, tench = build("minilm").encode_text(names)
    np.testing.assert_allclose(surfing[:4], (0.03989, -0.04493, 0.04629, -0.00655), atol=1e-4, rtol=0)
    np.testing.assert_allclose(np.stack(others) @ surfing, (0.3073, 0.0242, 0.7785), atol=1e-4, rtol=0)
    np.testing.assert_allclose(tench[:4], (-0.1121, 0.05016, -0.00011, -0.09175), atol=1e-4, rtol=0)


def assert_log_mel(vector: np.ndarray, norm: float, means: tuple, spreads: tuple, tolerance: float) -> None:
    assert np.linalg.norm(vector) == pytest.approx(norm, abs=tolerance)
    np.testing.assert_allclose(vector[: len(means)], means, atol=tolerance, rtol=0)
    np.testing.assert_allclose(vector[64 : 64 + len(spreads)], spreads, atol=tolerance, rtol=0)


@pytest.mark.parametrize(
    ("clip", "count", "norm", "means", "spreads"),
    [
        (ARCHERY, 518, 13.106, (-0.0299, 0.4232, 0.7103, 0.9997), (1.1987, 1.1966, 1.2425, 1.2379)),
        (MAKEUP, 654, 13.483, (-0.6813, -0.2366, 0.2039, 0.3495), (1.0781, 1.4901, 1.5672, 1.5315)),
        (SILENT, 497, 55.262, (-6.9078,) * 64, (0.0,) * 64),
    ],
)
def test_logmel(
    build: Build, clips: Path, clip: str, count: int, norm: float, means: tuple, spreads: tuple
) -> None:
    from avbench_small_encoders.spectrogram import log_mel

    sound = sound_of(clips / clip, 16_000)
    assert len(log_mel(sound)) == count
    assert_log_mel(build("logmel").encode_sound([sound])[0], norm, means, spreads, 1e-2)


def test_logmel_of_a_tone(build: Build) -> None:
    vector = build("logmel").encode_sound([TONE.astype(np.float32)])[0]
    assert_log_mel(vector, 45.1763, (-6.4076, -5.8141, -5.5937, -5.7383), (0.0,) * 64, 1e-3)


def test_the_triangles_of_the_bands(small: object) -> None:
    from avbench_small_encoders.spectrogram import triangles

    weights = triangles()
    assert weights.shape == (257, 64)
    assert weights.sum() == pytest.approx(230.914, abs=1e-3)
    assert np.count_nonzero(weights) == 461
    assert list(np.flatnonzero(weights[10])) == [4, 5]
    np.testing.assert_allclose(weights[10, 4:6], (0.20353, 0.79647), atol=1e-5)
    assert not weights[0].any()


@pytest.mark.parametrize(
    ("clip", "windows", "expected"),
    [
        (ARCHERY, 9, (5.481, 0.0, 0.00306, 0.06809, 0.01765)),
        (DUNK, 3, (5.795, 0.0, 0.0, 0.26346, 0.0)),
        (SURFING, 5, (3.774, 0.00314, 0.04760, 0.14830, 0.26288)),
        (MAKEUP, 12, (9.133, 0.08937, 0.32041, 0.06552, 0.02146)),
        (SILENT, 9, (73.300, 2.25627, 0.23984, 1.03250, 0.10704)),
    ],
)
def test_yamnet(build: Build, shared: Path, clips: Path, clip: str, windows: int, expected: tuple) -> None:
    sound = sound_of(clips / clip, 16_000)
    assert 1 + (len(sound) - 15_600) // 7_680 == windows
    vector = build("yamnet", shared / "data" / "weights").encode_sound([sound])[0]
    norm = np.linalg.norm(vector)
    np.testing.assert_allclose([norm, *vector[:4]], expected, atol=1e-3 * norm, rtol=0)


def test_yamnet_of_a_tone(build: Build, shared: Path) -> None:
    from avbench_small_encoders.spectrogram import log_mel

    encoder = build("yamnet", shared / "data" / "weights")
    sound = TONE[:15_600].astype(np.float32)
    spectrogram = log_mel(sound)
    assert spectrogram.shape == (96, 64)
    assert spectrogram.mean() == pytest.approx(-5.0192, abs=1e-3)
    assert spectrogram.std() == pytest.approx(2.5875, abs=1e-3)
    assert spectrogram.max() == pytest.approx(4.1179, abs=1e-3)
    assert np.unravel_index(spectrogram.argmax(), spectrogram.shape)[1] == 19
    vector = encoder.encode_sound([sound])[0]
    assert np.linalg.norm(vector) == pytest.approx(16.180, abs=1e-3 * 16)
    assert np.count_nonzero(vector > 0) == 75
    np.testing.assert_allclose(vector[[59, 77]], (3.0929, 1.6678), atol=1e-3 * 16)
    best, scores = best_score(encoder, vector)
    assert best == 475
    assert scores[best] == pytest.approx(0.921, abs=1e-3)


def test_yamnet_hears_speech(build: Build, shared: Path, clips: Path) -> None:
    from avbench_small_encoders.spectrogram import log_mel

    sound = sound_of(clips / MAKEUP, 16_000)
    windows = np.stack([log_mel(sound[i * 7_680 : i * 7_680 + 15_600]) for i in range(12)])
    assert windows.mean() == pytest.approx(-1.0511, abs=1e-2)
    assert windows.std() == pytest.approx(1.3457, abs=1e-2)
    encoder = build("yamnet", shared / "data" / "weights")
    vector = encoder.encode_sound([sound])[0]
    best, scores = best_score(encoder, vector)
    assert best == 0
    assert scores[best] == pytest.approx(0.999, abs=2e-3)


def best_score(encoder: Encoder, vector: np.ndarray) -> tuple[int, np.ndarray]:
    with torch.inference_mode():
        scores = torch.sigmoid(encoder.network.classifier(torch.from_numpy(vector))).numpy()
    return int(scores.argmax()), scores
