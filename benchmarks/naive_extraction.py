"""Extraction as a plain loop over clips, to compare with.

Clips are taken one by one in this process. Every frame of a clip is turned to RGB and kept until their number is
known; the chosen ones are scaled and cut, the sound is decoded from a second opening of the file, and both are
encoded for this clip alone. Encoders and pooling are ours, so that nothing but the path differs. Damaged files,
rotation, variable frame rates and the report are left out, in favour of the loop.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import ceil
from pathlib import Path

import av
import numpy as np
from PIL import Image

from avgzsl_bench.encoders.encoder import Encoder, VisualInput
from avgzsl_bench.encoders.extraction.pooling import pooled


def extract_in_a_loop(
    paths: Iterable[Path], visual: Encoder, audio: Encoder, *, frames: int
) -> tuple[np.ndarray, np.ndarray]:
    """Vectors of sound and of `frames` frames spread over each clip: float32 `[n, d]` each."""
    assert visual.visual_input
    assert audio.audio_input
    assert audio.audio_input.window
    of_sound, of_frames = [], []
    for path in paths:
        pictures = every_frame(path)
        chosen = [pictures[(2 * i + 1) * len(pictures) // (2 * frames)] for i in range(frames)]
        cut = np.stack([scaled_and_cut(picture, visual.visual_input) for picture in chosen])
        rate = audio.audio_input.rate
        parts = windows(whole_sound(path, rate), round(audio.audio_input.window * rate))
        of_frames.append(pooled(visual.encode_frames(cut), unit_length=visual.unit_length))
        of_sound.append(pooled(audio.encode_sound(parts), unit_length=audio.unit_length))
    return np.stack(of_sound), np.stack(of_frames)


def every_frame(path: Path) -> list[np.ndarray]:
    """All frames in RGB, uint8 `[h, w, 3]` each."""
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def scaled_and_cut(frame: np.ndarray, wanted: VisualInput) -> np.ndarray:
    """The short side scaled, and a square cut from the middle."""
    height, width = frame.shape[:2]
    short = min(height, width)
    size = [int(wanted.short_side * side / short) for side in (width, height)]
    scaled = Image.fromarray(frame).resize(size, Image.Resampling[wanted.interpolation.upper()])
    left, top = (round((side - wanted.cut) / 2) for side in size)
    return np.asarray(scaled)[top : top + wanted.cut, left : left + wanted.cut]


def whole_sound(path: Path, rate: int) -> np.ndarray:
    """All samples, the mean over channels: float32 `[L]`."""
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        resampler = av.AudioResampler("fltp", stream.layout, rate)
        parts = [part for frame in container.decode(stream) for part in resampler.resample(frame)]
        parts += resampler.resample(None)
    return np.concatenate([part.to_ndarray() for part in parts], axis=1).mean(axis=0, dtype=np.float32)


def windows(sound: np.ndarray, size: int) -> list[np.ndarray]:
    """The middle of a sound that is at most 5 % longer than a window, else up to 12 windows that cover it."""
    if len(sound) <= 1.05 * size:
        starts = [max(0, (len(sound) - size) // 2)]
    else:
        count = min(12, ceil(len(sound) / size))
        starts = [round(i * (len(sound) - size) / (count - 1)) for i in range(count)]
    return [sound[start : start + size] for start in starts]
