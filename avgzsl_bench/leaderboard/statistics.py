"""Seeds to rows: mean and sample standard deviation of each figure over the runs of one configuration."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from avgzsl_bench.errors import RecordError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from avgzsl_bench.leaderboard.collect import RecordTable, StoredRecord
    from avgzsl_bench.record import Figures, MethodInfo, Record

FIGURES = ("seen", "unseen", "hm", "zsl", "ausuc")
"""The figures of a table, in the order of its columns; `bias` is aggregated too, but not ranked."""


@dataclass(frozen=True)
class Spread:
    """Mean over seeds and sample standard deviation (`n - 1`); None for a single seed."""

    mean: float
    std: float | None


@dataclass(frozen=True)
class Row:
    """One method with one configuration.

    Attributes:
        method: what all runs of the row agree in.
        sequences: they read the steps of the videos.
        added_text: fingerprint of each text that was added to the dataset and that they read.
        epochs: epochs of stage 1 that were trained.
        seeds: ascending.
        best_epochs: of each seed.
        spread: of each of `FIGURES` and of `bias`, as fractions.
    """

    method: MethodInfo
    sequences: bool
    added_text: Mapping[str, str]
    epochs: int
    seeds: tuple[int, ...]
    best_epochs: tuple[int, ...]
    spread: Mapping[str, Spread]


def rows_of(table: RecordTable) -> list[Row]:
    """The rows of a table: runs of one method, version, configuration and number of epochs are one row.

    Raises:
        RecordError: two runs of the same seed give different figures.
    """
    groups: dict[str, list[StoredRecord]] = defaultdict(list)
    for stored in table.stored:
        groups[_identity(stored.record)].append(stored)
    return [_row(groups[identity]) for identity in sorted(groups)]


def spread(values: Iterable[float]) -> Spread:
    """Mean and sample standard deviation.

    Examples:
        >>> spread([1.0, 3.0])
        Spread(mean=2.0, std=1.4142135623730951)
        >>> spread([1.0])
        Spread(mean=1.0, std=None)
    """
    array = np.fromiter(values, dtype=np.float64)
    return Spread(float(array.mean()), float(array.std(ddof=1)) if len(array) > 1 else None)


def _identity(record: Record) -> str:
    data = [record.data.sequences, record.data.added_text]
    return json.dumps([record.method.model_dump(), len(record.trace), *data], sort_keys=True)


def _outcome(stored: StoredRecord) -> tuple[Figures, int]:
    return stored.record.metrics, stored.record.best_epoch


def _row(group: Iterable[StoredRecord]) -> Row:
    by_seed: dict[int, StoredRecord] = {}
    for stored in group:
        known = by_seed.setdefault(stored.record.seed, stored)
        if _outcome(known) != _outcome(stored):
            raise RecordError(
                f"{known.path} and {stored.path}: different figures for the same method, settings and seed "
                f"{stored.record.seed}; remove one"
            )
    records = [by_seed[seed].record for seed in sorted(by_seed)]
    return Row(
        method=records[0].method,
        sequences=records[0].data.sequences,
        added_text=records[0].data.added_text,
        epochs=len(records[0].trace),
        seeds=tuple(r.seed for r in records),
        best_epochs=tuple(r.best_epoch for r in records),
        spread={f: spread(getattr(r.metrics, f) for r in records) for f in (*FIGURES, "bias")},
    )
