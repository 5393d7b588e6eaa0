"""Which frames stand for a clip: `middle`, `uniform:N`, those of a sequence."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

from avgzsl_bench.encoders.decoding.timeline import Timeline
from avgzsl_bench.encoders.decoding.windows import MOST_STEPS
from avgzsl_bench.errors import ConfigError

MOST_FRAMES = 1000
"""Frames of `uniform:N`."""


@dataclass(frozen=True)
class FrameChoice:
    """Which frames stand for a clip.

    Attributes:
        count: so many, spread evenly over the clip; None: the middle one.
    """

    count: int | None

    def __str__(self) -> str:
        return "middle" if self.count is None else f"uniform:{self.count}"

    def indices(self, timeline: Timeline) -> list[int]:
        """Choose from a clip with at least one frame; with fewer than are wanted, frames repeat.

        `middle` is frame F // 2; the i-th of `uniform:N` is frame (2 i + 1) F // 2 N, or, with a variable frame
        rate, the last one that begins by (2 i + 1) / 2 N of the clip's length.
        """
        if self.count is None:
            return [timeline.count // 2]
        parts = [Fraction(2 * i + 1, 2 * self.count) for i in range(self.count)]
        if timeline.varies:
            return [timeline.at(part * timeline.seconds) for part in parts]
        return [int(part * timeline.count) for part in parts]


def parse_frame_choice(text: str) -> FrameChoice:
    """Read `middle` or `uniform:N`.

    Raises:
        ConfigError: anything else, or a number that is not from 1 to 1000.
    """
    if text == "middle":
        return FrameChoice(None)
    match = re.fullmatch(r"uniform:([0-9]{1,9})", text)
    if not match or not 1 <= int(match[1]) <= MOST_FRAMES:
        raise ConfigError(f"frames {text!r}: use 'middle' or 'uniform:N' with N from 1 to {MOST_FRAMES}")
    return FrameChoice(int(match[1]))


def step_indices(timeline: Timeline) -> list[int]:
    """Choose one frame for each whole second of a clip, the one at its half; at least one, at most 600."""
    steps = min(max(1, int(timeline.seconds)), MOST_STEPS)
    return [timeline.at(Fraction(2 * step + 1, 2)) for step in range(steps)]
