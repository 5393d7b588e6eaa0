"""A method on one device: steps a second in each precision, evaluation, seeds, memory, utilisation.

`python benchmarks/gpu_method.py METHOD DEVICE COUNTS` prints one line of JSON. It is started by `gpu.py`, in a
process a method, so that memory is the method's own and a device in an error state is nobody else's.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import nvml
import torch
from every_method import Prepared, batches_for, prepared
from floors import Work, work_of
from pairs import Way, pairs, seconds

from avgzsl_bench.execution.scoring import validate
from avgzsl_bench.execution.seeds.learner import Learner, trains_together
from avgzsl_bench.execution.seeds.stack import stacked
from avgzsl_bench.gzsl.calibration import parse_calibration
from avgzsl_bench.method.precision import Precision, precision_context
from avgzsl_bench.system.device import make_deterministic, peak_memory, reset_peak_memory


@dataclass(frozen=True)
class Counts:
    """How much is measured.

    Attributes:
        batches: in each measurement of training; None: as many as take a while.
        repeats: pairs of measurements, after a first that does not count.
        busy: seconds of steps that utilisation is read in.
        seeds: trained one after another, and together where the method can.
    """

    batches: int | None = None
    repeats: int = 7
    busy: float = 2.0
    seeds: int = 4


def synchronised(way: Way, device: torch.device) -> Way:
    """A way that ends when the device has done its work."""
    if device.type != "cuda":
        return way

    def whole() -> None:
        way()
        torch.cuda.synchronize(device)

    return whole


def computed(way: Way, precision: Precision, device: torch.device) -> Way:
    """A way in a precision, until the device has done its work."""
    whole = synchronised(way, device)

    def within() -> None:
        with precision_context(precision, device):
            whole()

    return within


def measure(name: str, device: torch.device, counts: Counts) -> dict[str, Any]:
    """Measure a method; times in seconds, memory in bytes."""
    make_deterministic(device)
    stage = prepared(name, str(device))
    calibration = parse_calibration(stage.plan.config.calibration)
    with precision_context("full", device):
        method = stage.made(4 if stage.counted else None)
        reset_peak_memory(device)
        before = peak_memory(device)
        method.train_epoch(stage.task.train)
        validate(method, stage.task, calibration)
        peak = peak_memory(device)
        batches = batches_of(stage, device, counts)
        method = stage.made(batches)
        work = work_of(method, stage.task)
        method.train_epoch(stage.task.train)
        evaluation = pairs(
            synchronised(lambda: validate(method, stage.task, calibration), device),
            synchronised(work.embed, device),
            repeats=counts.repeats,
        )
    settings = stage.plan.spec.method.config
    precisions = [p for p in stage.plan.method.precisions if work.train is not None and there(p, device)]
    return {
        "batch_size": settings.get("batch_size", settings.get("generator_batch_size")),
        "steps": work.steps,
        "meaning": work.meaning,
        "training": {p: training(work, p, device, counts) for p in precisions},
        "evaluation": asdict(evaluation),
        "videos": len(stage.task.videos),
        "classes": len(stage.task.classes),
        "memory_before": before,
        "memory_peak": peak,
        "seeds": {"of_batches": batches, "a_second": seeds_a_second(stage, batches, counts)},
    }


def batches_of(stage: Prepared, device: torch.device, counts: Counts) -> int | None:
    """Batches in each measurement of training; None where the settings do not say how many there are."""
    if not stage.counted or counts.batches is not None:
        return counts.batches if stage.counted else None
    work = work_of(stage.made(5), stage.task)
    whole = replace(work, floor=synchronised(work.floor, device))
    whole.floor()
    return batches_for(whole)


def there(precision: Precision, device: torch.device) -> bool:
    """Whether a device has a precision: the CPU has no TF32."""
    return precision != "tf32" or device.type == "cuda"


def training(work: Work, precision: Precision, device: torch.device, counts: Counts) -> dict[str, Any]:
    """Epochs over their floor in a precision, and how busy the device is in epochs."""
    assert work.train is not None
    train, floor = (computed(way, precision, device) for way in (work.train, work.floor))
    found = pairs(train, floor, repeats=counts.repeats)
    try:
        busy, reason = nvml.busy_during(train, nvml.reader(device), counts.busy), None
    except nvml.NotToBeHad as error:
        busy, reason = None, str(error)
    return {
        "over_floor": asdict(found),
        "steps_a_second": work.steps / found.one,
        "utilisation": busy,
        "no_utilisation": reason,
    }


def seeds_a_second(stage: Prepared, batches: int | None, counts: Counts) -> dict[str, float]:
    """Seeds a second by each way of training several; a seed is an epoch of so many batches and an evaluation."""
    ways = ways_of_seeds(stage, batches, counts.seeds)
    with precision_context("full", stage.plan.device):
        return {name: counts.seeds / median_of(way, counts.repeats) for name, way in ways.items()}


def ways_of_seeds(stage: Prepared, batches: int | None, seeds: int) -> Mapping[str, Way]:
    """The ways of training several seeds, by name; each ends when the device has done its work."""
    calibration = parse_calibration(stage.plan.config.calibration)

    def one_after_another() -> None:
        for seed in range(seeds):
            method = stage.made(batches, seed)
            method.train_epoch(stage.task.train)
            validate(method, stage.task, calibration)

    def together() -> None:
        learners = [
            Learner.built(lambda _, s=seed: stage.made(batches, s), stage.task, seed) for seed in range(seeds)
        ]
        stacked(learners, lambda _: stage.made(batches, 0), stage.task).train_epoch()
        for learner in learners:
            validate(learner.method, stage.task, calibration)

    ways = {"one after another": one_after_another}
    if trains_together(stage.plan.method):
        ways["together"] = together
    return {name: synchronised(way, stage.plan.device) for name, way in ways.items()}


def median_of(way: Callable[[], object], repeats: int) -> float:
    """Seconds that a way takes, after a first time that does not count."""
    way()
    taken = sorted(seconds(way) for _ in range(min(repeats, 3)))
    return taken[len(taken) // 2]


if __name__ == "__main__":
    method_name, place, count = sys.argv[1:]
    print(json.dumps(measure(method_name, torch.device(place), Counts(**json.loads(count)))))
