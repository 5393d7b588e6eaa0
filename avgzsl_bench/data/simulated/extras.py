"""Simulated sequences and class descriptions, for methods that need them.

Neither is stored: both depend only on the simulated features and their `VERSION`. The steps of a sequence vary
around the video's vector, their mean over time. Descriptions hold what the class name does, in another form.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from avgzsl_bench.data.datasets.facts import Dataset
from avgzsl_bench.data.simulated.simulated import LATENT, RESOLUTION, VERSION, lifted, meanings, rounded, seed_of
from avgzsl_bench.data.store.table import FeatureTable, Ragged

AUDIO_SECONDS, VISUAL_SECONDS = 0.96, 0.64
"""Seconds from one step to the next, as in the published sequences of VGGish and C3D features."""

SHORTEST, LONGEST = 2.0, 6.0
"""Duration of a video in seconds."""

STEP_NOISE = 0.5
"""Spread of the steps around the video's vector."""

DESCRIPTION_WIDTH, DESCRIPTION_NORM = 512, 10.0
"""Roughly those of CLIP's text embeddings before normalization."""

_BLOCK = 1 << 16
"""Steps made at a time, so that memory stays bounded."""


def simulate_steps(table: FeatureTable) -> tuple[Ragged, Ragged]:
    """Simulate audio and visual sequences of videos; the stored vectors are their means, up to rounding."""
    assert isinstance(table.audio, np.ndarray)
    assert isinstance(table.visual, np.ndarray)
    random = np.random.RandomState(seed_of(f"{VERSION}/{table.dataset}/duration"))
    duration = random.uniform(SHORTEST, LONGEST, len(table))
    audio_steps = np.floor(duration / AUDIO_SECONDS).astype(np.int64)
    visual_steps = np.ceil(duration / VISUAL_SECONDS).astype(np.int64)
    return (
        _steps_around(f"{table.dataset}/audio", table.audio, audio_steps, AUDIO_SECONDS),
        _steps_around(f"{table.dataset}/visual", table.visual, visual_steps, VISUAL_SECONDS),
    )


def simulate_descriptions(dataset: Dataset) -> NDArray[np.float32]:
    """Simulate the embedding of a description per class: float32 `[C, DESCRIPTION_WIDTH]`, row = class id."""
    return lifted("descriptions", meanings(dataset), DESCRIPTION_WIDTH, DESCRIPTION_NORM, 2.0**16)


def _steps_around(name: str, mean: NDArray[np.float32], steps: NDArray[np.int64], seconds: float) -> Ragged:
    """Simulate steps around each video's vector `[N, D]` in a few directions, with the vector as their mean."""
    random = np.random.RandomState(seed_of(f"{VERSION}/{name}/steps"))
    directions = random.standard_normal((LATENT, mean.shape[1])) * STEP_NOISE / np.sqrt(LATENT)
    offsets = np.concatenate([[0], np.cumsum(steps)])
    owner = np.repeat(np.arange(len(steps)), steps)
    stray = random.standard_normal((len(owner), LATENT))
    stray -= (np.add.reduceat(stray, offsets[:-1]) / steps[:, None])[owner]
    values = np.empty((len(owner), mean.shape[1]), np.float32)
    for start in range(0, len(owner), _BLOCK):
        block = slice(start, start + _BLOCK)
        values[block] = rounded(mean[owner[block]] + stray[block] @ directions, RESOLUTION)
    return Ragged(values, offsets, seconds)
