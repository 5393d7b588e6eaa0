"""The environment of a run, for its record: versions and source revision."""

from __future__ import annotations

import platform
from importlib.metadata import version
from pathlib import Path

import torch

from avgzsl_bench.system.checkout import checkout_of

PACKAGES = ("avgzsl-bench", "torch", "numpy", "h5py", "pluggy", "pydantic")


def environment() -> dict[str, str | None]:
    """Give Python, platform, package versions, CPU threads, and the git revision if the source is a checkout.

    Sums on the CPU are split among the threads: with another number of threads, results can differ in their last
    digits, and after training in their first.
    """
    return {
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        **{package: version(package) for package in PACKAGES},
        "threads": str(torch.get_num_threads()),
        "revision": source_revision(),
    }


def source_revision() -> str | None:
    """Give the git commit of this package's checkout, with `+changes` if files differ; None outside of one."""
    checkout = checkout_of(Path(__file__).resolve())
    return checkout and checkout.commit + ("+changes" if checkout.dirty else "")
