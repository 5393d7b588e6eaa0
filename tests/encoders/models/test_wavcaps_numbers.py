"""WavCaps: worked numbers of the published network."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from tiny_encoders import TinyWavcaps, save_wavcaps

from avgzsl_bench.encoders.builtin.wavcaps import FILE, Wavcaps

CPU = torch.device("cpu")
POOLED = [
    [0.20546, -1.43171, -0.42444, -0.14058, -1.44332],
    [-0.10577, -1.36911, -0.31855, -0.08123, -1.37133],
]
VECTORS = [
    [-0.080917, -0.070381, -0.025476, -0.019716, 0.036383, 0.066037],
    [-0.081674, -0.066899, -0.018972, -0.025068, 0.038996, 0.061131],
]


class FullAudio(Wavcaps):
    """The published audio network, of full size, with a small text network."""

    text_config = TinyWavcaps.text_config


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wavcaps]:
    folder = save_wavcaps(tmp_path_factory.mktemp("wavcaps"), FullAudio)
    yield FullAudio(folder, CPU)
    (folder / FILE).unlink()


@pytest.fixture(scope="module")
def clips() -> list[np.ndarray]:
    n = np.arange(320_000)
    first = 0.1 * np.sin(2 * np.pi * 440 * n / 32_000)
    first[:160_000] += 0.05 * np.sin(2 * np.pi * 3000 * n[:160_000] / 32_000)
    return [first.astype(np.float32), np.where(n < 64_000, first, 0).astype(np.float32)]


def test_log_mel(full: Wavcaps, clips: list[np.ndarray]) -> None:
    mel = full._log_mel(clips)
    assert mel.shape == (2, 1, 1001, 64)
    assert [mel[0].mean().item(), mel[0].std().item()] == pytest.approx([-83.9003, 28.629], abs=0.05)
    assert [mel[1].mean().item(), mel[1].std().item()] == pytest.approx([-96.2710, 15.690], abs=0.05)
    assert mel[0, 0, 500, :4].tolist() == pytest.approx([-36.7255, -36.3949, -36.5882, -36.5263], abs=0.05)


def test_network(full: Wavcaps, clips: list[np.ndarray]) -> None:
    with torch.inference_mode():
        pooled = full._network(input_features=full._log_mel(clips)).pooler_output
    np.testing.assert_allclose(pooled[:, :5].numpy(), POOLED, atol=1e-4 * 27.5)
    np.testing.assert_allclose(pooled.norm(dim=1).numpy(), [27.5387, 27.5907], rtol=1e-4)


def test_vectors(full: Wavcaps, clips: list[np.ndarray]) -> None:
    vectors = full.encode_sound(clips)
    np.testing.assert_allclose(vectors[:, :6], VECTORS, atol=1e-5)
    assert vectors.shape == (2, 1024)
    assert vectors[0] @ vectors[1] == pytest.approx(0.97606, abs=1e-5)


def test_short_sound_is_filled_up_with_zeros(full: Wavcaps, clips: list[np.ndarray]) -> None:
    short, filled = full.encode_sound([clips[1][:64_000]]), full.encode_sound(clips[1:])
    np.testing.assert_array_equal(short, filled)
