"""Numbers that a method gives in double precision on a tiny task: those of now, and those that are pinned.

`python tests/support/pinned_values.py` makes the pinned ones anew, all or those of the methods named.
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

import avgzsl_bench as ab
from avgzsl_bench.execution.stages import run_stage1, run_stage2
from avgzsl_bench.gzsl.calibration import parse_calibration
from avgzsl_bench.method.registry import provider
from avgzsl_bench.plugins.manager import OWN
from avgzsl_bench.records.epoch_result import EpochResult
from avgzsl_bench.records.run_spec import NUMERICS
from avgzsl_bench.testing.training_checks import default_dtype
from avgzsl_bench.testing.trial import Trial

FILE = Path(__file__).resolve().parents[1] / "methods" / "pinned_values.json"
TOLERANCE = 1e-6
"""Of a number, over the largest of its kind. Other vector instructions changed none by more than 1e-10."""
SINGLE = ("eszsl",)
"""Methods that round to single precision themselves, whatever they are given."""
SINGLE_TOLERANCE = 1e-5
Values = dict[str, list[float]]
_SMALL = {"layers": 1, "depth": 1, "classifier_steps": 5, "generator_batches": 2, "synthetic_per_class": 10}
_SMALL |= {"model_width": 32, "hidden_width": 32, "embedding_width": 16, "time_steps": 2, "steps": 2}
_SMALL |= {"spiking_hidden_width": 16}
_PLACES = ((0, 0), (13, 3), (29, 10), (41, 6), (52, 1), (65, 8))
"""Videos and classes whose scores are pinned."""


def own_methods() -> list[ab.MethodSpec]:
    """The methods of the repository, whatever else is installed."""
    found = [(spec, provider(spec)) for spec in ab.list_methods()]
    return [spec for spec, status in found if status is not None and status.distribution == OWN]


def values_of(spec: ab.MethodSpec) -> Values:
    """Losses of each epoch of stage 1, bias of stage 1, and some scores after stage 2, in double precision."""
    epochs: list[EpochResult] = []
    with default_dtype(torch.float32 if spec.name in SINGLE else torch.float64):
        trial = _short(Trial.of(spec))
        exact = parse_calibration("exact")
        selection = run_stage1(
            trial.factory(),
            trial.task,
            epochs=trial.config.epochs,
            calibration=exact,
            seed=0,
            report=epochs.append,
        )
        method, _ = run_stage2(trial.factory(), trial.task, selection, seed=0, report=lambda epoch: None)
        scores = method.score(trial.task.videos, trial.task.classes).double()
    losses = {
        f"loss {name}": [epoch.losses[name] for epoch in epochs if name in epoch.losses]
        for name in sorted({name for epoch in epochs for name in epoch.losses})
    }
    return losses | {"bias": [selection.bias], "scores": [float(scores[place]) for place in _PLACES]}


def _short(trial: Trial) -> Trial:
    """Make networks small and what is trained after the epochs short, where a method has such settings."""
    known = trial.method.Config.model_fields
    small = {name: value for name, value in _SMALL.items() if name in known}
    return replace(trial, config=trial.method.Config.model_validate(trial.config.model_dump() | small))


def pinned() -> dict[str, Any]:
    """The pinned values, of `methods` by name, and the `numerics` that they were made with."""
    content: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    return content


def differences(now: Values, then: Values, tolerance: float = TOLERANCE) -> list[str]:
    """What differs by more than rounding, in one line each."""
    if now.keys() != then.keys():
        return [f"now there are {', '.join(now)}; pinned are {', '.join(then)}"]
    found = []
    for name, values in now.items():
        if len(values) != len(then[name]):
            found.append(f"{name}: {len(values)} values, pinned are {len(then[name])}")
            continue
        largest = max(map(abs, then["scores"] if name == "bias" else then[name]))
        for i, (value, expected) in enumerate(zip(values, then[name], strict=True)):
            if abs(value - expected) > tolerance * largest:
                found.append(f"{name}[{i}]: {value!r}, pinned is {expected!r}")
    return found


def main(names: list[str]) -> None:
    """Write the values of now."""
    known = pinned()["methods"] if names else {}
    chosen = [spec for spec in own_methods() if not names or spec.name in names]
    methods = dict(known) | {spec.name: values_of(spec) for spec in chosen}
    content = {"numerics": NUMERICS, "methods": dict(sorted(methods.items()))}
    FILE.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    print(f"{len(chosen)} methods in {FILE}")


if __name__ == "__main__":
    main(sys.argv[1:])
