"""Work in processes of its own: killed without warning at a moment of our choice, or by several at once."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from avgzsl_bench.errors import AvbenchError

PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(
    ["avgzsl_bench.data.layouts.importing", "avgzsl_bench.execution.execute", "avgzsl_baselines.devise"]
)

FILE_EVENTS = frozenset(
    ("open", "os.chmod", "os.listdir", "os.mkdir", "os.remove", "os.rename", "os.scandir", "tempfile.mkstemp")
)
"""Audit events of the interpreter that tell of dealings with files."""


START = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.argv[0] = 'avbench'
from avgzsl_bench.cli import main
main()
"""
"""A command, with its arguments; whoever starts the tests may have interruptions ignored, a terminal has not."""


def python(
    code: str, *arguments: object, cwd: Path | None = None, program: str = sys.executable, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run code in a process of its own, with further variables in its environment."""
    return subprocess.run(
        [program, "-c", code, *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=cwd,
        env={**os.environ, **environment},
        timeout=600,
    )


def search_path(*folders: Path) -> str:
    """What PYTHONPATH must be for modules of these folders, too, to be found."""
    return os.pathsep.join([*map(str, folders), os.environ.get("PYTHONPATH", "")])


@dataclass(frozen=True)
class Moment:
    """When to kill: at the n-th dealing with files, or after some seconds; never, if it says neither."""

    event: int | None = None
    seconds: float | None = None


def moments(count: int, work: Callable[..., object], *arguments: Any) -> Iterator[Moment]:
    """Do the work undisturbed; give random moments of it: by turns a dealing with files and a point in time."""
    process, answer = _started(work, arguments, None)
    start = time.perf_counter()
    events = answer.recv()
    seconds = time.perf_counter() - start
    process.join()
    assert process.exitcode == 0
    chance = random.Random(count)
    for number in range(count):
        if number % 2:
            yield Moment(seconds=chance.uniform(0, seconds))
        else:
            yield Moment(event=chance.randint(1, events))


def killed(moment: Moment, work: Callable[..., object], *arguments: Any) -> bool:
    """Start the work and kill it at a moment; false if it was done before."""
    process, _ = _started(work, arguments, moment.event)
    if moment.seconds is not None:
        time.sleep(moment.seconds)
        process.kill()
    process.join()
    assert process.exitcode in (0, -signal.SIGKILL)
    return process.exitcode != 0


def at_once(count: int, work: Callable[..., object], *arguments: Any) -> list[Any]:
    """Do the same work in several processes that begin together; give what each returned, or its error."""
    together, answers = PROCESSES.Barrier(count), PROCESSES.Queue()
    given = (work, arguments, together, answers)
    processes = [PROCESSES.Process(target=_answer, args=given) for _ in range(count)]
    for process in processes:
        process.start()
    returned = [answers.get(timeout=120) for _ in processes]
    for process in processes:
        process.join()
    return returned


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def running() -> dict[int, int]:
    """The parent of every process that is not a zombie."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            state, parent, *_ = stat.read_text().rpartition(")")[2].split()
            if state != "Z":
                parents[int(stat.parent.name)] = int(parent)
    return parents


def descendants(process: int) -> list[int]:
    """Every process below one."""
    parents, below = running(), [process]
    for one in below:
        below += [child for child, parent in parents.items() if parent == one]
    return below[1:]


def _answer(work: Callable[..., object], arguments: tuple[Any, ...], together: Any, answers: Any) -> None:
    together.wait()
    try:
        answers.put(work(*arguments))
    except AvbenchError as error:
        answers.put(str(error))


def _started(work: Callable[..., object], arguments: tuple[Any, ...], event: int | None) -> tuple[Any, Any]:
    answer, ours = PROCESSES.Pipe(duplex=False)
    process = PROCESSES.Process(target=_work, args=(work, arguments, event, ours))
    process.start()
    answer.recv()
    return process, answer


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
