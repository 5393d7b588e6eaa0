"""Work in a process of its own that is killed, without warning, at a moment of our choice."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(
    ["avgzsl_bench.data.layouts.importing", "avgzsl_bench.execution.execute", "avgzsl_baselines.devise"]
)

FILE_EVENTS = frozenset(
    ("open", "os.chmod", "os.listdir", "os.mkdir", "os.remove", "os.rename", "os.scandir", "tempfile.mkstemp")
)
"""Audit events of the interpreter that tell of dealings with files."""


@dataclass(frozen=True)
class Moment:
    """When to kill: at the n-th dealing with files, or after some seconds; never, if it says neither."""

    event: int | None = None
    seconds: float | None = None


@dataclass(frozen=True)
class Span:
    """How long undisturbed work takes: in seconds, and in dealings with files."""

    seconds: float
    events: int

    def moments(self, count: int, seed: int) -> Iterator[Moment]:
        """Random moments: by turns one dealing with files and one point in time."""
        chance = random.Random(seed)
        for number in range(count):
            if number % 2:
                yield Moment(seconds=chance.uniform(0, self.seconds))
            else:
                yield Moment(event=chance.randint(1, self.events))


def measured(work: Callable[..., object], *arguments: Any) -> Span:
    """Do the work undisturbed."""
    answer, ours = PROCESSES.Pipe(duplex=False)
    process = PROCESSES.Process(target=_work, args=(work, arguments, None, ours))
    process.start()
    answer.recv()
    start = time.perf_counter()
    events = answer.recv()
    seconds = time.perf_counter() - start
    process.join()
    assert process.exitcode == 0
    return Span(seconds, events)


def killed(moment: Moment, work: Callable[..., object], *arguments: Any) -> bool:
    """Start the work and kill it at a moment; false if it was done before."""
    answer, ours = PROCESSES.Pipe(duplex=False)
    process = PROCESSES.Process(target=_work, args=(work, arguments, moment.event, ours))
    process.start()
    answer.recv()
    if moment.seconds is not None:
        time.sleep(moment.seconds)
        process.kill()
    process.join()
    assert process.exitcode in (0, -signal.SIGKILL)
    return process.exitcode != 0


def _work(work: Callable[..., object], arguments: tuple[Any, ...], event: int | None, answer: Any) -> None:
    seen = 0

    def count(name: str, _: object) -> None:
        nonlocal seen
        if name in FILE_EVENTS:
            seen += 1
            if seen == event:
                os.kill(os.getpid(), signal.SIGKILL)

    answer.send("ready")
    sys.addaudithook(count)
    work(*arguments)
    if event is None:
        answer.send(seen)
