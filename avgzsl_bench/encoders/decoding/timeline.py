"""When the frames of a clip are shown."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import pairwise
from math import ceil

UNEVEN = 2
"""Largest step between frames over the smallest, above which the frame rate is called variable."""


@dataclass(frozen=True)
class Timeline:
    """Number and times of a clip's frames, in the order of decoding.

    Attributes:
        count: number of frames.
        times: of each frame, in ticks; None where they cannot be relied on.
        tick: in seconds.
        rate: frames a second as the file states it; None where it does not.
    """

    count: int
    times: Sequence[int] | None
    tick: Fraction
    rate: Fraction | None

    @classmethod
    def of(cls, times: Sequence[int | None], tick: Fraction, rate: Fraction | None) -> Timeline:
        """Take the times that frames state, and rely on them only if each is later than the one before."""
        known = [time for time in times if time is not None]
        is_rising = len(known) == len(times) and all(a < b for a, b in pairwise(known))
        return cls(len(times), known if is_rising else None, tick, rate)

    @cached_property
    def varies(self) -> bool:
        """Whether the frame rate is variable: the largest step is more than twice the smallest."""
        if self.times is None or self.count < 3:
            return False
        steps = [b - a for a, b in pairwise(self.times)]
        return max(steps) > UNEVEN * min(steps)

    @cached_property
    def seconds(self) -> Fraction:
        """Length: by the stated rate, or by time where that varies or is not stated; 0 where neither tells."""
        if self.rate and not self.varies:
            return self.count / self.rate
        if self.times is None or self.count < 2:
            return Fraction(0)
        return (self.times[-1] - self.times[0]) * self.tick * Fraction(self.count, self.count - 1)

    def at(self, seconds: Fraction) -> int:
        """Index of the frame that is shown so long after the first; at most the last one."""
        if self.varies and self.times is not None:
            return bisect_right(self.times, self.times[0] + seconds / self.tick) - 1
        rate = self.rate or (self.count / self.seconds if self.seconds else Fraction(0))
        return min(int(seconds * rate), self.count - 1)

    def between(self, start: Fraction, end: Fraction | None, origin: Fraction) -> range:
        """Find the frames with a time in `[start, end)`, in seconds from the origin of the file."""
        return range(self._first_from(start, origin), self.count if end is None else self._first_from(end, origin))

    def _first_from(self, seconds: Fraction, origin: Fraction) -> int:
        """Index of the first frame that is not shown before a time."""
        if self.times is not None:
            return bisect_left(self.times, (seconds + origin) / self.tick)
        return min(ceil(seconds * (self.rate or 0)), self.count)

    def part(self, span: range) -> Timeline:
        """Give the timeline of some consecutive frames."""
        times = None if self.times is None else self.times[span.start : span.stop]
        return Timeline(len(span), times, self.tick, self.rate)
