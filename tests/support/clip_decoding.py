"""Chosen frames and the sound of a clip, as the encoders of the example read them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from avgzsl_bench.encoders.encoder import VisualInput

av = pytest.importorskip("av", reason="av comes with the extra: pip install 'avgzsl-bench[extract]'")
Image = pytest.importorskip("PIL.Image", reason="pillow comes with the extra: pip install 'avgzsl-bench[extract]'")


def spread(number: int, frames: int) -> list[int]:
    """Indices of `uniform:number`."""
    return [(2 * i + 1) * frames // (2 * number) for i in range(number)]


def frames_of(path: Path) -> list[np.ndarray]:
    """All frames of a clip in the order of decoding, uint8 `[h, w, 3]`."""
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def cut(frame: np.ndarray, how: VisualInput) -> np.ndarray:
    """Scale a frame and cut the square from its middle: uint8 `[cut, cut, 3]`."""
    height, width = frame.shape[:2]
    short = min(height, width)
    size = tuple(int(how.short_side * side / short) for side in (width, height))
    scaled = np.asarray(Image.fromarray(frame).resize(size, Image.Resampling[how.interpolation.upper()]))
    top, left = (round((side - how.cut) / 2) for side in scaled.shape[:2])
    return scaled[top : top + how.cut, left : left + how.cut]


def sound_of(path: Path, rate: int) -> np.ndarray:
    """The sound of a clip, mean of its channels, float32 `[L]`."""
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        resampler = av.AudioResampler(format="fltp", layout=stream.layout, rate=rate)
        decoded = [part for frame in container.decode(stream) for part in resampler.resample(frame)]
        parts = [part.to_ndarray() for part in [*decoded, *resampler.resample(None)]]
    return np.concatenate(parts, axis=1).mean(0).astype(np.float32)
