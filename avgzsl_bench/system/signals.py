"""Signals that end the program: turned into an exception, or deferred while something must not be interrupted."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

_ENDING = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]

_LATER = 0.05
"""Seconds until a signal is sent again whose exception was ignored."""


class Terminated(KeyboardInterrupt):
    """Another signal than Ctrl-C ends the program; code that lets one through lets through the other."""

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__(f"signal {number}")


@contextmanager
def raise_on_signal() -> Iterator[None]:
    """Raise `Terminated` inside the block for a signal that would end the program, so that clean-up is done.

    Signals that are ignored (`nohup`) or handled already stay as they are, and outside of the main thread nothing
    changes. A signal that arrives where Python ignores exceptions, such as in a finalizer, is sent once more.
    """

    def stop(number: int, _: FrameType | None) -> None:
        raise Terminated(number)

    ignored = sys.unraisablehook

    def resend(what: sys.UnraisableHookArgs) -> None:
        if not issubclass(what.exc_type, KeyboardInterrupt):
            ignored(what)
            return
        number = what.exc_value.number if isinstance(what.exc_value, Terminated) else signal.SIGINT
        threading.Timer(_LATER, os.kill, (os.getpid(), number)).start()

    sys.unraisablehook = resend
    try:
        with _handled(stop, lambda current: current is signal.SIG_DFL):
            yield
    finally:
        sys.unraisablehook = ignored


@contextmanager
def defer_signals() -> Iterator[None]:
    """Defer signals that would end the program until the block is left, however it is left.

    For libraries that lose an exception raised by a signal.
    """
    pending: list[int] = []
    try:
        with _handled(
            lambda number, _: pending.append(number), lambda current: current not in (None, signal.SIG_IGN)
        ):
            yield
    finally:
        if pending:
            signal.raise_signal(pending[0])


@contextmanager
def _handled(handler: Callable[[int, FrameType | None], None], wanted: Callable[[object], bool]) -> Iterator[None]:
    """Replace the handlers that `wanted` selects until the block is left."""
    previous = {}
    try:
        if threading.current_thread() is threading.main_thread():
            for number in _ENDING:
                if wanted(current := signal.getsignal(number)):
                    previous[number] = current
                    signal.signal(number, handler)
        yield
    finally:
        for number, current in previous.items():
            signal.signal(number, current)
