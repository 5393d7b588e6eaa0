"""Many seeds of one reader: a process that is brought down or hangs costs one seed, and the next goes on."""

from __future__ import annotations

import os
import queue
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

WORKER = Path(__file__).with_name("worker.py")

PATIENCE = 60.0
"""Seconds without a word after which a process hangs; it starts up in this time, too."""


@dataclass
class Outcome:
    """Results of some seeds: files tried, refused with one clear line, and the faults by seed."""

    tried: int = 0
    complaints: int = 0
    faults: dict[int, str] = field(default_factory=dict)


def campaign(reader: str, first: int, count: int, folder: Path) -> Outcome:
    """Try the seeds `first` to `first + count - 1` of a reader."""
    outcome = Outcome()
    last = first + count
    while first < last:
        first = _one_process(reader, first, last, folder, outcome) + 1
    return outcome


def _one_process(reader: str, first: int, last: int, folder: Path, outcome: Outcome) -> int:
    """Try seeds until the process ends, and give the last one tried."""
    with (folder / "errors").open("w+") as errors:
        command = [sys.executable, str(WORKER), reader, str(first), str(last), str(folder)]
        search = os.pathsep.join([str(WORKER.parents[1] / "support"), os.environ.get("PYTHONPATH", "")])
        environment = {**os.environ, "PYTHONPATH": search}
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True, env=environment)
        assert process.stdout is not None
        lines: queue.Queue[str | None] = queue.Queue()
        threading.Thread(target=_listen, args=(process.stdout, lines), daemon=True).start()
        seed: int | None = None
        try:
            while (line := lines.get(timeout=PATIENCE)) is not None:
                word, number, *rest = line.rstrip("\n").split(" ", 2)
                if word == "seed":
                    seed = int(number)
                    outcome.tried += 1
                elif word == "fault":
                    outcome.faults[int(number)] = rest[0]
                elif word == "done":
                    outcome.complaints += int(number)
            code = process.wait()
            fault = f"ended the process with {code}" if code else None
        except queue.Empty:
            process.kill()
            process.wait()
            fault = "hangs"
        if seed is None:
            errors.seek(0)
            raise RuntimeError(f"reader {reader!r} could not be tried: {errors.read()[-3000:]}")
        if fault:
            outcome.faults[seed] = fault
    return seed


def _listen(stream: IO[str], lines: queue.Queue[str | None]) -> None:
    for line in stream:
        lines.put(line)
    lines.put(None)
