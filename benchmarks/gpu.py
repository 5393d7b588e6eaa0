"""Measure every method on a GPU, and write a record with the device's name and a page made of it.

`python benchmarks/gpu.py` takes the first CUDA device and writes to `benchmarks/gpu/`. Both files are written anew
after each method: interrupted, it goes on where it was when it is started again with the same device and source.
A method that fails is kept with its reason, does not stop the rest, and is tried again the next time.
"""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

import click
import nvml
import torch
from gpu_method import Counts
from gpu_page import page
from results import machine, processor
from simulated_methods import simulated_methods

from avgzsl_bench import AvbenchError
from avgzsl_bench.errors import one_line
from avgzsl_bench.system.device import choose_device
from avgzsl_bench.system.environment import source_revision
from avgzsl_bench.system.files import content_of, require_writable, write_atomically

HERE = Path(__file__).parent
PATIENCE = 300.0
"""Seconds that a method is given."""
LONGEST_REASON = 300
PACKAGES = ("avgzsl_bench", "avgzsl_baselines", "avgzsl_mft")

Kept = dict[str, Any]


def described(device: torch.device) -> Kept:
    """What the figures depend on: the device, its driver, and the libraries."""
    if device.type != "cuda":
        return {"name": f"CPU, {processor()}", "kind": device.type}
    properties = torch.cuda.get_device_properties(device)
    return {
        "name": properties.name,
        "kind": "cuda",
        "memory": properties.total_memory,
        "capability": f"{properties.major}.{properties.minor}",
        "driver": nvml.driver_version(),
        "cuda": torch.version.cuda,
    }


def fresh(device: torch.device, counts: Counts) -> Kept:
    """A record without a method."""
    return {
        "device": described(device),
        "machine": machine(),
        "revision": source_revision(),
        "source": source_hash(),
        "date": datetime.now(UTC).date().isoformat(),
        "counts": asdict(counts),
        "methods": {},
    }


def source_hash() -> str:
    """Of every source file that the figures depend on, whatever is committed of them."""
    digest = hashlib.sha256()
    for folder in (HERE, *(Path(str(files(package))) for package in PACKAGES)):
        for path in sorted(folder.rglob("*.py")):
            digest.update(f"{path.relative_to(folder)}\n".encode() + path.read_bytes())
    return digest.hexdigest()


def begun(path: Path, new: Kept) -> Kept:
    """The record to go on with: the one that is there, if it is of the same device, libraries and source.

    Raises:
        AvbenchError: what lies there is no record of ours.
    """
    content = content_of(path)
    if content is None:
        return new
    try:
        there = json.loads(content)
        methods = {name: dict(found) for name, found in there["methods"].items()}
        page({**new, "methods": methods})  # all that is read of it is there
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise AvbenchError(f"{path}: no record of this benchmark; move it away or choose another --out") from error
    alike = all(there.get(part) == new[part] for part in ("device", "machine", "source", "counts"))
    return {**new, "methods": {n: f for n, f in methods.items() if "failed" not in f}} if alike else new


def measured_apart(name: str, device: torch.device, counts: Counts) -> Kept:
    """A method's figures from a process of its own, or why there are none."""
    command = [sys.executable, "-W", "ignore", str(HERE / "gpu_method.py"), name, str(device)]
    try:
        done = subprocess.run(
            [*command, json.dumps(asdict(counts))], capture_output=True, text=True, check=False, timeout=PATIENCE
        )
    except subprocess.TimeoutExpired:
        return {"failed": f"not done after {PATIENCE:.0f} s"}
    if done.returncode:
        said = done.stderr.strip().splitlines() or [f"its process ended with exit code {done.returncode}"]
        return {"failed": one_line(said[-1], LONGEST_REASON)}
    return dict(json.loads(done.stdout.splitlines()[-1]))


def measure_all(names: Sequence[str], device: torch.device, folder: Path, counts: Counts) -> Path:
    """Measure the methods that a record lacks, and write it and its page after each.

    Returns:
        The record.

    Raises:
        AvbenchError: the folder cannot be written to, or holds something else under the record's name.
    """
    require_writable(folder)
    new = fresh(device, counts)
    path = folder / f"{re.sub(r'[^a-z0-9]+', '-', new['device']['name'].lower()).strip('-')}.json"
    record = begun(path, new)
    for name in names:
        if name in record["methods"]:
            click.echo(f"{name}: measured before", err=True)
            continue
        found = measured_apart(name, device, counts)
        click.echo(f"{name}: {found.get('failed', 'measured')}", err=True)
        record["methods"][name] = found
        write_atomically(path, (json.dumps(record, indent=1) + "\n").encode())
        write_atomically(path.with_suffix(".md"), page(record).encode())
    return path


@click.command(help=__doc__)
@click.option("--device", default="cuda:0", show_default=True, help="cuda:N; cpu tries the program out.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the record and its page. [default: benchmarks/gpu; none for the CPU]",
)
def main(device: str, out: Path | None) -> None:
    """Measure every registered method."""
    try:
        if device.startswith("cuda") and not torch.cuda.is_available():
            raise AvbenchError("no GPU: PyTorch finds no CUDA device here; --device cpu tries the program out")
        chosen = choose_device(device)
        if chosen.type not in ("cuda", "cpu"):
            raise AvbenchError(f"--device {device}: give cuda:N, or cpu to try the program out")
        if chosen.type == "cpu" and out is None:
            raise AvbenchError("--device cpu: figures of a CPU go nowhere by themselves; name a folder with --out")
        click.echo(measure_all(simulated_methods(), chosen, out or HERE / "gpu", Counts()))
    except AvbenchError as error:
        click.echo(str(error), err=True)
        sys.exit(2)


if __name__ == "__main__":
    main()
