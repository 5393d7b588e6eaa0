"""The Ray cluster that a sweep runs on: reaching it, and what of it each run gets."""

from __future__ import annotations

import logging
import os
import signal
import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from avgzsl_bench.errors import AvbenchError, ConfigError, one_line

ADDRESS = "RAY_ADDRESS"
"""Environment variable that names the cluster, by Ray's own convention."""

_ANY = "auto"
_PATIENCE = 5.0
"""Seconds that the head of a cluster is given to answer."""

_FINEST = 10_000
"""Ray counts a GPU in parts of so many."""


@dataclass(frozen=True)
class Share:
    """What each run gets of a cluster.

    Attributes:
        device: `cpu`, or `cuda` for the GPU that Ray gives the run.
        gpus: share of a GPU; 0 on the CPU.
        workers: runs at once, at most.
        cpus: number of CPUs.
    """

    device: str
    gpus: float
    workers: int
    cpus: int = 1


def require_shareable(device: str) -> None:
    """Refuse a device that a cluster cannot offer.

    Raises:
        ConfigError: it is neither `auto`, `cpu` nor `cuda`.
    """
    if device not in ("auto", "cpu", "cuda"):
        raise ConfigError(f"device {device!r}: Ray itself chooses among GPUs; use auto, cpu or cuda")


def connect() -> None:
    """Connect this process, until it ends, with the cluster of `RAY_ADDRESS`, else with the one on this machine.

    Raises:
        AvbenchError: Ray is not installed, or there is no such cluster.
    """
    address = os.environ.get(ADDRESS, "").strip() or _ANY
    # Ray would print of lost workers what the sweep reports itself.
    os.environ.setdefault("RAY_DEDUP_LOGS_SKIP_REGEX", ".*")
    try:
        import ray
    except ImportError as error:
        raise AvbenchError("--engine ray needs Ray: pip install 'ray>=2.50,<3'") from error
    if ray.is_initialized():
        return
    if address != _ANY:
        _require_answer(address)
    before = signal.getsignal(signal.SIGTERM)
    try:
        ray.init(address=address, log_to_driver=False, logging_level=logging.CRITICAL)
    except (OSError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
        none_here = address == _ANY and isinstance(error, ConnectionError)
        raise _unreachable(address, "none is running" if none_here else one_line(str(error), 300)) from error
    finally:
        signal.signal(signal.SIGTERM, before)


def _require_answer(address: str) -> None:
    """Ray itself would try for minutes."""
    host, _, port = address.rpartition(":")
    if not (host and port.isdecimal()) or "/" in host:
        raise ConfigError(
            f"{ADDRESS} is {address!r}: give HOST:PORT of a cluster's head, on a node of the cluster"
        )
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=_PATIENCE).close()
    except (OSError, OverflowError, UnicodeError) as error:
        raise _unreachable(address, one_line(str(error), 300)) from error


def _unreachable(address: str, reason: str) -> AvbenchError:
    where = "on this machine" if address == _ANY else f"at {ADDRESS}={address}"
    return AvbenchError(
        f"no Ray cluster can be reached {where}: {reason.rstrip('.')}; start one with 'ray start --head' and run "
        f"the sweep on one of its nodes, or name another with {ADDRESS}=HOST:PORT"
    )


def cluster_nodes() -> dict[str, tuple[str, Mapping[str, float]]]:
    """List the name and the resources of each living node of the connected cluster, by id."""
    import ray

    return {
        node["NodeID"]: (node.get("NodeName") or node["NodeManagerAddress"], node["Resources"])
        for node in ray.nodes()
        if node["Alive"]
    }


def share_out(
    nodes: Iterable[Mapping[str, float]], device: str, workers: int | None, threads: int | None = None
) -> Share:
    """Divide a cluster among runs. Each gets a CPU a thread and, where GPUs are used, a share of one of them.

    Args:
        nodes: resources of each node; `CPU` and `GPU` are numbers of them.
        device: `auto` uses the GPUs if there are any.
        workers: runs at once, at most; GPUs are shared as evenly as it takes. None: one a GPU, else one a CPU,
            as many as there is room for. A number may be more than that: the rest wait for nodes to join.
        threads: of a run; None: 1.

    Raises:
        ConfigError: there is no GPU where one is requested, or no room for a single run.
    """
    cpus = threads or 1
    free = [(int(node.get("CPU", 0)) // cpus, int(node.get("GPU", 0))) for node in nodes]
    gpus = sum(count for _, count in free)
    if device == "cuda" and not gpus:
        raise ConfigError("device 'cuda': the Ray cluster has no GPU; use auto or cpu")
    if device == "cpu" or not gpus:
        room = sum(runs for runs, _ in free)
        share = Share("cpu", 0.0, workers or room, cpus)
    else:
        a_gpu = 1 if workers is None else -(-workers // gpus)
        room = sum(min(runs, count * a_gpu) for runs, count in free)
        share = Share("cuda", _FINEST // a_gpu / _FINEST, workers or room, cpus)
    if not room:
        takes = "one CPU" if cpus == 1 else f"{cpus} CPUs"
        raise ConfigError(f"no node of the Ray cluster has room for a run, which takes {takes}: see 'ray status'")
    return share
