"""Vectors of a batch of decoded clips."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import accumulate, chain
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from avgzsl_bench.encoders.builtin.clip import Clip
from avgzsl_bench.encoders.decoding.request import ClipInputs
from avgzsl_bench.encoders.encoder import Encoder
from avgzsl_bench.encoders.extraction.batch_files import ClipOutcome
from avgzsl_bench.encoders.extraction.decoding_pool import Failed
from avgzsl_bench.encoders.extraction.pooling import pooled
from avgzsl_bench.encoders.published import blank_pixels

PORTION = 8
"""Clips that are encoded together: a few fill a network, and all that are decoded have to be kept till then."""

AT_ONCE = 32 << 20
"""Bytes of frames, or of sound, after which no more are given to an encoder at once."""


class Encoded(NamedTuple):
    """The outcome of each of some clips, and float32 `[steps, D]`, the vectors of those that were taken."""

    outcomes: list[ClipOutcome]
    audio: NDArray[np.float32]
    visual: NDArray[np.float32]


def encode_clips(
    decoded: Sequence[ClipInputs | Failed], visual: Encoder | None, audio: Encoder | None, *, sequences: bool
) -> Encoded:
    """Encode a few clips together.

    Args:
        decoded: what came of decoding each.
        visual, audio: the encoders; None: no vectors of the modality.
        sequences: keep a vector for each step; else they are pooled into one.
    """
    taken = [clip for clip in decoded if isinstance(clip, ClipInputs)]
    none = [np.empty((0, 0), np.float32)] * len(taken)
    sound = none if audio is None else _sound_rows(taken, audio, sequences=sequences)
    frames = none if visual is None else _frame_rows(taken, visual, sequences=sequences)
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
    vectors = _vectors(encoder.encode_sound, chain.from_iterable(windows))
    return _clip_rows(vectors, [len(w) for w in windows], encoder, sequences)


def _frame_rows(clips: Sequence[ClipInputs], encoder: Encoder, *, sequences: bool) -> list[NDArray[np.float32]]:
    frames = [clip.frames for clip in clips if clip.frames is not None]
    vectors = _vectors(lambda group: encoder.encode_frames(np.stack(group)), chain.from_iterable(frames))
    rows = _clip_rows(vectors, [len(part) for part in frames], encoder, sequences)
    for index, clip in enumerate(clips):
        if clip.is_zero_picture:
            assert isinstance(encoder, Clip)  # the published recipe has no other
            assert encoder.visual_input is not None
            rows[index] = encoder.encode_pixels(blank_pixels(encoder.visual_input, encoder.device))
    return rows


def _vectors(
    encode: Callable[[list[NDArray[Any]]], NDArray[np.float32]], inputs: Iterable[NDArray[Any]]
) -> NDArray[np.float32] | None:
    """Encode inputs in groups, so that memory does not grow with their number; None if there are none."""
    vectors, group, size = list[NDArray[np.float32]](), list[NDArray[Any]](), 0
    for one in inputs:
        group.append(one)
        size += one.nbytes
        del one  # the next may be an hour of sound again
        if size >= AT_ONCE:
            vectors.append(encode(group))
            group, size = [], 0
    if group:
        vectors.append(encode(group))
    return np.concatenate(vectors) if vectors else None


def _clip_rows(
    vectors: NDArray[np.float32] | None, counts: Sequence[int], encoder: Encoder, sequences: bool
) -> list[NDArray[np.float32]]:
    """Take the rows of each clip apart, and pool them unless they are steps."""
    if vectors is None:
        return []
    parts = np.split(vectors, list(accumulate(counts))[:-1])
    return parts if sequences else [pooled(part, unit_length=encoder.unit_length)[None] for part in parts]


def joined(parts: Sequence[Encoded]) -> Encoded:
    """Put together what was encoded in parts."""
    return Encoded(
        [outcome for part in parts for outcome in part.outcomes],
        _stacked([part.audio for part in parts if len(part.audio)]),
        _stacked([part.visual for part in parts if len(part.visual)]),
    )


def _stacked(rows: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    return np.concatenate(rows) if rows else np.empty((0, 0), np.float32)
