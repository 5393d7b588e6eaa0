"""Vectors of a batch of decoded clips."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from avgzsl_bench.encoders.builtin.clip import Clip
from avgzsl_bench.encoders.decoding.request import ClipInputs
from avgzsl_bench.encoders.encoder import Encoder
from avgzsl_bench.encoders.extraction.batch_files import ClipOutcome
from avgzsl_bench.encoders.extraction.decoding_pool import Failed
from avgzsl_bench.encoders.extraction.pooling import pooled
from avgzsl_bench.encoders.published import blank_pixels


class Encoded(NamedTuple):
    """The outcome of each clip of a batch, and float32 `[steps, D]`, the vectors of those that were taken."""

    outcomes: list[ClipOutcome]
    audio: NDArray[np.float32]
    visual: NDArray[np.float32]


def encode_clips(
    decoded: Sequence[ClipInputs | Failed], visual: Encoder, audio: Encoder, *, sequences: bool
) -> Encoded:
    """Encode the clips of a batch together.

    Args:
        decoded: what came of decoding each.
        visual, audio: the encoders.
        sequences: keep a vector for each step; else they are pooled into one.
    """
    taken = [clip for clip in decoded if isinstance(clip, ClipInputs)]
    sound = _sound_rows(taken, audio, sequences=sequences)
    frames = _frame_rows(taken, visual, sequences=sequences)
    outcomes, kept_sound, kept_frames = [], [], []
    rows = iter(zip(taken, sound, frames, strict=True))
    for clip in decoded:
        if isinstance(clip, Failed):
            outcomes.append(ClipOutcome(clip.reason, (), 0, 0))
            continue
        inputs, of_sound, of_frames = next(rows)
        if not (np.isfinite(of_sound).all() and np.isfinite(of_frames).all()):
            outcomes.append(ClipOutcome("vector not finite", (), 0, 0))
            continue
        outcomes.append(ClipOutcome("", inputs.notes, len(of_sound), len(of_frames)))
        kept_sound.append(of_sound)
        kept_frames.append(of_frames)
    return Encoded(outcomes, _stacked(kept_sound), _stacked(kept_frames))


def _sound_rows(clips: Sequence[ClipInputs], encoder: Encoder, *, sequences: bool) -> list[NDArray[np.float32]]:
    windows = [clip.sound or () for clip in clips]
    joined = [window for clip in windows for window in clip]
    return _clip_rows(
        encoder.encode_sound(joined) if joined else None, [len(w) for w in windows], encoder, sequences
    )


def _frame_rows(clips: Sequence[ClipInputs], encoder: Encoder, *, sequences: bool) -> list[NDArray[np.float32]]:
    frames = [clip.frames for clip in clips if clip.frames is not None]
    vectors = encoder.encode_frames(np.concatenate(frames)) if frames else None
    rows = _clip_rows(vectors, [len(part) for part in frames], encoder, sequences)
    for index, clip in enumerate(clips):
        if clip.is_zero_picture:
            assert isinstance(encoder, Clip)  # the published recipe has no other
            assert encoder.visual_input is not None
            rows[index] = encoder.encode_pixels(blank_pixels(encoder.visual_input, encoder.device))
    return rows


def _clip_rows(
    vectors: NDArray[np.float32] | None, counts: Sequence[int], encoder: Encoder, sequences: bool
) -> list[NDArray[np.float32]]:
    """Take the rows of each clip apart, and pool them unless they are steps."""
    if vectors is None:
        return []
    parts = np.split(vectors, list(accumulate(counts))[:-1])
    return parts if sequences else [pooled(part, unit_length=encoder.unit_length)[None] for part in parts]


def _stacked(rows: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    return np.concatenate(rows) if rows else np.empty((0, 0), np.float32)
