"""Steps on a busy machine: alone, beside two busy processes, and two runs side by side.

`python benchmarks/busy.py [METHOD ...]` prints one line of JSON a method. Every measurement has processes of its
own, since the environment is read as PyTorch is loaded. Our defaults are compared with what PyTorch does by
itself: a thread a core, and GNU OpenMP's own number of spins.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass

from pairs import Pairs, compared

METHODS = ("clipclap", "mft")
REPEATS = 5
SECONDS = 2.0
"""How long steps are timed, at least."""

LEAST_STEPS = 5
BUSY = 2
"""Busy processes that a run has beside it."""

SPIN = [sys.executable, "-c", "while True: pass"]
VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME")
CORES = os.cpu_count() or 1
TORCH_ALONE = {"OMP_NUM_THREADS": str(CORES), "GOMP_SPINCOUNT": "300000"}
"""An environment that has a run do as PyTorch does by itself: 300,000 spins are GNU OpenMP's default."""


@dataclass(frozen=True)
class Measured:
    """Steps of a method; each ratio is of neighbouring measurements.

    Attributes:
        method: its name.
        threads: CPU threads that it has by default.
        cores: of the machine.
        alone: by default, over what PyTorch does by itself.
        busy: beside busy processes, over alone; both by default.
        side: two runs side by side, the slower of the two, over alone; both by default.
        busy_before, side_before: the same, both as PyTorch does by itself.
    """

    method: str
    threads: int
    cores: int
    alone: Pairs
    busy: Pairs
    side: Pairs
    busy_before: Pairs
    side_before: Pairs


@dataclass(frozen=True)
class Steps:
    """What one process measured: the median step in seconds, and its number of threads."""

    median: float
    threads: int


def measure(name: str) -> Measured:
    """Measure a method under every condition, in turn."""
    conditions = ((1, 0), (1, BUSY), (2, 0))
    rounds = []
    for _ in range(REPEATS):
        found = [[beside(name, {}, *c), beside(name, TORCH_ALONE, *c)] for c in conditions]
        rounds.append([[max(runs, key=lambda run: run.median) for runs in both] for both in found])

    def ratio(one: tuple[int, int], other: tuple[int, int]) -> Pairs:
        return compared([[taken[i][j].median for i, j in (one, other)] for taken in rounds])

    return Measured(
        method=name,
        threads=rounds[0][0][0].threads,
        cores=CORES,
        alone=ratio((0, 0), (0, 1)),
        busy=ratio((1, 0), (0, 0)),
        side=ratio((2, 0), (0, 0)),
        busy_before=ratio((1, 1), (0, 1)),
        side_before=ratio((2, 1), (0, 1)),
    )


def beside(name: str, environment: dict[str, str], runs: int, busy: int) -> list[Steps]:
    """Time the steps of runs that train at the same time, with so many busy processes beside them."""
    plain = {key: value for key, value in os.environ.items() if key not in VARIABLES}
    command = [sys.executable, "-W", "ignore", __file__, "steps", name]
    with ExitStack() as ends:
        training = [
            ends.enter_context(
                subprocess.Popen(
                    command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**plain, **environment}
                )
            )
            for _ in range(runs)
        ]
        for process in training:
            said(process, "ready")
        for _ in range(busy):
            ends.callback(ends.enter_context(subprocess.Popen(SPIN)).kill)
        for process in training:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        return [Steps(**json.loads(said(process))) for process in training]


def said(process: subprocess.Popen[str], expected: str = "") -> str:
    """A line that a process prints."""
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line.startswith(expected or "{"):
        raise SystemExit(f"{' '.join(map(str, process.args))}: ended without its figures")
    return line


def steps(name: str) -> None:
    """Train for some seconds once told to, and print what a step takes: one of these processes.

    `avgzsl_bench` sets the number of spins, which is read as PyTorch is loaded.
    """
    assert "torch" not in sys.modules
    from every_method import prepared

    from avgzsl_bench.execution.threads import use_threads
    from avgzsl_bench.system.environment import environment

    stage = prepared(name)
    method = stage.made(1)
    use_threads(stage.plan.options, method)
    for _ in range(3):
        method.train_epoch(stage.task.train)
    print("ready", flush=True)
    sys.stdin.readline()
    taken: list[float] = []
    end = time.perf_counter() + SECONDS
    while time.perf_counter() < end or len(taken) < LEAST_STEPS:
        start = time.perf_counter()
        method.train_epoch(stage.task.train)
        taken.append(time.perf_counter() - start)
    found = Steps(statistics.median(taken), int(environment()["threads"] or 0))
    print(json.dumps(asdict(found)), flush=True)


def main(arguments: Sequence[str]) -> None:
    if arguments[:1] == ["steps"]:
        steps(arguments[1])
        return
    for name in arguments or METHODS:
        print(json.dumps(asdict(measure(name))), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
