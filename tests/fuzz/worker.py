"""Reads damaged files, one a seed, in a process of its own: `worker.py READER FIRST LAST FOLDER`.

Says each seed before it is tried, so that whoever listens knows which one brought the process down or holds it
up, and then what is wrong with it, if anything is.
"""

from __future__ import annotations

import os
import resource
import sys
import time
import warnings
from pathlib import Path
from random import Random

from mutations import mutated
from readers import READERS, Reader

from avgzsl_bench.errors import AvbenchError

MALICIOUS = 0.08
"""Share of the files that are made to do harm; the others are valid files that were damaged."""

ROOM = 1 << 30
"""Bytes of address space beside what the process has when it begins."""

GROWTH = 300 << 10
"""How much resident memory a few kilobytes may take, in kilobytes: what is refused is not read first."""

SECONDS = 5.0
"""For one file. What hangs in a library is ended by whoever listens."""


def main(name: str, first: int, last: int, folder: Path) -> None:
    warnings.simplefilter("ignore")
    reader = READERS[name]
    samples = reader.samples(folder)
    path = folder / reader.name
    path.parent.mkdir(parents=True, exist_ok=True)
    for sample in samples:
        path.write_bytes(sample)
        reader.read(path)
    limit = _address_space() + ROOM
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    complaints = 0
    for seed in range(first, last):
        print("seed", seed, flush=True)
        complaint, fault = attempt(reader, samples, path, folder, Random(f"{name} {seed}"))
        complaints += complaint is not None
        if fault:
            print("fault", seed, fault, flush=True)
    print("done", complaints, flush=True)


def attempt(
    reader: Reader, samples: list[bytes], path: Path, folder: Path, random: Random
) -> tuple[str | None, str | None]:
    """Read one damaged file; give what the reader objected to, and what is wrong with the reader."""
    canary = folder / "canary"
    is_malicious = random.random() < MALICIOUS
    if is_malicious:
        content = reader.malicious(random, canary)
    else:
        content = mutated(random.choice(samples), samples, random, text=reader.text)
    path.write_bytes(content)
    before, start = _peak(), time.perf_counter()
    complaint = fault = None
    try:
        reader.read(path)
    except AvbenchError as error:
        complaint = str(error)
    except BaseException as error:
        fault = f"{type(error).__name__}: {error}"
    seconds, growth = time.perf_counter() - start, _peak() - before
    if complaint is not None and ("\n" in complaint or len(complaint) > 2000 or not complaint.isprintable()):
        fault = f"not one readable line: {complaint[:300]!r}"
    if is_malicious and reader.refuses and complaint is None and fault is None:
        fault = "a malicious file was read without complaint"
    if seconds > SECONDS:
        fault = f"took {seconds:.1f} seconds"
    if growth > GROWTH:
        fault = f"took {growth >> 10} MiB"
    if canary.exists():
        canary.unlink()
        fault = "what the file says was carried out"
    return complaint, fault


def _address_space() -> int:
    return int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]))
