"""Signals that end the program: turned into an exception, or held while something must not be torn apart."""

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
"""Seconds after which a signal is sent again whose exception was ignored."""


class Terminated(KeyboardInterrupt):
    """The program was told to end by another signal than Ctrl-C; what is let through for one is for the other."""

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__(f"signal {number}")


@contextmanager
def raise_on_signal() -> Iterator[None]:
    """Inside the block a signal that would end the program raises `Terminated`, so that clean-up is done.

    Signals that are ignored (`nohup`) or handled already stay as they are; other threads than the main one
    can change nothing. A signal that comes where Python ignores exceptions, such as at the end of an object's
    life, is sent once more.
    """

    def stop(number: int, _: FrameType | None) -> None:
        raise Terminated(number)

    ignored = sys.unraisablehook

    def told(what: sys.UnraisableHookArgs) -> None:
        if not issubclass(what.exc_type, KeyboardInterrupt):
            ignored(what)
            return
        number = what.exc_value.number if isinstance(what.exc_value, Terminated) else signal.SIGINT
        threading.Timer(_LATER, os.kill, (os.getpid(), number)).start()

    sys.unraisablehook = told
    try:
        with _handled(stop, lambda current: current is signal.SIG_DFL):
            yield
    finally:
        sys.unraisablehook = ignored


@contextmanager
def defer_signals() -> Iterator[None]:
    """Signals that would end the program have their effect when the block is left, however it is left.

    For libraries that lose an exception that a signal raises inside them.
    """
    noted: list[int] = []
    try:
        with _handled(
            lambda number, _: noted.append(number), lambda current: current not in (None, signal.SIG_IGN)
        ):
            yield
    finally:
        if noted:
            signal.raise_signal(noted[0])


@contextmanager
def _handled(handler: Callable[[int, FrameType | None], None], wanted: Callable[[object], bool]) -> Iterator[None]:
    """Put a handler in the place of those that are wanted, until the block is left."""
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
