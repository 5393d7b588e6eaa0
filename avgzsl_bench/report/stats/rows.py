"""Result rows: each figure over the runs of one configuration, its uncertainty, and its possible ranks."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from avgzsl_bench.errors import RecordError
from avgzsl_bench.report.stats.bootstrap import seed_of
from avgzsl_bench.report.stats.classes import class_intervals_of
from avgzsl_bench.report.stats.correctness import RESAMPLED_FIGURES, Correctness, correctness_of
from avgzsl_bench.report.stats.moderation import board_prior
from avgzsl_bench.report.stats.pairwise import (
    RankInterval,
    detectable_differences,
    pairwise_tests,
    rank_intervals,
)
from avgzsl_bench.report.stats.variance import Interval, components_of, intervals_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from avgzsl_bench.records.collect import RecordTable, StoredRecord
    from avgzsl_bench.records.record import Record, RecordedMethod

FIGURES = ("seen", "unseen", "hm", "zsl", "ausuc")
"""The figures of a table, in the order of its columns; `bias` is aggregated too, but not ranked."""
RANKED = "hm"
"""The figure that methods are ranked by."""
REFERENCE = "reference"
"""`follows` of a method that is a yardstick and does not compete."""


@dataclass(frozen=True)
class Spread:
    """Mean over seeds and sample standard deviation (`n - 1`); None for a single seed."""

    mean: float
    std: float | None


@dataclass(frozen=True)
class ResultRow:
    """The results of one method with one configuration.

    Attributes:
        sequences: the runs use the time steps of the videos.
        added_text: fingerprint of each text that was added to the dataset and that the runs use.
        options: options of the runs that differ from their defaults, such as the precision.
        numerics: number of the harness's numerics; None if not recorded.
        epochs: epochs of stage 1 that were trained.
        spread: of each of `FIGURES` and of `bias`, as fractions.
        runs: one for each seed, in ascending order, with their decisions.
        interval: of the mean of each figure but AUSUC, as fractions.
        class_interval: the same for other classes of the same kind.
        ranks: the ranks by HM that it may have among those that compete; None if it does not, or is the only one.
        tied_with_best: it competes, and no other that does has a significantly better HM.
        detectable: the difference in HM from another row that competes which the tests would have found with a
            power of 0.8, as a fraction: the median over these; None if there is none that can be tested.
    """

    method: RecordedMethod
    sequences: bool
    added_text: Mapping[str, str]
    options: Mapping[str, Any]
    numerics: int | None
    epochs: int
    seeds: tuple[int, ...]
    best_epochs: tuple[int, ...]
    spread: Mapping[str, Spread]
    runs: tuple[StoredRecord, ...] = field(compare=False, repr=False)
    correctness: Correctness = field(compare=False, repr=False)
    interval: Mapping[str, Interval]
    class_interval: Mapping[str, Interval]
    ranks: RankInterval | None
    tied_with_best: bool
    detectable: float | None

    @property
    def competes(self) -> bool:
        """False for yardsticks such as chance."""
        return self.method.follows != REFERENCE


def rows_of(table: RecordTable) -> list[ResultRow]:
    """Group runs to rows by method, version, code, numerics, configuration, options and number of epochs.

    Commit and state of the method's checkout are no part of it: equal code is equal code.

    Raises:
        RecordError: two runs of the same seed give different figures.
    """
    groups: dict[str, list[StoredRecord]] = defaultdict(list)
    for stored in table.stored:
        groups[_identity(stored.record)].append(stored)
    rows = [_runs(groups[identity]) for identity in sorted(groups)]
    correctness = [correctness_of(runs) for runs in rows]
    components = components_of(correctness, board_seed(rows[0][0]))
    intervals = {figure: intervals_of(components[figure]) for figure in RESAMPLED_FIGURES}
    class_intervals = class_intervals_of(correctness, components)
    competing = [i for i, runs in enumerate(rows) if runs[0].record.method.follows != REFERENCE]
    ranks: dict[int, RankInterval] = {}
    detectable: dict[int, float | None] = {}
    if len(competing) > 1:
        all_compete = np.ones(len(competing), dtype=bool)
        prior = board_prior([correctness[i].figures()[RANKED] for i in competing], all_compete)
        tests = pairwise_tests(components[RANKED].select(competing).moderated(prior, all_compete))
        ranks = dict(zip(competing, rank_intervals(tests), strict=True))
        detectable = dict(zip(competing, detectable_differences(tests), strict=True))
    found = []
    for i, runs in enumerate(rows):
        records, rank = [run.record for run in runs], ranks.get(i)
        found.append(
            ResultRow(
                method=records[0].method,
                sequences=records[0].data.sequences,
                added_text=records[0].data.added_text,
                options=records[0].options,
                numerics=records[0].numerics,
                epochs=len(records[0].trace),
                seeds=tuple(r.seed for r in records),
                best_epochs=tuple(r.best_epoch for r in records),
                spread={f: spread(getattr(r.metrics, f) for r in records) for f in (*FIGURES, "bias")},
                runs=runs,
                correctness=correctness[i],
                interval={figure: of_row[i] for figure, of_row in intervals.items()},
                class_interval={figure: of_row[i] for figure, of_row in class_intervals.items()},
                ranks=rank,
                tied_with_best=rank is not None and rank.best == 1,
                detectable=detectable.get(i),
            )
        )
    return found


def spread(values: Iterable[float]) -> Spread:
    """Compute mean and sample standard deviation.

    Examples:
        >>> spread([1.0, 3.0]), spread([1.0])
        (Spread(mean=2.0, std=1.4142135623730951), Spread(mean=1.0, std=None))
    """
    array = np.fromiter(values, dtype=np.float64)
    return Spread(float(array.mean()), float(array.std(ddof=1)) if len(array) > 1 else None)


def board_seed(run: StoredRecord) -> int:
    """Derive the seed of the resamples of a run's board: the same for all records of the same data and split."""
    return seed_of(run.record.data.fingerprint, run.record.data.split_hash)


def _identity(record: Record) -> str:
    data = [record.data.sequences, record.data.added_text]
    # The preset follows from the configuration, and the hash of the code says what a commit cannot.
    method = record.method.model_dump(exclude={"preset", "commit", "dirty"})
    return json.dumps([method, len(record.trace), *data, record.options, record.numerics], sort_keys=True)


def _runs(group: Iterable[StoredRecord]) -> tuple[StoredRecord, ...]:
    """Return the runs of a row, one for each seed."""
    by_seed: dict[int, StoredRecord] = {}
    for stored in group:
        known = by_seed.setdefault(stored.record.seed, stored)
        first, second = ((run.record.metrics, run.record.best_epoch) for run in (known, stored))
        if first != second:
            raise RecordError(
                f"{known.path} and {stored.path}: different figures for the same method, settings and seed "
                f"{stored.record.seed}; remove one"
            )
    return tuple(by_seed[seed] for seed in sorted(by_seed))
