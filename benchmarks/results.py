"""Measure speed and write it down: `python benchmarks/results.py [PART ...]`.

Parts are methods, published, growth, start-up, seeds, busy, extraction and saving. Each part that is named, all of
them if none is, is measured anew and kept in `results.json`; `RESULTS.md` and its plot are made of what is kept.
`python benchmarks/results.py page` makes them without measuring.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from results_page import page
from results_plot import plot

HERE = Path(__file__).parent
KEPT = HERE / "results.json"
SCRIPTS = {
    "methods": "every_method.py",
    "published": "published_path.py",
    "growth": "growth.py",
    "start-up": "start_up.py",
    "seeds": "seeds.py",
    "busy": "busy.py",
    "extraction": "extraction.py",
    "saving": "saving.py",
}


def measured(part: str) -> dict[str, Any]:
    """One part's figures, with the machine and the load on it before and after."""
    before = os.getloadavg()[0]
    lines = subprocess.run(
        [sys.executable, "-W", "ignore", str(HERE / SCRIPTS[part])], stdout=subprocess.PIPE, text=True, check=True
    ).stdout.splitlines()
    return {
        "machine": machine(),
        "date": datetime.now(UTC).date().isoformat(),
        "load": [before, os.getloadavg()[0]],
        "figures": [json.loads(line) for line in lines],
    }


def machine() -> dict[str, object]:
    """What the figures depend on, without the machine's name."""
    import torch

    return {
        "processor": processor(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "memory": round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30),
        "system": platform.system(),
        "python": platform.python_version(),
        "torch": version("torch"),
        "numpy": version("numpy"),
    }


def processor() -> str:
    """The model of the processor, as the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.machine()


def main() -> None:
    parts = sys.argv[1:] or list(SCRIPTS)
    kept: dict[str, Any] = json.loads(KEPT.read_text()) if KEPT.exists() else {}
    for part in [] if parts == ["page"] else parts:
        kept[part] = measured(part)
        KEPT.write_text(json.dumps(kept, indent=1) + "\n")
    (HERE / "RESULTS.md").write_text(page(kept))
    if "growth" in kept:
        plot(kept["growth"]["figures"], HERE / "growth.svg")


if __name__ == "__main__":
    main()
