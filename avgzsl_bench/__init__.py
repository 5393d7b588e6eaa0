"""avgzsl-bench: a benchmark toolkit for audio-visual generalized zero-shot learning.

The names below are the public interface; everything a plugin needs is here. They are resolved when first
used, so that importing the package costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydantic import Field

    from avgzsl_bench.data.benchmark import load_benchmark
    from avgzsl_bench.data.layouts.readers import DetectedFeatures, FeatureReader
    from avgzsl_bench.data.store.table import FeatureTable, Ragged
    from avgzsl_bench.errors import AvbenchError, CheckpointError, ConfigError
    from avgzsl_bench.execution.events import EpochReport, RunInfo
    from avgzsl_bench.execution.execute import run
    from avgzsl_bench.gzsl.metrics import (
        Decisions,
        Metrics,
        SeenUnseenCurve,
        decide,
        evaluate,
        seen_unseen_curve,
    )
    from avgzsl_bench.gzsl.sequences import Padded, Sequences
    from avgzsl_bench.gzsl.task import Benchmark, Classes, FeatureDims, Samples, Task, Videos
    from avgzsl_bench.method.base import Method, MethodConfig
    from avgzsl_bench.method.precision import Precision
    from avgzsl_bench.method.registry import list_methods
    from avgzsl_bench.method.sampling import ClassBalancedSampler
    from avgzsl_bench.method.torch_method import Batch, TorchConfig, TorchMethod
    from avgzsl_bench.plugins.hookspecs import hookimpl
    from avgzsl_bench.plugins.method_files import method_specs
    from avgzsl_bench.plugins.specs import AblationSpec, DatasetSpec, MethodSpec, Needs, ReaderSpec, ReportedSpec
    from avgzsl_bench.records.checkpoint import load_official
    from avgzsl_bench.records.record import Record

_HOME = {
    "records.checkpoint": ("load_official",),
    "data.benchmark": ("load_benchmark",),
    "data.layouts.readers": ("FeatureReader", "DetectedFeatures"),
    "data.store.table": ("FeatureTable", "Ragged"),
    "errors": ("AvbenchError", "CheckpointError", "ConfigError"),
    "execution.events": ("EpochReport", "RunInfo"),
    "plugins.hookspecs": ("hookimpl",),
    "plugins.method_files": ("method_specs",),
    "method.base": ("Method", "MethodConfig"),
    "plugins.specs": ("AblationSpec", "DatasetSpec", "MethodSpec", "Needs", "ReaderSpec", "ReportedSpec"),
    "gzsl.metrics": ("Decisions", "Metrics", "SeenUnseenCurve", "decide", "evaluate", "seen_unseen_curve"),
    "method.registry": ("list_methods",),
    "method.precision": ("Precision",),
    "records.record": ("Record",),
    "execution.execute": ("run",),
    "method.sampling": ("ClassBalancedSampler",),
    "gzsl.sequences": ("Padded", "Sequences"),
    "gzsl.task": ("Benchmark", "Classes", "Samples", "FeatureDims", "Task", "Videos"),
    "method.torch_method": ("Batch", "TorchConfig", "TorchMethod"),
}
_MODULE_OF = {name: f"avgzsl_bench.{module}" for module, names in _HOME.items() for name in names}
_MODULE_OF["Field"] = "pydantic"  # what settings are declared with

__all__ = [  # noqa: RUF022 (grouped as in _HOME)
    "AblationSpec",
    "load_official",
    "load_benchmark",
    "DatasetSpec",
    "FeatureReader",
    "DetectedFeatures",
    "ReaderSpec",
    "FeatureTable",
    "Ragged",
    "AvbenchError",
    "CheckpointError",
    "ConfigError",
    "EpochReport",
    "RunInfo",
    "hookimpl",
    "method_specs",
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
    "FeatureDims",
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
