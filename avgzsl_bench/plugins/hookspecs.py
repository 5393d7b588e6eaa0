"""The whole plugin contract.

A plugin is a module (or object) named by an entry point of the group `avgzsl_bench`, with functions marked
`@hookimpl`. Everything built in comes through the same hooks.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from avgzsl_bench.execution.events import RunStatus
    from avgzsl_bench.plugins.specs import AblationSpec, DatasetSpec, MethodSpec, ReaderSpec, ReportedSpec
    from avgzsl_bench.records.epoch_result import EpochResult
    from avgzsl_bench.records.record import Record

hookspec = pluggy.HookspecMarker("avgzsl_bench")
hookimpl = pluggy.HookimplMarker("avgzsl_bench")


@hookspec
def avbench_methods() -> Sequence[MethodSpec]:
    """Methods that this plugin brings. Called often: import nothing heavy, name the class by a string."""
    return ()


@hookspec
def avbench_datasets() -> Sequence[DatasetSpec]:
    """Datasets: a name and a data file with the class lists and the standard video counts."""
    return ()


@hookspec
def avbench_feature_readers() -> Sequence[ReaderSpec]:
    """Readers that recognise a layout on disk and turn it into feature tables."""
    return ()


@hookspec
def avbench_reported() -> Sequence[ReportedSpec]:
    """Figures that papers reported: data files with their citation."""
    return ()


@hookspec
def avbench_ablations() -> Sequence[AblationSpec]:
    """Ablations of methods: data files with the variants to compare."""
    return ()


@hookspec
def avbench_run_started(run: RunStatus) -> None:
    """A run is about to train its first epoch."""


@hookspec
def avbench_epoch_finished(run: RunStatus, epoch: EpochResult) -> None:
    """An epoch of stage 1 was trained and validated, or one of stage 2 was trained."""


@hookspec
def avbench_run_finished(run: RunStatus, record: Record) -> None:
    """A run ended and its record was written."""
