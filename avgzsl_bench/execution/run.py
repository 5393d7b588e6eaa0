"""`ab.run`: a method on a dataset, from names to a record, or to one a seed."""

from __future__ import annotations

import operator
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypedDict, Unpack, overload

from avgzsl_bench.data.choose import warn_differences, warn_simulated
from avgzsl_bench.errors import ConfigError
from avgzsl_bench.execution.earlier import earlier_code, run_again
from avgzsl_bench.execution.options import MAX_SEEDS, RunOptions
from avgzsl_bench.execution.plan import Plan, plan_run
from avgzsl_bench.execution.seeds.runs import execute_seeds
from avgzsl_bench.execution.trackers.registry import checked_log
from avgzsl_bench.execution.unnoticed import unnoticed_edits
from avgzsl_bench.records.record import Record


class _Options(TypedDict, total=False):
    """What both forms of `run` take; its documentation says more."""

    features: str
    split: str | None
    epochs: int | None
    settings: Mapping[str, Any] | None
    preset: str | None
    device: str
    precision: str
    data_root: Path | str | None
    out: Path | str
    force: bool
    threads: int | None
    save: bool
    checkpoint_every: int | None
    log: Sequence[str]
    progress: bool


@overload
def run(
    method: str, dataset: str, *, seed: int | None = ..., seeds: None = ..., **options: Unpack[_Options]
) -> Record: ...


@overload
def run(
    method: str, dataset: str, *, seed: None = ..., seeds: int, **options: Unpack[_Options]
) -> list[Record]: ...


def run(
    method: str,
    dataset: str,
    *,
    features: str = "auto",
    split: str | None = None,
    seed: int | None = None,
    seeds: int | None = None,
    epochs: int | None = None,
    settings: Mapping[str, Any] | None = None,
    preset: str | None = None,
    device: str = "auto",
    precision: str = "full",
    data_root: Path | str | None = None,
    out: Path | str = "results",
    force: bool = False,
    threads: int | None = None,
    save: bool = False,
    checkpoint_every: int | None = None,
    log: Sequence[str] = (),
    progress: bool = False,
) -> Record | list[Record]:
    """Run a method on a dataset through both stages, or return its record if it was run before.

    Args:
        method: name of a registered method.
        dataset: name of a registered dataset.
        features: feature set; `auto` takes the best installed real one, else the simulated one.
        split: class split: `cls`, `main`, or a source-disjoint view, `cls-disjoint` or `main-disjoint`; None:
            `cls`, or the dataset's only split.
        seed: of initialisation, batches and dropout; None: 0.
        seeds: run seeds 0 to `seeds` - 1, on the CPU one after another, elsewhere together where that is faster.
        epochs: of stage 1; short for `settings={"epochs": ...}`.
        settings: settings that differ from the method's defaults; `calibration` is one of them.
        preset: a named set of settings of the method, e.g. `official`; `settings` come after it.
        device: `auto`, `cpu`, `cuda`, `cuda:N` or `mps`.
        precision: of training: `full`, `tf32` (CUDA devices only) or `bf16`, if the method has it.
        data_root: folder of installed data.
        out: folder of the results.
        force: run again even if the record is there.
        threads: CPU threads of torch; None: as `OMP_NUM_THREADS` says, else 1, or 2 for a large model. Torch's
            number of before is put back.
        save: keep the models of both stages, as checkpoints beside the record. A finished run without them is run
            again, and must give the same figures.
        checkpoint_every: keep the training after every so many epochs. The same run goes on from there after an
            interruption.
        log: trackers as `NAME:WHERE`, e.g. `tensorboard:DIR`.
        progress: show on standard error, or in the notebook, what `avbench run` shows.

    Returns:
        The record; with `seeds` a list of one a seed.

    Raises:
        AvbenchError: the request cannot work; the message gives the reason.
    """
    numbers = _chosen_seeds(seed, seeds)
    chosen = _with_epochs(settings or {}, epochs)
    options = RunOptions(
        *(features, split, chosen, preset, device, precision, data_root, out, threads),
        log=checked_log(log),
        save=save,
        checkpoint_every=checkpoint_every,
        force=force,
    )
    plan = plan_run(method, dataset, numbers[0], options)
    if features == "auto" and plan.spec.data.simulated:
        warn_simulated(plan.data)
    warn_differences(plan.data)
    plans = [plan, *(plan.with_seed(number) for number in numbers[1:])]
    for text in unnoticed_edits(plans):
        warnings.warn(text, stacklevel=2)
    finished = [None if force else each.finished() for each in plans]
    missing = [each for each, record in zip(plans, finished, strict=True) if record is None]
    if (again := run_again(missing)) is not None:
        warnings.warn(again, stacklevel=2)
    if (earlier := earlier_code(missing)) is not None:
        warnings.warn(earlier, stacklevel=2)
    made = iter(_execute(missing, progress=progress))
    records = [next(made) if record is None else record for record in finished]
    return records[0] if seeds is None else records


def _chosen_seeds(seed: int | None, seeds: int | None) -> Sequence[int]:
    """List the seeds to run.

    Raises:
        ConfigError: both are given, or a number of seeds that cannot be run.
    """
    if seeds is None:
        return [0 if seed is None else seed]
    if seed is not None:
        raise ConfigError("seed and seeds exclude each other; give one")
    try:
        number = operator.index(seeds)
    except TypeError as error:
        raise ConfigError(f"seeds {seeds!r}: must be a whole number, of seeds from 0 on") from error
    if isinstance(seeds, bool) or not 1 <= number <= MAX_SEEDS:
        raise ConfigError(f"seeds {seeds!r}: must be 1 to {MAX_SEEDS}")
    return range(number)


def _with_epochs(settings: Mapping[str, Any], epochs: int | None) -> Mapping[str, Any]:
    """Add the number of epochs to the settings.

    Raises:
        ConfigError: they have another.
    """
    if epochs is None:
        return settings
    if settings.get("epochs", epochs) != epochs:
        raise ConfigError(f"epochs {epochs!r} and settings with epochs {settings['epochs']!r} differ; give one")
    return {**settings, "epochs": epochs}


def _execute(plans: Sequence[Plan], *, progress: bool) -> list[Record]:
    """Run plans that differ by seed only, if there are any, and show the progress or not."""
    if not plans:
        return []
    if not progress:
        return execute_seeds(plans, report=lambda line: None, done=lambda plan: None)
    from rich.console import Console

    from avgzsl_bench.execution.progress import execute_seeds_shown

    return execute_seeds_shown(plans, Console(stderr=True))
