"""Which stretches of a clip's sound an encoder is given, as ranges of samples."""

from __future__ import annotations

from fractions import Fraction

MOST_WINDOWS = 12
"""Windows of one clip; in a longer one they lie apart."""

MOST_STEPS = 600
"""Steps of a sequence; what comes later in a clip is dropped."""


def clip_windows(length: int, size: int) -> list[range]:
    """Cut a sound into windows whose vectors' mean stands for the clip.

    Args:
        length: samples of the sound.
        size: samples of a window.

    Returns:
        The sound itself if it is no longer than a window; the middle if it is at most 5 % longer; else the fewest
        windows that cover it, up to 12, spread evenly from its beginning to its end.
    """
    if 20 * length <= 21 * size:
        return [middle_window(length, size)]
    count = min(MOST_WINDOWS, -(-length // size))
    starts = [round(Fraction(i * (length - size), count - 1)) for i in range(count)]
    return [range(start, start + size) for start in starts]


def middle_window(length: int, size: int) -> range:
    """Give the middle of a sound, or all of it if it is no longer than a window."""
    start = max(0, (length - size) // 2)
    return range(start, min(length, start + size))


def step_windows(length: int, step: int, size: int) -> list[range]:
    """Cut a sound into the steps of a sequence: at least one, at most 600; a rest is dropped.

    Args:
        length: samples of the sound.
        step: samples from one step to the next.
        size: samples that a step is made of.
    """
    count = min(max(1, 1 + (length - size) // step), MOST_STEPS)
    return [range(i * step, min(length, i * step + size)) for i in range(count)]
