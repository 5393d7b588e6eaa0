"""What worker processes do to a number in place of a clip: they import it by name."""

from __future__ import annotations

import os
import signal
import time

CRASH, HANG, RAISE, BIG = -1, -2, -3, -4


def doubled(number: int) -> int:
    """Double a number; some numbers end badly."""
    if number == CRASH:
        os.kill(os.getpid(), signal.SIGKILL)
    if number == HANG:
        time.sleep(600)
    if number == RAISE:
        raise ValueError("odd\nclip")
    if number == BIG:
        raise MemoryError
    time.sleep(0.05 if number % 3 == 0 else 0)
    return 2 * number
