"""Clips decoded ahead in worker processes, each within its time; a worker that dies is replaced."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import TimeoutError
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import resource_tracker
from multiprocessing.context import SpawnContext, SpawnProcess
from types import ModuleType
from typing import Any, Generic, TypeVar

from pebble import ProcessExpired, ProcessPool

from avgzsl_bench.errors import AvbenchError, one_line

Work = TypeVar("Work")
Result = TypeVar("Result")

TIMED_OUT = "timed out"
CRASHED = "decoder crashed"


@dataclass(frozen=True)
class Failed:
    """A clip that gave no result, with the reason."""

    reason: str


class DecodingPool(Generic[Work, Result]):
    """Runs a function on clips in other processes and gives the results in order.

    Args:
        pool: of processes.
        function: importable by name, as are the classes of its argument and of its result.
        ahead: clips in work or decoded and not yet taken, at most; they bound the memory.
        timeout: seconds for a clip.
    """

    def __init__(
        self, pool: ProcessPool, function: Callable[[Work], Result], *, ahead: int, timeout: float
    ) -> None:
        self._pool = pool
        self._function = function
        self._ahead = ahead
        self._timeout = timeout

    def results(self, clips: Iterable[Work]) -> Iterator[Result | Failed]:
        """Give the result of each clip, in their order.

        Raises:
            AvbenchError: what the function raised, for a fault that is not the clip's, such as a full disk.
        """
        waiting: deque[Any] = deque()
        for clip in clips:
            with _interruptions_blocked():  # the first clip starts the threads that start all processes
                waiting.append(self._pool.schedule(self._function, args=(clip,), timeout=self._timeout))
            if len(waiting) > self._ahead:
                yield self._taken(waiting.popleft())
        while waiting:
            yield self._taken(waiting.popleft())

    def _taken(self, future: Any) -> Result | Failed:
        try:
            result: Result = future.result()
            return result
        except TimeoutError:
            return Failed(f"{TIMED_OUT}: more than {self._timeout:g} s")
        except ProcessExpired:
            return Failed(CRASHED)
        except MemoryError:
            return Failed("out of memory")
        except AvbenchError:
            raise
        except Exception as error:
            # A fault of ours in one clip must not stop the others; its name leads to it.
            return Failed(f"failed: {type(error).__name__}: {one_line(str(error), 200)}")


@contextmanager
def decoding_pool(
    function: Callable[[Work], Result], *, workers: int, ahead: int, timeout: float
) -> Iterator[DecodingPool[Work, Result]]:
    """Start worker processes for the block, and end them with it, whatever they are doing.

    They are spawned, since a fork would copy the state of PyTorch's threads.
    """
    pool = ProcessPool(max_workers=workers, context=_Context(), initializer=_end_with_parent)
    try:
        yield DecodingPool(pool, function, ahead=ahead, timeout=timeout)
    finally:
        pool.stop()  # type: ignore[no-untyped-call]
        pool.join()


class _Process(SpawnProcess):
    """A process that does not run the script of whoever started it.

    `spawn` runs it again in each process, for what it may define; nothing of that is needed here, and a script
    without `if __name__ == "__main__"` would start processes without end.
    """

    def start(self) -> None:
        """Start the process, as one of a program without a script."""
        script = sys.modules["__main__"]
        sys.modules["__main__"] = ModuleType("__main__")
        try:
            super().start()
        finally:
            sys.modules["__main__"] = script


class _Context(SpawnContext):
    Process = _Process


def _end_with_parent() -> None:
    """End this process when its parent ends, were it killed while a clip hangs here."""
    parent = multiprocessing.parent_process()
    assert parent is not None

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


@contextmanager
def _interruptions_blocked() -> Iterator[None]:
    """Keep Ctrl-C from threads that are started in the block, and from their processes: it is the caller's alone.

    A process that is interrupted while it starts would show where it was.
    """
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    resource_tracker.ensure_running()  # else it is started in the block, and unblocks them again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
