"""A worker process of the local engine: takes jobs from a pipe, one after another, and reports their events."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from avgzsl_bench.execution.sweep.engine import Failed
from avgzsl_bench.system.signals import raise_on_signal

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

_GRACE = 10.0
"""Seconds that a worker whose sweep is gone takes, at most, to leave nothing half-written."""


def work(pipe: Connection, device: str, most_threads: int | None) -> None:
    """Carry out the jobs that come through a pipe until it is closed, one fails, or the process is terminated.

    After a failure the process ends, so that nothing which a failed run left behind, a broken device context for
    one, reaches the next.

    Args:
        pipe: where jobs come from and events go to.
        device: of the runs.
        most_threads: CPU threads of a run, see `Slot`.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all of a terminal; the sweep ends its workers
    with suppress(KeyboardInterrupt, EOFError, BrokenPipeError, ConnectionResetError), raise_on_signal():
        threading.Thread(target=_end_with_parent, daemon=True).start()
        from avgzsl_bench.execution.sweep.carry_out import carry_out

        while True:
            outcome = carry_out(pipe.recv(), device, pipe.send, most_threads)
            pipe.send(outcome)
            if isinstance(outcome, Failed):
                return


def _end_with_parent() -> None:
    """End the process when the one that started it is gone, however that ended."""
    parent = multiprocessing.parent_process()
    assert parent is not None, "a worker is started by a sweep"
    parent.join()
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(_GRACE)
    os._exit(1)
