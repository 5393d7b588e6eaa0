"""The grid of a sweep: every run that names stand for, and what of it cannot be run, with the reason."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from avgzsl_bench.data.choose import dataset_named
from avgzsl_bench.data.datasets.registry import registered_datasets, scan_own_datasets
from avgzsl_bench.data.store.installed import data_root as resolve_data_root
from avgzsl_bench.errors import AvbenchError, ConfigError, DataError
from avgzsl_bench.execution.options import RunOptions
from avgzsl_bench.execution.plan import Plan, plan_run
from avgzsl_bench.method.registry import list_methods, method_spec
from avgzsl_bench.system.device import choose_device

ALL = "all"


@dataclass(frozen=True)
class Shard:
    """One of several parts of a grid: every `of`-th run, from the `number`-th, counted from 1."""

    number: int = 1
    of: int = 1


@dataclass(frozen=True)
class Refused:
    """Runs of a method on a dataset that cannot be made: how many, and why."""

    method: str
    dataset: str
    runs: int
    reason: str


@dataclass(frozen=True)
class Grid:
    """What a sweep is made of.

    Attributes:
        runs: those that can be made, all methods and datasets of the first seed first, so that a sweep which is
            interrupted leaves whole tables of fewer seeds.
        refused: those that cannot.
    """

    runs: tuple[Plan, ...]
    refused: tuple[Refused, ...]

    def __len__(self) -> int:
        return len(self.runs) + sum(refused.runs for refused in self.refused)


def parse_shard(text: str) -> Shard:
    """`2/8` as the second of eight parts.

    Raises:
        ConfigError: it is not of this form, or there is no such part.
    """
    found = re.fullmatch(r"([0-9]{1,6})/([0-9]{1,6})", text)
    if found is None or not 1 <= int(found[1]) <= int(found[2]):
        raise ConfigError(f"--shard {text!r}: write I/N with I from 1 to N, e.g. 2/8")
    return Shard(int(found[1]), int(found[2]))


def method_names(text: str) -> list[str]:
    """List the methods that a comma-separated list names, by name or title; `all` stands for every registered one.

    Raises:
        AvbenchError: a name that nobody registered, with the one that was probably meant; or none.
    """
    return _names("--methods", text, lambda: [spec.name for spec in list_methods()], lambda n: method_spec(n).name)


def dataset_names(text: str, data_root: Path | str | None) -> list[str]:
    """List the datasets that a comma-separated list names, as `method_names`; `all`: each that is known.

    Raises:
        AvbenchError: as `method_names`, or with `all` a dataset of the data folder cannot be read.
    """
    return _names(
        "--datasets", text, lambda: _all_datasets(data_root), lambda name: dataset_named(name, data_root).name
    )


def _all_datasets(given: Path | str | None) -> list[str]:
    own = scan_own_datasets(resolve_data_root(given))
    for _, error in own.unreadable:
        raise DataError(f"{error}; or name the datasets")
    return [*registered_datasets(), *own.datasets]


def _names(option: str, text: str, known: Callable[[], Iterable[str]], find: Callable[[str], str]) -> list[str]:
    names = [part for name in text.split(",") if (part := name.strip())]
    if not names:
        raise ConfigError(f"{option} {text!r}: name at least one, or {ALL}")
    return list(known()) if names == [ALL] else list(dict.fromkeys(map(find, names)))


def make_grid(
    methods: Sequence[str],
    datasets: Sequence[str],
    seeds: Sequence[int],
    options: RunOptions | None = None,
    shard: Shard | None = None,
) -> Grid:
    """Plan every method on every dataset with every seed. Nothing is written but simulated features.

    A shard's runs follow from the names alone, whatever is installed or finished.

    Args:
        methods, datasets, seeds: the grid.
        options: of every run.
        shard: the part to keep; None: all.

    Raises:
        AvbenchError: the device is not there, or nothing of the whole grid can be run; the message gives the
            first reason.
    """
    options = options or RunOptions()
    if options.device is not None:
        choose_device(options.device)
    part = shard or Shard()
    plans: dict[tuple[str, str], Plan] = {}
    errors: dict[tuple[str, str], AvbenchError] = {}
    pairs = [(method, dataset) for dataset in datasets for method in methods]
    for method, dataset in pairs:
        try:
            plans[method, dataset] = plan_run(method, dataset, seeds[0], options)
        except AvbenchError as error:
            errors[method, dataset] = error
    if not plans:
        raise next(iter(errors.values()))
    places = [(seed, pair) for seed in seeds for pair in pairs]
    kept = places[part.number - 1 :: part.of]
    runs = [plans[pair].with_seed(seed) for seed, pair in kept if pair in plans]
    counts = {pair: sum(pair == other for _, other in kept) for pair in errors}
    refused = [Refused(*pair, counts[pair], str(error)) for pair, error in errors.items() if counts[pair]]
    return Grid(tuple(runs), tuple(refused))
