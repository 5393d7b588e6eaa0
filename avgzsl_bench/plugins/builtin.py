"""What the harness itself brings, through the same hooks as any plugin."""

from __future__ import annotations

from avgzsl_bench.plugins.builtin_encoders import ENCODERS
from avgzsl_bench.plugins.hookspecs import hookimpl
from avgzsl_bench.plugins.specs import DatasetSpec, EncoderSpec, ReaderSpec, ReportedSpec, TrackerSpec


@hookimpl
def avbench_datasets() -> list[DatasetSpec]:
    """Register the three datasets of the field."""
    names = ("activitynet", "ucf", "vggsound")
    return [DatasetSpec(name, f"avgzsl_bench:data/datasets/class_lists/{name}.json") for name in names]


@hookimpl
def avbench_feature_readers() -> list[ReaderSpec]:
    """Register readers of the three published layouts."""
    return [
        ReaderSpec("avca", "avgzsl_bench.data.layouts.avca:READER"),
        ReaderSpec("clipclap", "avgzsl_bench.data.layouts.pickled:CLIPCLAP"),
        ReaderSpec("tcaf", "avgzsl_bench.data.layouts.pickled:TCAF"),
    ]


@hookimpl
def avbench_reported() -> list[ReportedSpec]:
    """Register the tables of the MFT paper, and what other papers and projects report."""
    names = ("literature", "mft_jeit2025")
    return [ReportedSpec(name, f"avgzsl_bench:report/reported/{name}.json") for name in names]


@hookimpl
def avbench_encoders() -> list[EncoderSpec]:
    """Register CLIP and the two CLAP models."""
    return list(ENCODERS)


@hookimpl
def avbench_trackers() -> list[TrackerSpec]:
    """Register TensorBoard."""
    return [
        TrackerSpec(
            "tensorboard",
            "avgzsl_bench.execution.trackers.tensorboard:TensorBoard",
            "Event files of TensorBoard: losses, learning rate and figures as fractions, settings",
            where="DIR",
            folder=True,
            needs=("tensorboard",),
            install="pip install 'avgzsl-bench[tensorboard]'",
        )
    ]
