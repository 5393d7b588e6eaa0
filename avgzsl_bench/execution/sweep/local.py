"""The local engine: worker processes on this machine, one a device slot."""

from __future__ import annotations

import multiprocessing
import signal
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess

import torch

from avgzsl_bench.execution.sweep.engine import KILLED, Attempt, Event, Failed, Finished, Lost, Started
from avgzsl_bench.execution.sweep.job import Job
from avgzsl_bench.execution.sweep.worker import work
from avgzsl_bench.system.device import choose_device
from avgzsl_bench.system.signals import defer_signals

_PATIENCE = 5.0
"""Seconds that a worker is given to end by itself."""

_PROCESSES = multiprocessing.get_context("spawn")


@dataclass(frozen=True)
class Slot:
    """Where one worker works: a device, as in `plan_run`, and the CPU threads of a run there, at most.

    `most_threads` is no limit to a number that was chosen for the runs; None: no limit.
    """

    device: str
    most_threads: int | None


def device_slots(device: str, workers: int | None = None) -> list[Slot]:
    """List the slots of this machine.

    Args:
        device: `auto` or `cuda` stands for every CUDA device if there are several.
        workers: how many slots, spread evenly over the devices; None: one a device, so that a run on the CPU
            gives the same record as `avbench run`.

    Returns:
        The slots. If there are several, the threads that torch would use by itself, one a core, are divided among
        them, at least one each.

    Raises:
        ConfigError: no such device here.
    """
    chosen = choose_device(device)
    several = chosen.type == "cuda" and chosen.index is None and torch.cuda.device_count() > 1
    devices = [f"cuda:{i}" for i in range(torch.cuda.device_count())] if several else [str(chosen)]
    count = len(devices) if workers is None else workers
    most_threads = None if count == 1 else max(1, torch.get_num_threads() // count)
    return [Slot(devices[i % len(devices)], most_threads) for i in range(count)]


@dataclass
class _Worker:
    """A slot, the process in it while there is one, and what that is at."""

    number: int
    slot: Slot
    process: SpawnProcess | None = None
    pipe: Connection | None = field(default=None, repr=False)
    attempt: Attempt | None = None

    def give(self, attempt: Attempt) -> Started:
        """Give it a job; a process is started if there is none that lives."""
        if self.process is None or not self.process.is_alive():
            self.dismiss()
            self._start()
        attempt.started += 1
        self.attempt = attempt
        assert self.pipe is not None
        with suppress(BrokenPipeError, ConnectionResetError):  # it has just died, which next_event notices
            self.pipe.send(attempt.job)
        return Started(attempt.job, f"worker {self.number} on {self.slot.device}")

    def _start(self) -> None:
        with defer_signals(), _interrupts_blocked():
            self.pipe, theirs = _PROCESSES.Pipe()
            self.process = _PROCESSES.Process(target=work, args=(theirs, self.slot.device, self.slot.most_threads))
            self.process.start()
            theirs.close()  # so that the pipe ends when the process does

    def next_event(self) -> Event:
        """Receive the next event of its job; the last one frees the worker."""
        assert self.pipe is not None
        assert self.attempt is not None
        try:
            event: Event = self.pipe.recv()
        except (EOFError, OSError):
            attempt, self.attempt = self.attempt, None
            assert self.process is not None
            self.process.join(_PATIENCE)
            how = _how(self.process.exitcode)
            self.dismiss()
            return attempt.lost(f"its worker process died{how}")
        if isinstance(event, Finished | Failed):
            self.attempt = None
        if isinstance(event, Failed):
            self.dismiss()
        return event

    def dismiss(self) -> None:
        """See the process off."""
        if self.process is not None:
            self.process.join(_PATIENCE)
            self.process.kill()
            self.process.join()
            self.process.close()
        if self.pipe is not None:
            self.pipe.close()
        self.process = self.pipe = None


def _how(code: int | None) -> str:
    if code == -signal.SIGKILL:
        return f" ({KILLED})"
    if code is not None and code < 0:
        return f" (signal {-code})"
    return "" if code is None else f" (exit code {code})"


@contextmanager
def _interrupts_blocked() -> Iterator[None]:
    """Block Ctrl-C for processes that are started inside the block, from their first instant."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class LocalEngine:
    """Worker processes, one a slot, each carrying out one job after another."""

    def __init__(self, slots: Sequence[Slot]) -> None:
        self._slots = tuple(slots)

    @property
    def workers(self) -> int:
        """The number of slots."""
        return len(self._slots)

    def events(self, jobs: Sequence[Job]) -> Generator[Event, None, None]:
        """Carry out the jobs, see `Engine.events`. A job whose worker dies is started once more."""
        waiting = deque(Attempt(job) for job in jobs)
        workers = [_Worker(number, slot) for number, slot in enumerate(self._slots, start=1)]
        try:
            while True:
                for worker in workers:
                    if worker.attempt is None and waiting:
                        yield worker.give(waiting.popleft())
                busy = {worker.pipe: worker for worker in workers if worker.attempt is not None and worker.pipe}
                if not busy:
                    return
                for pipe in wait(list(busy)):
                    worker = busy[pipe]  # type: ignore[index]
                    attempt = worker.attempt
                    event = worker.next_event()
                    if isinstance(event, Lost) and attempt is not None:
                        waiting.appendleft(attempt)
                    yield event
        finally:
            with defer_signals():
                for worker in workers:
                    if worker.process is not None:
                        worker.process.terminate()
                for worker in workers:
                    worker.dismiss()
