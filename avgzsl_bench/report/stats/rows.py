"""Seeds to rows: each figure over the runs of one configuration, how certain it is, and where it ranks."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from avgzsl_bench.errors import RecordError
from avgzsl_bench.report.stats.comparison import RankInterval, board_seed, differences_of, rank_intervals
from avgzsl_bench.report.stats.outcomes import RESAMPLED_FIGURES, outcomes_of
from avgzsl_bench.report.stats.variance import Interval, components_of, intervals_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from avgzsl_bench.gzsl.metrics import Metrics
    from avgzsl_bench.method.precision import Precision
    from avgzsl_bench.records.collect import RecordTable, StoredRecord
    from avgzsl_bench.records.record import Record, RecordedMethod

FIGURES = ("seen", "unseen", "hm", "zsl", "ausuc")
"""The figures of a table, in the order of its columns; `bias` is aggregated too, but not ranked."""
RANKED = "hm"
"""The figure that methods are ranked and told apart by."""
REFERENCE = "reference"
"""What a method follows that is a yardstick and does not compete."""


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
        precision: of their training.
        epochs: epochs of stage 1 that were trained.
        seeds: ascending.
        best_epochs: of each seed.
        spread: of each of `FIGURES` and of `bias`, as fractions.
        runs: one for each seed, with their decisions.
        interval: of the mean of each figure but AUSUC, as fractions.
        ranks: the ranks by HM that it may have among methods that compete; None if it does not, or alone.
        tied_with_best: it has the best HM of those that compete, or none of them can be told to be better.
    """

    method: RecordedMethod
    sequences: bool
    added_text: Mapping[str, str]
    precision: Precision
    epochs: int
    seeds: tuple[int, ...]
    best_epochs: tuple[int, ...]
    spread: Mapping[str, Spread]
    runs: tuple[StoredRecord, ...] = field(compare=False, repr=False)
    interval: Mapping[str, Interval]
    ranks: RankInterval | None
    tied_with_best: bool

    @property
    def competes(self) -> bool:
        """False for yardsticks such as chance."""
        return self.method.follows != REFERENCE


@dataclass(frozen=True)
class _Standing:
    """What only a whole table tells of a row; the fields are those of `Row`."""

    interval: Mapping[str, Interval]
    ranks: RankInterval | None
    tied_with_best: bool


def rows_of(table: RecordTable) -> list[Row]:
    """The rows of a table: runs of one method, version, configuration, precision and number of epochs are one.

    Raises:
        RecordError: two runs of the same seed give different figures.
    """
    groups: dict[str, list[StoredRecord]] = defaultdict(list)
    for stored in table.stored:
        groups[_identity(stored.record)].append(stored)
    rows = [_runs(groups[identity]) for identity in sorted(groups)]
    return [_row(runs, standing) for runs, standing in zip(rows, _standings(rows), strict=True)]


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
    method = record.method.model_dump(exclude={"preset"})  # follows from the configuration
    return json.dumps([method, len(record.trace), *data, record.precision], sort_keys=True)


def _outcome(stored: StoredRecord) -> tuple[Metrics, int]:
    return stored.record.metrics, stored.record.best_epoch


def _runs(group: Iterable[StoredRecord]) -> tuple[StoredRecord, ...]:
    """The runs of a row, one for each seed."""
    by_seed: dict[int, StoredRecord] = {}
    for stored in group:
        known = by_seed.setdefault(stored.record.seed, stored)
        if _outcome(known) != _outcome(stored):
            raise RecordError(
                f"{known.path} and {stored.path}: different figures for the same method, settings and seed "
                f"{stored.record.seed}; remove one"
            )
    return tuple(by_seed[seed] for seed in sorted(by_seed))


def _standings(rows: Sequence[tuple[StoredRecord, ...]]) -> list[_Standing]:
    """Intervals of all rows, and ranks of those that compete: these alone count as pairs to be corrected for."""
    outcomes = [outcomes_of(runs) for runs in rows]
    components = components_of(outcomes, board_seed(rows[0][0]))
    intervals = {figure: intervals_of(components[figure]) for figure in RESAMPLED_FIGURES}
    competing = [i for i, runs in enumerate(rows) if runs[0].record.method.follows != REFERENCE]
    ranks: dict[int, RankInterval] = {}
    if len(competing) > 1:
        differences = differences_of(components[RANKED].select(competing))
        ranks = dict(zip(competing, rank_intervals(differences), strict=True))
    tied = {row for row, found in ranks.items() if found.best == 1}
    return [
        _Standing({figure: of_row[i] for figure, of_row in intervals.items()}, ranks.get(i), i in tied)
        for i in range(len(rows))
    ]


def _row(runs: tuple[StoredRecord, ...], standing: _Standing) -> Row:
    records = [run.record for run in runs]
    return Row(
        method=records[0].method,
        sequences=records[0].data.sequences,
        added_text=records[0].data.added_text,
        precision=records[0].precision,
        epochs=len(records[0].trace),
        seeds=tuple(r.seed for r in records),
        best_epochs=tuple(r.best_epoch for r in records),
        spread={f: spread(getattr(r.metrics, f) for r in records) for f in (*FIGURES, "bias")},
        runs=runs,
        interval=standing.interval,
        ranks=standing.ranks,
        tied_with_best=standing.tied_with_best,
    )
