"""Stage 1 of a method on simulated features with and without a preset."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from avgzsl_bench import Method, MethodSpec, Task, load_benchmark
from avgzsl_bench.execution.selection import Selection
from avgzsl_bench.execution.stages import run_stage1
from avgzsl_bench.gzsl.calibration import parse_calibration
from avgzsl_bench.method.registry import method_class
from avgzsl_bench.method.settings import build_config


def stage_one(spec: MethodSpec, data_root: Path, preset: str | None, **settings: Any) -> Selection:
    cls = method_class(spec)
    config = build_config(spec, cls.Config, "ucf", "simulated", settings, preset)
    benchmark = load_benchmark(
        "ucf", "simulated", data_root=data_root, text_order=config.text_order, needs=spec.needs
    )

    def factory(task: Task) -> Method:
        return cls(config, benchmark.shape, task.classes, seed=0, device=torch.device("cpu"))

    return run_stage1(
        factory,
        benchmark.selection,
        epochs=config.epochs,
        calibration=parse_calibration(config.calibration),
        seed=0,
        report=lambda _: None,
    )


def official_settings(spec: MethodSpec, dataset: str, features: str) -> dict[str, Any]:
    """What preset `official` changes for a dataset and a feature set."""
    config = method_class(spec).Config
    default = build_config(spec, config, dataset, features, {}).model_dump()
    official = build_config(spec, config, dataset, features, {}, "official").model_dump()
    return {key: value for key, value in official.items() if value != default[key]}
