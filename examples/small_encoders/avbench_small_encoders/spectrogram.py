"""The log-mel spectrogram of YAMNet, in double precision."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

RATE = 16_000
FRAME = 400
"""Samples of a frame, 25 ms."""

HOP = 160
"""Samples from one frame to the next, 10 ms."""

BANDS = 64

_FFT = 512
_LOWEST, _HIGHEST = 125.0, 7_500.0
_OFFSET = 1e-3
"""Added before the logarithm; digital silence is log(0.001) everywhere."""


def log_mel(sound: NDArray[np.float32]) -> NDArray[np.float64]:
    """Compute the log-mel spectrogram of a sound at 16 kHz, `[L]` with L >= 400: `[1 + (L - 400) // 160, 64]`.

    Magnitudes, not powers; a periodic Hann window; nothing is added at the ends.
    """
    frames = np.lib.stride_tricks.sliding_window_view(sound, FRAME)[::HOP]
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(FRAME) / FRAME)
    return np.log(np.abs(np.fft.rfft(frames * window, _FFT)) @ triangles() + _OFFSET)


@lru_cache(maxsize=1)
def triangles() -> NDArray[np.float64]:
    """Give the weights of the FFT's bins in each band, `[257, 64]`: triangles over mel = 1127 ln(1 + f / 700)."""
    edges = np.linspace(_mel(_LOWEST), _mel(_HIGHEST), BANDS + 2)
    bins = _mel(np.arange(_FFT // 2 + 1) * RATE / _FFT)[:, None]
    rising = (bins - edges[:-2]) / np.diff(edges)[:-1]
    falling = (edges[2:] - bins) / np.diff(edges)[1:]
    weights = np.maximum(0.0, np.minimum(rising, falling))
    weights[0] = 0.0
    return weights


def _mel(frequency: float | NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(1127 * np.log1p(np.asarray(frequency) / 700))
