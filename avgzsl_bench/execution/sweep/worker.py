"""A worker process of the local engine: takes jobs from a pipe, one after another, and reports their events.

Nothing heavy is imported before the number of threads is set.
"""

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


def work(pipe: Connection, device: str, threads: int) -> None:
    """Carry out the jobs that come through a pipe until it is closed, one fails, or the process is terminated.

    After a failure the process ends, so that nothing which a failed run left behind, a broken device context for
    one, reaches the next.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all of a terminal; the sweep ends its workers
    os.environ["OMP_NUM_THREADS"] = str(threads)
    with suppress(KeyboardInterrupt, EOFError, BrokenPipeError, ConnectionResetError), raise_on_signal():
        threading.Thread(target=_end_with_parent, daemon=True).start()
        import torch

        from avgzsl_bench.execution.sweep.carry_out import carry_out

        torch.set_num_threads(threads)
        while True:
            outcome = carry_out(pipe.recv(), device, pipe.send)
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
