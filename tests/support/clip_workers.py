"""What worker processes do in place of decoding: they import it by name."""

from __future__ import annotations

import os
import signal
import time

from avgzsl_bench.encoders.decoding import excerpts, pictures
from avgzsl_bench.encoders.decoding.request import ClipInputs
from avgzsl_bench.encoders.extraction.clip_work import ClipWork, decode
from avgzsl_bench.encoders.extraction.decoding_pool import Failed
from avgzsl_bench.errors import AvbenchError

CRASH, HANG, RAISE, BIG, FULL = -1, -2, -3, -4, -5


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
    if number == FULL:
        raise AvbenchError("cannot write here: No space left on device")
    time.sleep(0.05 if number % 3 == 0 else 0)
    return 2 * number


HANGS, CRASHES = "hangs.mkv", "crashes.mkv"
"""Names of files at which `decode_or_end` ends badly."""


def decode_or_end(work: ClipWork) -> ClipInputs | Failed:
    """Decode a clip as workers do; at some names the decoder hangs, or brings its process down."""
    if work.path.name == HANGS:
        doubled(HANG)
    if work.path.name == CRASHES:
        doubled(CRASH)
    return decode(work)


def decode_into_files(work: ClipWork) -> ClipInputs | Failed:
    """Decode a clip as workers do, and keep all of it in files, however small."""
    excerpts.LARGE = pictures.LARGE = 0
    return decode(work)


def inherits_blocked(number: int) -> bool:
    """Tell whether the process was started with a signal blocked."""
    return number in signal.pthread_sigmask(signal.SIG_BLOCK, ())
