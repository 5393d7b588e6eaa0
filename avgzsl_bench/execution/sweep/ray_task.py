"""A run as a task of Ray: what happens on the node that it is sent to, and what is messages on the way.

Nothing heavy is imported before the number of threads is set.
"""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import ray

from avgzsl_bench.execution.sweep.delivery import Delivery, delivery_of
from avgzsl_bench.execution.sweep.engine import Event, Failed, Finished

if TYPE_CHECKING:
    from avgzsl_bench.execution.sweep.job import Job

THREADS = 1
"""CPU threads of a run for which no number was chosen, so that its record does not depend on the node."""

_PULSE = 0.5
"""Seconds after which a task looks up from waiting: only then can Ray cancel it."""


@dataclass(frozen=True)
class Begun:
    """The task has a worker; `node` is the node's id."""

    node: str


Message = Begun | Event | Delivery


def carry_out_as_task(job: Job, device: str) -> Iterator[Message]:
    """Carry out a job on this node, in a folder of its own that goes in the end.

    The run has a thread of its own, as its events come in calls and Ray wants them from an iterator.

    Args:
        job: the run. Its folder of results is not looked at.
        device: `cpu` or `cuda`, of which Ray shows the worker one.

    Yields:
        `Begun`, the events of the job, and `Delivery` or `Failed` in the end; neither if the run ended its thread.
    """
    yield Begun(ray.get_runtime_context().get_node_id())
    threads = job.options.threads or THREADS
    os.environ["OMP_NUM_THREADS"] = str(threads)
    messages: queue.SimpleQueue[Message | None] = queue.SimpleQueue()
    with TemporaryDirectory(prefix="avbench-", ignore_cleanup_errors=True) as folder:
        here = replace(job, options=replace(job.options, out=folder, threads=threads))
        threading.Thread(target=_carry_out, args=(here, device, messages.put), daemon=True).start()
        while True:
            try:
                message = messages.get(timeout=_PULSE)
            except queue.Empty:
                continue
            if message is None:
                return
            yield message


def _carry_out(job: Job, device: str, report: Callable[[Message | None], None]) -> None:
    """Report the events of a job, its outcome, and then None, whatever becomes of it."""
    try:
        from avgzsl_bench.execution.sweep.carry_out import carry_out

        outcome: Finished | Failed = carry_out(job, device, report)
        report(delivery_of(outcome, device) if isinstance(outcome, Finished) else outcome)
    finally:
        report(None)
