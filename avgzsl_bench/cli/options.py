"""Options that several commands share."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from avgzsl_bench.cli.paths import UserPath
from avgzsl_bench.errors import ConfigError
from avgzsl_bench.execution.options import MAX_SEEDS, MAX_THREADS
from avgzsl_bench.method.precision import PRECISIONS

data_root_option = click.option(
    "--data-root",
    type=UserPath(path_type=Path, file_okay=False),
    help="Folder of installed data. [default: $AVBENCH_DATA, else the platform's user data folder]",
)
split_option = click.option(
    "--split",
    help="Class split: cls or main. cls-disjoint and main-disjoint leave out the seen videos that are scored "
    "although another part of their recording is in training. [default: cls, or the dataset's only split]",
)
seed_option = click.option("--seed", type=int, help="Run this one seed. [default: 0]")
seeds_option = click.option(
    "--seeds",
    type=click.IntRange(1, MAX_SEEDS),
    metavar="N",
    help="Run seeds 0 to N-1.",
)
sweep_seeds_option = click.option(
    "--seeds",
    type=click.IntRange(1, MAX_SEEDS),
    metavar="N",
    default=5,
    show_default=True,
    help="Run seeds 0 to N-1. With fewer than 5, methods that differ can rarely be told apart.",
)
set_option = click.option(
    "--set",
    "assignments",
    multiple=True,
    metavar="KEY=VALUE",
    help="A setting of the method, such as layers=2, with true or false for one that is on or off; may be given "
    "several times.",
)
precision_option = click.option(
    "--precision",
    type=click.Choice(PRECISIONS),
    default="full",
    show_default=True,
    help="Precision of training; tf32 needs a CUDA device. Evaluation always uses full precision.",
)
threads_option = click.option(
    "--threads",
    type=click.IntRange(1, MAX_THREADS),
    metavar="N",
    help="CPU threads of a run. Rounding depends on their number, which each record has; it is not part of the "
    "run's id. [default: $OMP_NUM_THREADS, else 1, or 2 for a large model]",
)

log_option = click.option(
    "--log",
    multiple=True,
    metavar="NAME[:WHERE]",
    help="Also log the runs with a tracker, such as tensorboard:DIR; 'avbench plugins' lists them. May be given "
    "several times. A run that is finished is not logged.",
)


def run_options(
    *,
    features: str = "auto takes the best installed real one, else the simulated one.",
    device: str = "auto, cpu, cuda, cuda:N or mps.",
    folder: str = "--out",
    folder_help: str = "Folder of the results.",
    shorthands: Sequence[str] = (),
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Add the options that a run takes; the command receives them as one `options: RunOptions`.

    Args:
        features: what `auto` stands for in `--features`.
        device: help of `--device`.
        folder: the option that names the folder of the records.
        folder_help: help of that option.
        shorthands: options of the command itself that are short for `--set NAME=VALUE`.
    """
    shared = (
        click.option("--features", default="auto", show_default=True, help=f"Feature set; {features}"),
        split_option,
        set_option,
        click.option("--device", default="auto", show_default=True, help=device),
        precision_option,
        threads_option,
        log_option,
        data_root_option,
        click.option(
            folder,
            "out",
            type=UserPath(path_type=Path),
            default=Path("results"),
            show_default=True,
            help=folder_help,
        ),
        click.option(
            "--save",
            is_flag=True,
            help="Save the models of both stages beside the record, as checkpoints. A finished run without them "
            "is run again, and must give the same figures.",
        ),
        click.option(
            "--checkpoint-every",
            type=click.IntRange(1),
            metavar="N",
            help="Keep the training after every N epochs: an interrupted run goes on from there when it is run "
            "again, to the same record.",
        ),
    )

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(command)
        def with_options(*arguments: Any, **given: Any) -> Any:
            from avgzsl_bench.execution.options import RunOptions
            from avgzsl_bench.execution.trackers.registry import checked_log
            from avgzsl_bench.method.settings import parse_assignments

            short = [f"{name}={value}" for name in shorthands if (value := given.pop(name)) is not None]
            settings = parse_assignments([*given.pop("assignments"), *short])
            given["log"] = checked_log(given["log"])
            names = [name for name in RunOptions.__dataclass_fields__ if name in given]
            options = RunOptions(settings=settings, **{name: given.pop(name) for name in names})
            return command(*arguments, options=options, **given)

        for option in reversed(shared):
            with_options = option(with_options)
        return with_options

    return decorate


def chosen_seeds(seed: int | None, seeds: int | None) -> list[int]:
    """List the seeds that `--seed` or `--seeds` name.

    Raises:
        ConfigError: both are given.
    """
    if seed is not None and seeds is not None:
        raise ConfigError("--seed and --seeds exclude each other; give one")
    return [seed or 0] if seeds is None else list(range(seeds))
