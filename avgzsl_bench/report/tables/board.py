"""Boards: rows with their labels, in their order, with what papers reported beside them."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter, defaultdict
from dataclasses import astuple, dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from avgzsl_bench.data.datasets.feature_sets import SIMULATED
from avgzsl_bench.records.collect import BoardKey, RecordTable, collect
from avgzsl_bench.report.reported.figures import ReportedFigure, reported_for
from avgzsl_bench.report.stats.rows import REFERENCE, Row, Spread, rows_of
from avgzsl_bench.report.stats.sensitivity import sensitivity_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

MARKED = ("reconstruction", REFERENCE)
"""What an implementation may follow that a reader must be told beside its name."""
_OF_THE_BOARD = ("calibration", "text_order")
"""Settings that all rows of a board share, and that its heading names."""
_PLAIN_CALIBRATION = "exact"
_PLAIN_TEXT_ORDER = "by-name"


@dataclass(frozen=True)
class Line:
    """A row as a reader sees it.

    Attributes:
        row: its runs.
        label: title of the method, marked where it is a reconstruction or a reference; with its version
            if the board has two.
        settings: what differs from the defaults, as `key=value, ...`, and a precision that is not full; empty if
            nothing does.
        reported: figures that papers reported for the method on this dataset, whatever the features; those on
            the features and split of the board first.
    """

    row: Row
    label: str
    settings: str
    reported: tuple[ReportedFigure, ...]

    @property
    def competes(self) -> bool:
        """False for yardsticks such as chance."""
        return self.row.competes

    @property
    def name(self) -> str:
        """Label and changed settings on one line."""
        return f"{self.label} ({self.settings})" if self.settings else self.label

    @property
    def standard(self) -> bool:
        """The method ran as it comes, or as a preset of it says, to the end: what papers report may be meant."""
        return not (_changed(self.row) or _stopped(self.row))

    @cached_property
    def sensitivity(self) -> Mapping[str, Spread]:
        """HM under other biases, by the names of `sensitivity.CONDITIONS`; worked out once for all formats."""
        return sensitivity_of(self.row)


@dataclass(frozen=True)
class Board:
    """One leaderboard.

    Attributes:
        key: what all its records have in common.
        name: of its files, without ending.
        heading: one line that tells it from every other board.
        lines: best HM first.
        records: number of records it was made from.
        seen, unseen: number of test classes of each role, those without a video left out.
        missing: names of the classes that have no test video.
        videos: number of test videos.
    """

    key: BoardKey
    name: str
    heading: str
    lines: tuple[Line, ...]
    records: int
    seen: int
    unseen: int
    missing: tuple[str, ...]
    videos: int


def read_boards(results: Path) -> list[Board]:
    """The boards of all records below a folder; simulated ones last.

    Raises:
        RecordError: no records, a file that is none, one that was altered, or two that contradict each other.
        PluginError: a file of reported figures is malformed.
    """
    tables = collect(results)
    shared = Counter(_short_name(table.key) for table in tables)
    boards = [_board(table, alone=shared[_short_name(table.key)] == 1) for table in tables]
    return sorted(boards, key=lambda board: (board.key.simulated, board.name))


def one_line(text: str) -> str:
    """Text from a record on one line, without control characters."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _board(table: RecordTable, *, alone: bool) -> Board:
    key = table.key
    lines = _labelled(key, rows_of(table))
    lines.sort(key=lambda line: (-line.row.spread["hm"].mean, line.label.casefold(), line.settings))
    classes = table.stored[0].record.classes
    roles = Counter(c.role for c in classes if c.videos)
    return Board(
        key=key,
        name=_short_name(key) if alone else f"{_short_name(key)}-{_digest(key)}",
        heading=_heading(key, alone=alone),
        lines=tuple(lines),
        records=len(table.stored),
        seen=roles["seen"],
        unseen=roles["unseen"],
        missing=tuple(c.name for c in classes if not c.videos),
        videos=sum(c.videos for c in classes),
    )


def _short_name(key: BoardKey) -> str:
    parts = [key.dataset, key.features, key.split]
    if key.simulated and key.features != SIMULATED:
        parts.append(SIMULATED)
    if key.calibration != _PLAIN_CALIBRATION:
        parts.append(re.sub(r"[^A-Za-z0-9_.-]", "_", key.calibration))
    if key.text_order != _PLAIN_TEXT_ORDER:
        parts.append(key.text_order)
    return "-".join(parts)


def _digest(key: BoardKey) -> str:
    return hashlib.sha256(json.dumps(astuple(key)).encode()).hexdigest()[:12]


def _heading(key: BoardKey, *, alone: bool) -> str:
    details = [f"calibration {key.calibration}", f"text order {key.text_order}"]
    if not alone:
        details += [f"data {key.fingerprint[:12]}", f"split {key.split_hash[:12]}"]
    heading = f"{key.dataset}, {key.features}, {key.split} ({', '.join(details)})"
    return f"SIMULATED: {heading}" if key.simulated else heading


def _labelled(key: BoardKey, rows: Sequence[Row]) -> list[Line]:
    versions = defaultdict(set)
    for row in rows:
        versions[row.method.name].add((row.method.distribution, row.method.version))
    lines = [_line(key, row, show_version=len(versions[row.method.name]) > 1) for row in rows]
    alike = defaultdict(list)
    for line in lines:
        alike[line.label, line.settings].append(_told_apart(line.row))
    # Rows that look alike have other defaults or texts behind them: then what differs is shown as well.
    also = [_varying(alike[line.label, line.settings]) for line in lines]
    return [replace(line, settings=_settings(line.row, names)) for line, names in zip(lines, also, strict=True)]


def _told_apart(row: Row) -> dict[str, Any]:
    """What tells apart rows of the same method: settings, and the texts that were read."""
    return {**row.method.config, **{f"text {name}": mark[:12] for name, mark in row.added_text.items()}}


def _line(key: BoardKey, row: Row, *, show_version: bool) -> Line:
    method = row.method
    remarks = [method.follows] if method.follows in MARKED else []
    if show_version:
        remarks.append(f"{method.distribution} {method.version}")
    label = f"{method.title} ({', '.join(remarks)})" if remarks else method.title
    reported = sorted(
        reported_for(method.title, key.dataset),
        key=lambda figure: (figure.features, figure.split) != (key.features, key.split),
    )
    return Line(row, one_line(label), _settings(row), tuple(reported))


def _settings(row: Row, also: Sequence[str] = ()) -> str:
    shown = _changed(row) | {name: _told_apart(row).get(name) for name in also}
    items = [f"{name}={_value(shown[name])}" for name in sorted(shown)]
    if row.method.preset is not None and row.method.changed:
        items.insert(0, f"preset {row.method.preset}")
    if row.precision != "full":
        items.append(f"precision {row.precision}")
    return one_line(", ".join([*items, *_stopped(row)]))


def _changed(row: Row) -> dict[str, Any]:
    """Settings that differ from the defaults, but for those of a preset and those that the heading names."""
    if row.method.preset is not None:
        return {}
    return {name: value for name, value in row.method.changed.items() if name not in _OF_THE_BOARD}


def _stopped(row: Row) -> list[str]:
    planned = row.method.config.get("epochs")
    stopped = isinstance(planned, int) and row.epochs < planned
    return [f"stopped after {row.epochs} of {planned} epochs"] if stopped else []


def _value(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)


def _varying(configs: Sequence[Mapping[str, Any]]) -> list[str]:
    """Names of the settings in which configurations differ."""
    names = {name for config in configs for name in config}
    return [name for name in sorted(names) if len({json.dumps(config.get(name)) for config in configs}) > 1]
