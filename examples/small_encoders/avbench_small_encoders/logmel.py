"""Sound without a network: mean and spread of the log-mel spectrogram over time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

import avgzsl_bench as ab

from .spectrogram import BANDS, FRAME, HOP, RATE, log_mel

FRAMES_AT_ONCE = 1_000
"""Ten seconds of sound: an hour needs no more memory than that."""


class LogMel(ab.Encoder):
    """Mean of each band over the frames of a sound, then its population standard deviation."""

    audio_input = ab.AudioInput(rate=RATE, window=None)
    unit_length = False

    def encode_sound(self, sound: Sequence[np.ndarray]) -> np.ndarray:
        """Encode whole sounds, float32 `[L]` each: float32 `[n, 128]`.

        One shorter than a frame is filled with zeros.
        """
        return np.stack([_mean_and_spread(samples) for samples in sound]).astype(np.float32)


def _mean_and_spread(samples: np.ndarray) -> np.ndarray:
    if len(samples) < FRAME:
        samples = np.pad(samples, (0, FRAME - len(samples)))
    frames = 1 + (len(samples) - FRAME) // HOP
    origin = log_mel(samples[:FRAME])[0]  # sums of differences from it stay exact where nothing changes
    total, squares = np.zeros(BANDS), np.zeros(BANDS)
    for first in range(0, frames, FRAMES_AT_ONCE):
        last = min(first + FRAMES_AT_ONCE, frames) - 1
        difference = log_mel(samples[first * HOP : last * HOP + FRAME]) - origin
        total += difference.sum(0)
        squares += (difference**2).sum(0)
    mean = total / frames
    return np.concatenate([origin + mean, np.sqrt(np.maximum(squares / frames - mean**2, 0))])
