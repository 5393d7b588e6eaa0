"""Boards: all records that may be compared, as labelled rows in their order, with reported figures beside them."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from avgzsl_bench.data.datasets.feature_sets import SIMULATED
from avgzsl_bench.records.collect import BoardKey, RecordTable, collect
from avgzsl_bench.records.data_facts import DataFacts
from avgzsl_bench.report.boards.labels import distinct_names, is_standard, labels_of
from avgzsl_bench.report.boards.provenance import provenance_of, training_seconds
from avgzsl_bench.report.reported.figures import reported_for
from avgzsl_bench.report.reported.verdicts import ReportedMatch, verdicts_of
from avgzsl_bench.report.stats.pair_tests import prior_of_board
from avgzsl_bench.report.stats.rows import RANKED, ResultRow, Spread, rows_of
from avgzsl_bench.report.stats.sensitivity import sensitivity_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True)
class BoardRow:
    """A result with what its board adds: labels, and the figures that papers reported.

    Attributes:
        label, settings: see `labels_of`.
        reported: figures that papers reported for the method on this dataset, whatever the features; those on
            the features and split of the board first.
    """

    result: ResultRow
    label: str
    settings: str
    reported: tuple[ReportedMatch, ...]

    @property
    def competes(self) -> bool:
        """False for yardsticks such as chance."""
        return self.result.competes

    @property
    def name(self) -> str:
        """Label and changed settings on one line."""
        return f"{self.label} ({self.settings})" if self.settings else self.label

    @property
    def comparable_reported(self) -> ReportedMatch | None:
        """The first reported figures on the board's own features and split that compare with the row."""
        return next((match for match in self.reported if match.comparable), None)

    @cached_property
    def sensitivity(self) -> Mapping[str, Spread]:
        """HM under other biases, by the names of `sensitivity.CONDITIONS`."""
        return sensitivity_of(self.result)

    @cached_property
    def training_seconds(self) -> float | None:
        """Mean over seeds of the seconds of both stages; None if not recorded."""
        return training_seconds(self.result)


@dataclass(frozen=True)
class Board:
    """One leaderboard.

    Attributes:
        name: of its files, without ending.
        heading: one line that distinguishes it from every other board.
        facts: how its videos differ from the standard, and where its vectors came from.
        rows: best HM first.
        seen, unseen: number of test classes of each role, those without a video left out.
        missing: names of the classes that have no test video.
    """

    key: BoardKey
    name: str
    heading: str
    facts: DataFacts
    rows: tuple[BoardRow, ...]
    records: int
    seen: int
    unseen: int
    missing: tuple[str, ...]
    videos: int

    @cached_property
    def tied(self) -> int:
        """Number of rows that compete and are not significantly worse than the best, the best among them."""
        return sum(row.result.tied_with_best for row in self.rows)

    @property
    def moderated(self) -> bool:
        """Variances over seeds are moderated in the tests of the ranks."""
        return prior_of_board([row.result for row in self.rows], RANKED) is not None

    @cached_property
    def provenance(self) -> tuple[dict[str, str], ...]:
        """Provenance of each row, see `provenance_of`."""
        return tuple(provenance_of(row.result, self.key) for row in self.rows)

    @property
    def matches(self) -> list[tuple[BoardRow, ReportedMatch]]:
        """Every reported figure of the rows, in their order."""
        return [(row, match) for row in self.rows for match in row.reported]


def read_boards(results: Path) -> list[Board]:
    """Make the boards of all records below a folder; simulated ones last.

    Raises:
        RecordError: no records, a file that is none, one that was altered, or two that contradict each other.
        PluginError: a file of reported figures is malformed.
    """
    tables = collect(results)
    facts = [DataFacts.of(stored.record for stored in table.stored) for table in tables]
    short = [_short_name(table.key, of_one) for table, of_one in zip(tables, facts, strict=True)]
    names = distinct_names(short, [table.key.parts for table in tables])
    boards = [
        _board(table, of_one, name, unique=name == plain)
        for table, of_one, name, plain in zip(tables, facts, names, short, strict=True)
    ]
    return sorted(boards, key=lambda board: (board.key.data.simulated, board.name))


def _board(table: RecordTable, facts: DataFacts, name: str, *, unique: bool) -> Board:
    key = table.key
    rows = sorted(
        _rows(table), key=lambda row: (-row.result.spread["hm"].mean, row.label.casefold(), row.settings)
    )
    classes = table.stored[0].record.classes
    roles = Counter(c.role for c in classes if c.videos)
    return Board(
        key=key,
        name=name,
        heading=_heading(key, facts, unique=unique),
        facts=facts,
        rows=tuple(rows),
        records=len(table.stored),
        seen=roles["seen"],
        unseen=roles["unseen"],
        missing=tuple(c.name for c in classes if not c.videos),
        videos=sum(c.videos for c in classes),
    )


def _rows(table: RecordTable) -> list[BoardRow]:
    key, results = table.key, rows_of(table)
    rows = []
    for result, (label, settings) in zip(results, labels_of(results), strict=True):
        figures = sorted(
            reported_for(result.method.title, key.data.dataset),
            key=lambda figure: (figure.features, figure.split) != (key.data.features, key.data.split),
        )
        standard = is_standard(result)
        matches = tuple(
            ReportedMatch(figure, verdicts_of(figure, result, key, standard=standard)) for figure in figures
        )
        rows.append(BoardRow(result, label, settings, matches))
    return rows


def _short_name(key: BoardKey, facts: DataFacts) -> str:
    parts = [key.data.dataset, key.data.features, key.data.split, *facts.marks]
    if key.data.simulated and key.data.features != SIMULATED:
        parts.append(SIMULATED)
    if key.calibration != "exact":
        parts.append(re.sub(r"[^A-Za-z0-9_.-]", "_", key.calibration))
    if key.data.text_order != "by-name":
        parts.append(key.data.text_order)
    return "-".join(parts)


def _heading(key: BoardKey, facts: DataFacts, *, unique: bool) -> str:
    details = [f"calibration {key.calibration}", f"text order {key.data.text_order}", *facts.remarks]
    if not unique:
        details += [f"data {key.data.fingerprint[:12]}", f"split {key.data.split_hash[:12]}"]
    heading = f"{key.data.dataset}, {key.data.features}, {key.data.split} ({', '.join(details)})"
    return f"SIMULATED: {heading}" if key.data.simulated else heading
