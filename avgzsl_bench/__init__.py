"""avgzsl-bench: a benchmark toolkit for audio-visual generalized zero-shot learning.

The names below are the public interface; everything a plugin of any kind needs is here. They are resolved when
first used, so that importing the package costs nothing: type checkers read the imports, Python reads `_HOME`.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__: str

if not {"GOMP_SPINCOUNT", "OMP_WAIT_POLICY", "KMP_BLOCKTIME"} & os.environ.keys():
    # GNU OpenMP, which torch brings on Linux, reads it once, as torch is loaded. By default a waiting thread spins
    # for milliseconds, and on a busy machine it takes the core that the other thread needs. With fewer than this
    # number a step of MFT by itself takes longer, with more two of them side by side do (`benchmarks/busy.py`).
    os.environ["GOMP_SPINCOUNT"] = "3000"

if TYPE_CHECKING:
    from pydantic import Field as Field

    from avgzsl_bench.data.benchmark import Benchmark as Benchmark
    from avgzsl_bench.data.benchmark import load_benchmark as load_benchmark
    from avgzsl_bench.data.data_spec import DataSpec as DataSpec
    from avgzsl_bench.data.datasets.facts import PARTITIONS as PARTITIONS
    from avgzsl_bench.data.datasets.facts import Dataset as Dataset
    from avgzsl_bench.data.datasets.facts import partition_bit as partition_bit
    from avgzsl_bench.data.layouts.readers import DetectedFeatures as DetectedFeatures
    from avgzsl_bench.data.layouts.readers import FeatureReader as FeatureReader
    from avgzsl_bench.data.store.table import FeatureTable as FeatureTable
    from avgzsl_bench.data.store.table import Ragged as Ragged
    from avgzsl_bench.encoders.encoder import AudioInput as AudioInput
    from avgzsl_bench.encoders.encoder import Encoder as Encoder
    from avgzsl_bench.encoders.encoder import VisualInput as VisualInput
    from avgzsl_bench.errors import AvbenchError as AvbenchError
    from avgzsl_bench.errors import CheckpointError as CheckpointError
    from avgzsl_bench.errors import ConfigError as ConfigError
    from avgzsl_bench.errors import DataError as DataError
    from avgzsl_bench.errors import PluginError as PluginError
    from avgzsl_bench.errors import RecordError as RecordError
    from avgzsl_bench.errors import RunError as RunError
    from avgzsl_bench.errors import UnknownNameError as UnknownNameError
    from avgzsl_bench.execution.events import RunStatus as RunStatus
    from avgzsl_bench.execution.prediction.model import Model as Model
    from avgzsl_bench.execution.prediction.model import load as load
    from avgzsl_bench.execution.prediction.prediction import Prediction as Prediction
    from avgzsl_bench.execution.prediction.prediction import RankedClass as RankedClass
    from avgzsl_bench.execution.run import run as run
    from avgzsl_bench.gzsl.curve import SeenUnseenCurve as SeenUnseenCurve
    from avgzsl_bench.gzsl.decisions import Decisions as Decisions
    from avgzsl_bench.gzsl.decisions import decide as decide
    from avgzsl_bench.gzsl.metrics import EvaluatedMetrics as EvaluatedMetrics
    from avgzsl_bench.gzsl.metrics import Metrics as Metrics
    from avgzsl_bench.gzsl.metrics import evaluate as evaluate
    from avgzsl_bench.gzsl.metrics import seen_unseen_curve as seen_unseen_curve
    from avgzsl_bench.gzsl.sequences import Padded as Padded
    from avgzsl_bench.gzsl.sequences import Sequences as Sequences
    from avgzsl_bench.gzsl.task import Classes as Classes
    from avgzsl_bench.gzsl.task import FeatureDims as FeatureDims
    from avgzsl_bench.gzsl.task import Samples as Samples
    from avgzsl_bench.gzsl.task import Task as Task
    from avgzsl_bench.gzsl.task import Videos as Videos
    from avgzsl_bench.method.base import Method as Method
    from avgzsl_bench.method.base import MethodConfig as MethodConfig
    from avgzsl_bench.method.dropout import Dropout as Dropout
    from avgzsl_bench.method.precision import Precision as Precision
    from avgzsl_bench.method.registry import list_methods as list_methods
    from avgzsl_bench.method.sampling import ClassBalancedSampler as ClassBalancedSampler
    from avgzsl_bench.method.torch_method import Batch as Batch
    from avgzsl_bench.method.torch_method import TorchConfig as TorchConfig
    from avgzsl_bench.method.torch_method import TorchMethod as TorchMethod
    from avgzsl_bench.plugins.hookspecs import hookimpl as hookimpl
    from avgzsl_bench.plugins.method_files import method_specs as method_specs
    from avgzsl_bench.plugins.specs import AblationSpec as AblationSpec
    from avgzsl_bench.plugins.specs import DatasetSpec as DatasetSpec
    from avgzsl_bench.plugins.specs import EncoderSpec as EncoderSpec
    from avgzsl_bench.plugins.specs import MethodSpec as MethodSpec
    from avgzsl_bench.plugins.specs import Needs as Needs
    from avgzsl_bench.plugins.specs import ReaderSpec as ReaderSpec
    from avgzsl_bench.plugins.specs import ReportedSpec as ReportedSpec
    from avgzsl_bench.plugins.specs import TrackerSpec as TrackerSpec
    from avgzsl_bench.plugins.specs import WeightsSource as WeightsSource
    from avgzsl_bench.records.epoch_result import EpochResult as EpochResult
    from avgzsl_bench.records.load import load_record as load_record
    from avgzsl_bench.records.load import load_records as load_records
    from avgzsl_bench.records.record import Record as Record
    from avgzsl_bench.records.released_weights import load_official as load_official
    from avgzsl_bench.records.run_spec import RunSpec as RunSpec
    from avgzsl_bench.testing.encoder_checks import check_encoder as check_encoder
    from avgzsl_bench.testing.method_checks import check_method as check_method
    from avgzsl_bench.testing.reader_checks import check_reader as check_reader

else:
    _HOME = {
        "pydantic": "Field",  # what settings are declared with
        "avgzsl_bench.data.benchmark": "Benchmark load_benchmark",
        "avgzsl_bench.data.data_spec": "DataSpec",
        "avgzsl_bench.data.datasets.facts": "PARTITIONS Dataset partition_bit",
        "avgzsl_bench.data.layouts.readers": "DetectedFeatures FeatureReader",
        "avgzsl_bench.data.store.table": "FeatureTable Ragged",
        "avgzsl_bench.encoders.encoder": "AudioInput Encoder VisualInput",
        "avgzsl_bench.errors": "AvbenchError CheckpointError ConfigError DataError "
        "PluginError RecordError RunError UnknownNameError",
        "avgzsl_bench.execution.events": "RunStatus",
        "avgzsl_bench.execution.prediction.model": "Model load",
        "avgzsl_bench.execution.prediction.prediction": "Prediction RankedClass",
        "avgzsl_bench.execution.run": "run",
        "avgzsl_bench.gzsl.curve": "SeenUnseenCurve",
        "avgzsl_bench.gzsl.decisions": "Decisions decide",
        "avgzsl_bench.gzsl.metrics": "EvaluatedMetrics Metrics evaluate seen_unseen_curve",
        "avgzsl_bench.gzsl.sequences": "Padded Sequences",
        "avgzsl_bench.gzsl.task": "Classes FeatureDims Samples Task Videos",
        "avgzsl_bench.method.base": "Method MethodConfig",
        "avgzsl_bench.method.dropout": "Dropout",
        "avgzsl_bench.method.precision": "Precision",
        "avgzsl_bench.method.registry": "list_methods",
        "avgzsl_bench.method.sampling": "ClassBalancedSampler",
        "avgzsl_bench.method.torch_method": "Batch TorchConfig TorchMethod",
        "avgzsl_bench.plugins.hookspecs": "hookimpl",
        "avgzsl_bench.plugins.method_files": "method_specs",
        "avgzsl_bench.plugins.specs": "AblationSpec DatasetSpec EncoderSpec MethodSpec "
        "Needs ReaderSpec ReportedSpec TrackerSpec WeightsSource",
        "avgzsl_bench.records.released_weights": "load_official",
        "avgzsl_bench.records.epoch_result": "EpochResult",
        "avgzsl_bench.records.load": "load_record load_records",
        "avgzsl_bench.records.record": "Record",
        "avgzsl_bench.records.run_spec": "RunSpec",
        "avgzsl_bench.testing.encoder_checks": "check_encoder",
        "avgzsl_bench.testing.method_checks": "check_method",
        "avgzsl_bench.testing.reader_checks": "check_reader",
    }
    _MODULE_OF = {name: module for module, names in _HOME.items() for name in names.split()}

    __all__ = [*_MODULE_OF]

    def __getattr__(name: str) -> Any:
        if name == "__version__":
            return import_module("importlib.metadata").version("avgzsl-bench")
        if name not in _MODULE_OF:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(import_module(_MODULE_OF[name]), name)
        globals()[name] = value
        return value

    def __dir__() -> list[str]:
        return sorted(_MODULE_OF)
