"""Carrying out a job in this process, exactly as `avbench run` does."""

from __future__ import annotations

import time
import traceback
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING

from avgzsl_bench.errors import AvbenchError
from avgzsl_bench.execution.sweep.engine import EpochFinished, Event, Failed, Finished, Warned
from avgzsl_bench.plugins.hookspecs import hookimpl
from avgzsl_bench.plugins.manager import load_plugins

if TYPE_CHECKING:
    from avgzsl_bench.execution.sweep.job import Job
    from avgzsl_bench.records.epoch_result import EpochResult

_NAME = "sweep-progress"


def carry_out(
    job: Job, device: str, report: Callable[[Event], None], most_threads: int | None = None
) -> Finished | Failed:
    """Run a job, unless another process has finished it meanwhile; each epoch and warning is reported."""
    from avgzsl_bench.execution.execute import execute

    manager = load_plugins().manager
    start = time.perf_counter()
    with warnings.catch_warnings():
        warnings.showwarning = lambda message, *_, **__: report(Warned(job, " ".join(str(message).split())))
        manager.register(_Reporter(job, report), name=_NAME)
        try:
            plan = job.plan(device, most_threads)
            record = plan.finished() or execute(plan)
        except AvbenchError as error:
            return Failed(job, " ".join(str(error).split()))
        except Exception as error:  # a method's code may raise anything
            reason = " ".join(f"{type(error).__name__}: {error}".split())
            return Failed(job, reason, traceback.format_exc())
        finally:
            manager.unregister(name=_NAME)
    return Finished(job, time.perf_counter() - start, record.metrics.hm)


class _Reporter:
    """A plugin for the length of a job."""

    def __init__(self, job: Job, report: Callable[[Event], None]) -> None:
        self._job, self._report = job, report

    @hookimpl
    def avbench_epoch_finished(self, epoch: EpochResult) -> None:
        self._report(EpochFinished(self._job, epoch))
