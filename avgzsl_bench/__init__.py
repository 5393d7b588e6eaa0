"""avgzsl-bench: a benchmark toolkit for audio-visual generalized zero-shot learning.

The names below are the public interface; everything a plugin needs is here. They are resolved when first
used, so that importing the package costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydantic import Field

    from avgzsl_bench.ablation_spec import AblationSpec
    from avgzsl_bench.checkpoint import load_official
    from avgzsl_bench.data.benchmark import load_benchmark
    from avgzsl_bench.data.dataset_spec import DatasetSpec
    from avgzsl_bench.data.readers import FeatureReader, Found, ReaderSpec
    from avgzsl_bench.data.table import FeatureTable, Ragged
    from avgzsl_bench.errors import AvbenchError, CheckpointError, ConfigError
    from avgzsl_bench.events import EpochReport, RunInfo
    from avgzsl_bench.hookspecs import hookimpl
    from avgzsl_bench.method import Method, MethodConfig
    from avgzsl_bench.method_spec import MethodSpec, Needs
    from avgzsl_bench.metrics import (
        Decisions,
        Metrics,
        SeenUnseenCurve,
        decide,
        evaluate,
        seen_unseen_curve,
    )
    from avgzsl_bench.plugins import list_methods
    from avgzsl_bench.precision import Precision
    from avgzsl_bench.record import Record
    from avgzsl_bench.reported import ReportedSpec
    from avgzsl_bench.runner import run
    from avgzsl_bench.sampling import ClassBalancedSampler
    from avgzsl_bench.sequences import Padded, Sequences
    from avgzsl_bench.task import Benchmark, Classes, Samples, Shape, Task, Videos
    from avgzsl_bench.torch_method import Batch, TorchConfig, TorchMethod

_HOME = {
    "ablation_spec": ("AblationSpec",),
    "checkpoint": ("load_official",),
    "data.benchmark": ("load_benchmark",),
    "data.dataset_spec": ("DatasetSpec",),
    "data.readers": ("FeatureReader", "Found", "ReaderSpec"),
    "data.table": ("FeatureTable", "Ragged"),
    "errors": ("AvbenchError", "CheckpointError", "ConfigError"),
    "events": ("EpochReport", "RunInfo"),
    "hookspecs": ("hookimpl",),
    "method": ("Method", "MethodConfig"),
    "method_spec": ("MethodSpec", "Needs"),
    "metrics": ("Decisions", "Metrics", "SeenUnseenCurve", "decide", "evaluate", "seen_unseen_curve"),
    "plugins": ("list_methods",),
    "precision": ("Precision",),
    "record": ("Record",),
    "reported": ("ReportedSpec",),
    "runner": ("run",),
    "sampling": ("ClassBalancedSampler",),
    "sequences": ("Padded", "Sequences"),
    "task": ("Benchmark", "Classes", "Samples", "Shape", "Task", "Videos"),
    "torch_method": ("Batch", "TorchConfig", "TorchMethod"),
}
_MODULE_OF = {name: f"avgzsl_bench.{module}" for module, names in _HOME.items() for name in names}
_MODULE_OF["Field"] = "pydantic"  # what settings are declared with

__all__ = [  # noqa: RUF022 (grouped as in _HOME)
    "AblationSpec",
    "load_official",
    "load_benchmark",
    "DatasetSpec",
    "FeatureReader",
    "Found",
    "ReaderSpec",
    "FeatureTable",
    "Ragged",
    "AvbenchError",
    "CheckpointError",
    "ConfigError",
    "EpochReport",
    "RunInfo",
    "hookimpl",
    "Method",
    "MethodConfig",
    "MethodSpec",
    "Needs",
    "Decisions",
    "Metrics",
    "SeenUnseenCurve",
    "decide",
    "evaluate",
    "seen_unseen_curve",
    "list_methods",
    "Precision",
    "Record",
    "ReportedSpec",
    "run",
    "ClassBalancedSampler",
    "Padded",
    "Sequences",
    "Benchmark",
    "Classes",
    "Samples",
    "Shape",
    "Task",
    "Videos",
    "Batch",
    "TorchConfig",
    "TorchMethod",
    "Field",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_MODULE_OF[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
