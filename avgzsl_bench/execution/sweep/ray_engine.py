"""The Ray engine: each job is a task on a cluster that somebody else has started.

Ray's own retries are off, so that the sweep notices every lost worker. Each task has a process of its
own: nothing that a run leaves behind reaches the next.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass, replace

import ray
from ray import ObjectRefGenerator
from ray.exceptions import (
    LocalRayletDiedError,
    NodeDiedError,
    OutOfMemoryError,
    RayError,
    RayTaskError,
    WorkerCrashedError,
)

from avgzsl_bench.data.store.installed import ENVIRONMENT, data_root
from avgzsl_bench.errors import AvbenchError, one_line
from avgzsl_bench.execution.sweep.delivery import Delivery, keep_delivery
from avgzsl_bench.execution.sweep.engine import (
    KILLED,
    Attempt,
    EpochFinished,
    Event,
    Failed,
    Finished,
    Lost,
    Started,
    Warned,
)
from avgzsl_bench.execution.sweep.job import Job
from avgzsl_bench.execution.sweep.ray_cluster import Share, cluster_nodes
from avgzsl_bench.execution.sweep.ray_task import Begun, carry_out_as_task
from avgzsl_bench.system.signals import defer_signals

_PATIENCE = 5.0
"""Seconds that a task is given to end by itself."""

_QUIET = 30.0
"""Seconds without events after which jobs that wait for a node are reported."""

_LONGEST = 500
"""Characters of Ray's own words that are passed on."""

_HOW = {OutOfMemoryError: KILLED, WorkerCrashedError: KILLED, NodeDiedError: "its node was lost"}


@dataclass
class _Task:
    """A job that was given to Ray: its messages, and its node once it has begun."""

    attempt: Attempt
    device: str
    messages: ObjectRefGenerator
    node: str | None = None

    @property
    def worker(self) -> str:
        """The subject of a sentence on how it ended."""
        return "its worker" if self.node is None else f"its worker on node {self.node}"

    def next_event(self) -> Event:
        """Receive the next event of its job; a finished record is in its place by then.

        Raises:
            AvbenchError: this machine's own node is lost, and with it the way to every other.
        """
        job = self.attempt.job
        try:
            message = ray.get(next(self.messages))
        except StopIteration:
            return self.attempt.lost(f"{self.worker} ended without a word")
        except RayTaskError as error:  # a run's own errors are reported by the task
            what = one_line(str(error.cause).partition("\n")[0], _LONGEST)
            reason = f"its task broke: {what}; is avgzsl-bench installed on every node, as it is here?"
            return Failed(job, reason, str(error))
        except LocalRayletDiedError as error:
            raise AvbenchError(
                "this machine's node of the Ray cluster is lost; start it, and the same sweep again"
            ) from error
        except RayError as error:
            how = _HOW.get(type(error), type(error).__name__)
            return self.attempt.lost(f"{self.worker} died ({how})")
        if isinstance(message, Begun):
            name, _ = cluster_nodes().get(message.node, (message.node, {}))
            self.node = name
            return Started(job, f"node {name} on {self.device}")
        if isinstance(message, Delivery):
            try:
                return keep_delivery(job, message)
            except AvbenchError as error:
                return Failed(job, " ".join(str(error).split()))
        if isinstance(message, Failed):
            return Failed(job, f"{message.reason} (on node {self.node})", message.traceback)
        assert isinstance(message, EpochFinished | Warned), "a task sends nothing else"
        return replace(message, job=job)


class RayEngine:
    """Tasks of the Ray cluster that is connected, each carrying out one job."""

    def __init__(self, share: Share) -> None:
        self._share = share

    @property
    def workers(self) -> int:
        """How many jobs are given to Ray at once."""
        return self._share.workers

    def events(self, jobs: Sequence[Job]) -> Generator[Event, None, None]:
        """Carry out the jobs, see `Engine.events`. A job whose worker or node is lost is started once more."""
        waiting = deque(Attempt(job) for job in jobs)
        tasks: dict[ObjectRefGenerator, _Task] = {}
        try:
            while True:
                while waiting and len(tasks) < self.workers:
                    task = self._submit(waiting.popleft())
                    tasks[task.messages] = task
                if not tasks:
                    return
                ready, _ = ray.wait(list(tasks), timeout=_QUIET)
                if not ready and all(task.node is None for task in tasks.values()):
                    job = next(iter(tasks.values())).attempt.job
                    yield Warned(job, "no node of the Ray cluster has room for a run: waiting for one")
                for messages in ready:
                    task = tasks[messages]
                    event = task.next_event()
                    if isinstance(event, Lost | Finished | Failed):
                        del tasks[messages]
                    if isinstance(event, Lost):
                        waiting.appendleft(task.attempt)
                    yield event
        finally:
            with defer_signals():
                _end(tasks)

    def _submit(self, attempt: Attempt) -> _Task:
        task = ray.remote(
            name=f"avbench: {attempt.job}",
            num_cpus=self._share.cpus,
            num_gpus=self._share.gpus,
            max_retries=0,
            max_calls=1,
            num_returns="streaming",
            scheduling_strategy="SPREAD",
        )(carry_out_as_task)
        attempt.started += 1
        device = self._share.device
        return _Task(attempt, device, task.remote(_sent(attempt.job), device))


def _sent(job: Job) -> Job:
    """Prepare the job for a node: the data folder is the one that was named here, else the node's own."""
    given = job.options.data_root
    named = given is not None or os.environ.get(ENVIRONMENT)
    root = data_root(given).absolute() if named else None
    return replace(job, options=replace(job.options, data_root=root))


def _end(tasks: Iterable[ObjectRefGenerator]) -> None:
    """End every task and wait for it: first by request, then its process is killed."""
    left = {task.completed(): task for task in tasks}
    for force in (False, True):
        for task in left.values():
            ray.cancel(task, force=force)
        if left:
            _, rest = ray.wait(list(left), num_returns=len(left), timeout=_PATIENCE)
            left = {end: left[end] for end in rest}
