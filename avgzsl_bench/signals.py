"""Signals that end the program: turned into an exception, or held while something must not be torn apart."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

_ENDING = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


class Terminated(KeyboardInterrupt):
    """The program was told to end by another signal than Ctrl-C; what is let through for one is for the other."""

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__(f"signal {number}")


@contextmanager
def endings_raised() -> Iterator[None]:
    """Inside the block a signal that would end the program raises `Terminated`, so that clean-up is done.

    Signals that are ignored (`nohup`) or handled already stay as they are; other threads than the main one
    can change nothing.
    """

    def stop(number: int, _: FrameType | None) -> None:
        raise Terminated(number)

    with _handled(stop, lambda current: current is signal.SIG_DFL):
        yield


@contextmanager
def endings_held() -> Iterator[None]:
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
