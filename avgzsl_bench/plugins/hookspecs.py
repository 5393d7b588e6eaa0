"""The whole plugin contract; docs/plugins.md has a plugin of each kind.

A plugin is a module (or object) named by an entry point of the group `avgzsl_bench`, with functions marked
`@hookimpl`. Everything built in comes through the same hooks.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from avgzsl_bench.execution.events import RunStatus
    from avgzsl_bench.plugins.specs import (
        AblationSpec,
        DatasetSpec,
        EncoderSpec,
        MethodSpec,
        ReaderSpec,
        ReportedSpec,
        TrackerSpec,
    )
    from avgzsl_bench.records.epoch_result import EpochResult
    from avgzsl_bench.records.record import Record

hookspec = pluggy.HookspecMarker("avgzsl_bench")
hookimpl = pluggy.HookimplMarker("avgzsl_bench")


@hookspec
def avbench_methods() -> Sequence[MethodSpec]:
    """Register methods. Called by every command: import nothing heavy, name the class by a string."""
    return ()


@hookspec
def avbench_datasets() -> Sequence[DatasetSpec]:
    """Register datasets: a name and a data file with the class lists and the standard numbers of videos."""
    return ()


@hookspec
def avbench_feature_readers() -> Sequence[ReaderSpec]:
    """Register readers, which recognise a layout on disk and read it as feature tables."""
    return ()


@hookspec
def avbench_reported() -> Sequence[ReportedSpec]:
    """Register figures that papers reported: data files with their citations."""
    return ()


@hookspec
def avbench_ablations() -> Sequence[AblationSpec]:
    """Register ablations of methods: data files with the variants to compare."""
    return ()


@hookspec
def avbench_encoders() -> Sequence[EncoderSpec]:
    """Register encoders of frames, sound or text. Import nothing heavy, name the class by a string."""
    return ()


@hookspec
def avbench_trackers() -> Sequence[TrackerSpec]:
    """Register trackers, which `--log` adds to runs. Import nothing heavy, name the class by a string."""
    return ()


@hookspec
def avbench_run_started(run: RunStatus) -> None:
    """Observe a run that is about to train its first epoch."""


@hookspec
def avbench_epoch_finished(run: RunStatus, epoch: EpochResult) -> None:
    """Observe an epoch: one of stage 1 was trained and validated, or one of stage 2 was trained."""


@hookspec
def avbench_run_finished(run: RunStatus, record: Record) -> None:
    """Observe the end of a run, whose record was written."""
