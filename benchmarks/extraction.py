"""Extraction of features from videos: against a plain loop, with several workers, and with no work left.

`python benchmarks/extraction.py [MEASUREMENT ...]` prints one line of JSON a measurement, each made in a process
of its own. Worker processes are spawned, and read this file first, as they read the command's: so it imports
little.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict
from importlib import import_module

MEASUREMENTS = {
    "full-ucf": "extraction_ways:one_core full_clip,full_clap UCF101 6",
    "full-vggsound": "extraction_ways:one_core full_clip,full_clap VGGSound 5",
    "toy-ucf": "extraction_ways:one_core colour,level UCF101 54",
    "toy-vggsound": "extraction_ways:one_core colour,level VGGSound 10",
    "workers": "extraction_ways:several_workers colour,level VGGSound 12",
    "second-run": "extraction_again:second_run 10000",
    "dry-run": "extraction_again:dry_run 100000",
}
"""The function of each, and what it is called with: encoders, kind of clips, number of clips or files."""


def measure(name: str) -> dict[str, object]:
    """Make a measurement in this process."""
    target, *texts, number = MEASUREMENTS[name].split()
    module, _, function = target.partition(":")
    found = getattr(import_module(module), function)(*texts, int(number))
    return {"what": function, **asdict(found)}


def main(names: Sequence[str]) -> None:
    if names[:1] == ["one"]:
        print(json.dumps(measure(names[1])))
        return
    for name in names or MEASUREMENTS:
        command = [sys.executable, "-W", "ignore", __file__, "one", name]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        print(done.stdout.splitlines()[-1], flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
