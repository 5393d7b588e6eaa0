"""A Ray cluster whose nodes have addresses of their own on the loopback device, each in processes of its own."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from process_control import descendants

LIMIT = 60
"""Seconds that a node is given to be there."""

needs_loopback_cluster = pytest.mark.skipif(
    not Path("/proc/self/stat").exists(), reason="only Linux has 127.0.0.2, and /proc"
)


@dataclass
class Cluster:
    """Nodes by name; the first is the head, and is the one that a program of this machine is connected with.

    Attributes:
        folder: of Ray's files, and of the temporary files of its workers; short, as it is part of socket names.
        address: of the head.
        nodes: the process that each node hangs on.
    """

    folder: Path
    address: str = ""
    nodes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def temporary(self) -> Path:
        return self.folder / "t"

    def add(self, name: str, cpus: int) -> None:
        """Start a node and wait for it."""
        join = ["--address", self.address] if self.nodes else ["--head", "--port", "0", "--include-dashboard", "0"]
        place = ["--node-name", name, "--node-ip-address", f"127.0.0.{2 + len(self.nodes)}"]
        size = ["--num-cpus", str(cpus), "--object-store-memory", "100000000"]
        ports = ["--min-worker-port", "0", "--max-worker-port", "0", "--dashboard-agent-listen-port", "0"]
        options = [*join, *place, *size, *ports, "--temp-dir", str(self.folder), "--disable-usage-stats"]
        log = self.folder / f"{name}.txt"
        with log.open("wb") as output:
            self.nodes[name] = subprocess.Popen(
                [sys.executable, "-m", "ray.scripts.scripts", "start", "--block", *options],
                env={**os.environ, "TMPDIR": str(self.temporary)},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        deadline = time.monotonic() + LIMIT
        while b"Ray runtime started" not in log.read_bytes():
            assert self.nodes[name].poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)
        self.address = self.address or (self.folder / "ray_current_cluster").read_text()

    def at_work(self, job: str = "") -> list[int]:
        """The processes that carry out a job, by what the engine calls it."""
        found = []
        for process in (below for node in self.nodes.values() for below in descendants(node.pid)):
            with suppress(OSError):
                if Path(f"/proc/{process}/cmdline").read_bytes().startswith(f"ray::avbench: {job}".encode()):
                    found.append(process)
        return found

    def kill(self, name: str) -> None:
        """End every process of a node without warning."""
        node = self.nodes.pop(name)
        for process in [node.pid, *descendants(node.pid)]:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        node.wait(LIMIT)


@contextmanager
def loopback_cluster() -> Iterator[Cluster]:
    """A cluster without nodes; whatever it has in the end is killed, and its files removed."""
    cluster = Cluster(Path(tempfile.mkdtemp(prefix="r")))
    cluster.temporary.mkdir()
    try:
        yield cluster
    finally:
        for name in reversed(list(cluster.nodes)):
            cluster.kill(name)
        shutil.rmtree(cluster.folder, ignore_errors=True)
