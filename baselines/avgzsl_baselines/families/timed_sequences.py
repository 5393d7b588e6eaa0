"""Batches of sequences for TCAF: which steps of a video are read, cut out on the device without a loop.

After the program of Mercea, Hummel, Koepke, Akata: "Temporal and cross-modal attention for audio-visual zero-shot
learning", ECCV 2022. It either reads whole videos, padded to the longest of a batch, or, on ActivityNet, windows
of a fixed number of steps: a start is chosen among the visual steps, and the audio follows.

A window is again a sequence: a later first step and a smaller length, no vector is copied. Its time starts at 0.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor

from avgzsl_bench import Batch, Sequences, Videos

AudioSteps = Literal["official", "duration"]


@dataclass(frozen=True)
class AudioVisual:
    """Audio and visual sequences of the same `N` videos."""

    audio: Sequences
    visual: Sequences


def sequences_of(videos: Videos | Batch) -> AudioVisual:
    """Return the sequences of videos; their vectors as sequences of one step where there are none."""
    if videos.audio_steps is None or videos.visual_steps is None:
        return AudioVisual(Sequences.of_vectors(videos.audio), Sequences.of_vectors(videos.visual))
    return AudioVisual(videos.audio_steps, videos.visual_steps)


def audio_window(visual_window: int, audio_seconds: float, visual_seconds: float, rule: AudioSteps) -> int:
    """Audio steps of a window.

    Args:
        visual_window: its visual steps.
        audio_seconds: from one audio step to the next.
        visual_seconds: from one visual step to the next.
        rule: `duration`, as many as last as long; `official`, the published program's, which multiplies by the
            seconds of an audio step where it should divide.
    """
    factor = audio_seconds if rule == "official" else 1 / audio_seconds
    return max(1, round(visual_window * visual_seconds * factor))


def centre_start(spare: Tensor) -> Tensor:
    """Place the start of a window, int64 `[N]`, in the middle; `spare`, int64 `[N]`, are the steps outside it."""
    return spare // 2


def random_start(spare: Tensor, *, last: bool) -> Tensor:
    """Draw a start uniformly from torch's own generator: int64 `[N]`, from 0 to `spare`.

    Args:
        spare: int64 `[N]`, steps outside the window; not negative.
        last: draw `spare` too, the last possible start, which the published program never does.
    """
    choices = (spare + int(last)).clamp(min=1)
    drawn = (torch.rand(spare.shape, device=spare.device) * choices).long()
    return drawn.minimum(choices - 1)  # the product can round up to `choices`


def spare_steps(sequences: Sequences, window: int) -> Tensor:
    """Count the steps of each video outside a window, int64 `[N]`; 0 if it fits in."""
    return (sequences.length - window).clamp(min=0)


def windows(videos: AudioVisual, start: Tensor, visual_window: int, audio_window: int) -> AudioVisual:
    """Take windows of fixed numbers of steps out of whole videos; shorter videos are padded to them.

    The visual window starts at `start`, int64 `[N]`; the audio at the step nearest in time to it, but early enough
    to fill its window.
    """
    audio, visual = videos.audio, videos.visual
    nearest = (start * (visual.seconds / audio.seconds)).round().long()
    audio_start = nearest.minimum(spare_steps(audio, audio_window))
    return AudioVisual(_window(audio, audio_start, audio_window), _window(visual, start, visual_window))


def _window(sequences: Sequences, start: Tensor, steps: int) -> Sequences:
    length = (sequences.length - start).clamp(max=steps)
    return replace(sequences, first=sequences.first + start, length=length, longest=steps)
