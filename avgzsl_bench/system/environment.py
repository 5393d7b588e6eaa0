"""The environment of a run, for its record: versions, processor and source revision."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

import torch

from avgzsl_bench.system.checkout import checkout_of

PACKAGES = ("avgzsl-bench", "torch", "numpy", "h5py", "pluggy", "pydantic")

_PROCESSORS = Path("/proc/cpuinfo")


def environment() -> dict[str, str | None]:
    """Give Python, platform, package versions, processor, CPU threads, and the git revision of a checkout.

    Sums on the CPU are split among its threads and the lanes of its vectors: with another number of threads or on
    another processor, results can differ in their last digits, and after training in their first.
    """
    return {
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        **{package: version(package) for package in PACKAGES},
        "cpu": cpu_model(),
        "vectors": torch.backends.cpu.get_cpu_capability(),
        "threads": str(torch.get_num_threads()),
        "revision": source_revision(),
    }


def waiting() -> dict[str, str]:
    """Give the environment variables by which threads wait for each other; the package sets one if none is set."""
    names = ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY", "KMP_BLOCKTIME")
    return {name: os.environ[name] for name in names if name in os.environ}


def cpu_model() -> str | None:
    """Give the model of the processor as its maker calls it; None where the system does not say."""
    try:
        lines = _PROCESSORS.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return _output("sysctl", "-n", "machdep.cpu.brand_string") or platform.processor() or None
    found = dict(part.split(":", 1) for part in reversed(lines) if ":" in part)
    named = {key.strip(): " ".join(value.split()) for key, value in found.items()}
    arm = [named[key] for key in ("CPU implementer", "CPU part") if key in named]
    return named.get("model name") or named.get("Model") or " ".join(arm) or None


def source_revision() -> str | None:
    """Give the git commit of this package's checkout, with `+changes` if files differ; None outside of one."""
    checkout = checkout_of(Path(__file__).resolve())
    return checkout and checkout.commit + ("+changes" if checkout.dirty else "")


def _output(*command: str) -> str | None:
    """Give what a command prints; None if it is not there, fails, or takes long."""
    try:
        found = subprocess.run(command, capture_output=True, text=True, check=True, timeout=10)
    except (OSError, subprocess.SubprocessError):
        return None
    return found.stdout.strip()
