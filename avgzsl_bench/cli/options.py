"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path

import click

from avgzsl_bench.errors import ConfigError
from avgzsl_bench.method.precision import PRECISIONS

data_root_option = click.option(
    "--data-root",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of installed data. [default: $AVBENCH_DATA, else the platform's user data folder]",
)
split_option = click.option(
    "--split",
    default="cls",
    show_default=True,
    help="Class split: cls or main. cls-disjoint and main-disjoint leave out the seen videos that are scored "
    "although another part of their recording is in training.",
)
seed_option = click.option("--seed", type=int, help="Run this one seed. [default: 0]")
seeds_option = click.option(
    "--seeds",
    type=click.IntRange(1, 10_000),
    metavar="N",
    help="Run seeds 0 to N-1.",
)
set_option = click.option(
    "--set",
    "assignments",
    multiple=True,
    metavar="KEY=VALUE",
    help="A setting of the method; may be given several times.",
)
precision_option = click.option(
    "--precision",
    type=click.Choice(PRECISIONS),
    default="full",
    show_default=True,
    help="Precision of training; tf32 on CUDA devices alone. Scores are in full precision whatever it is.",
)


def chosen_seeds(seed: int | None, seeds: int | None) -> list[int]:
    """The seeds that `--seed` or `--seeds` ask for.

    Raises:
        ConfigError: both are given.
    """
    if seed is not None and seeds is not None:
        raise ConfigError("--seed and --seeds exclude each other; give one")
    return [seed or 0] if seeds is None else list(range(seeds))
