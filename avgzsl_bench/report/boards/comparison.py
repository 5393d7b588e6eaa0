"""Comparison of chosen methods of one board: a test of every pair, and the gain in each class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from avgzsl_bench.data.datasets.registry import registered_datasets
from avgzsl_bench.errors import ConfigError, RecordError, UnknownNameError
from avgzsl_bench.report.stats.correctness import RESAMPLED_FIGURES, mean_class_accuracy
from avgzsl_bench.report.stats.pair_tests import PairTest, pair_tests, seed_caveats
from avgzsl_bench.report.stats.variance import varied
from avgzsl_bench.system.identifiers import names_meant

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from avgzsl_bench.report.boards.board import Board, BoardRow

_HINT = "known are those with a record; make one with: avbench run --method NAME --dataset DATASET"
_OPTIONS = ("dataset", "features", "split", "calibration", "text_order")
"""Options that choose boards."""
_EQUAL = 1e-12
"""Changes of a class accuracy up to this are rounding."""


@dataclass(frozen=True)
class MethodComparison:
    """Rows of one board, compared in one figure.

    Attributes:
        rows: two or more, in the order in which the methods were named.
        tests: of all pairs; their positions are those in `rows`.
        left_out: number of further configurations of a method, by its name.
    """

    board: Board
    rows: tuple[BoardRow, ...]
    figure: str
    tests: tuple[PairTest, ...]
    left_out: Mapping[str, int]

    @property
    def tied_with_best(self) -> tuple[bool, ...]:
        """For each row, whether it competes and no other that does is significantly better."""
        competing = [row.competes for row in self.rows]
        tests = [t for t in self.tests if t.significant and competing[t.first] and competing[t.second]]
        worse = {t.second if t.difference > 0 else t.first for t in tests}
        return tuple(competes and i not in worse for i, competes in enumerate(competing))

    @property
    def varied(self) -> tuple[str, ...]:
        """Variance that the tests allow for, of each row: `videos and 3 seeds` or `videos, one seed`."""
        return tuple(varied(len(row.result.runs)) for row in self.rows)

    @property
    def pairing(self) -> str:
        """What is paired in the tests, and how few seeds weaken them."""
        seeds = any(test.seeds_paired for test in self.tests)
        also = "; seeds too, between configurations of one method run with the same seeds" if seeds else ""
        caveats = seed_caveats([row.result for row in self.rows])
        return " ".join([f"Test videos are paired{also}.", *caveats])


class ClassGain(NamedTuple):
    """The gain of one row over another in one class: the difference of their mean accuracies, as a fraction."""

    name: str
    role: str
    videos: int
    gain: float


def compare_methods(
    boards: Sequence[Board],
    methods: Sequence[str],
    figure: str = "hm",
    **options: str | None,
) -> MethodComparison:
    """Compare methods on the one board that has them all.

    Of a method with several configurations the one without changed settings in full precision is taken, if there
    is one, else all of them; if only one method is named, all of its configurations are compared.

    Args:
        boards: all boards.
        methods: names or titles of methods; one named twice counts once.
        figure: one of `RESAMPLED_FIGURES`.
        options: only boards of this dataset, features, split, calibration or text_order; None for any.

    Raises:
        UnknownNameError: a figure that cannot be compared, or a name that no record has.
        RecordError: no board has all of the methods.
        ConfigError: several boards have, or there is only one row to compare.
    """
    names = list(dict.fromkeys(_spelled(name, boards) for name in methods))
    if figure not in RESAMPLED_FIGURES:
        raise UnknownNameError("figure", figure, RESAMPLED_FIGURES)
    _require_known("method", names, [name for board in boards for name in _methods(board)])
    board = _common_board(_chosen(boards, options), names)
    rows, left_out = _rows(board, names)
    if len(rows) < 2:
        others = ", ".join(sorted(_methods(board) - set(names))) or "none"
        raise ConfigError(
            f"{names[0]!r} has only one row on board {board.name}; name another method of it too: {others}"
        )
    tests = pair_tests([row.result for row in rows], figure, [row.result for row in board.rows])
    return MethodComparison(board, tuple(rows), figure, tuple(tests), left_out)


def largest_changes(row: BoardRow, other: BoardRow, count: int) -> tuple[list[ClassGain], list[ClassGain]]:
    """Find at most `count` classes each in which a row gains and loses most against another row of its board.

    Returns:
        Gains, the largest first, and losses, the largest first; equal ones in the order of the records.
    """
    first, second = mean_class_accuracy([row.result.correctness, other.result.correctness])
    gain = first - second
    gain = np.where(np.abs(gain) > _EQUAL, gain, 0.0).round(12)  # equal changes stay equal on every machine
    classes = row.result.runs[0].record.classes
    found = [ClassGain(c.name, c.role, c.videos, float(g)) for c, g in zip(classes, gain, strict=True)]
    gains = sorted((c for c in found if c.gain > 0), key=lambda change: -change.gain)
    losses = sorted((c for c in found if c.gain < 0), key=lambda change: change.gain)
    return gains[:count], losses[:count]


def _methods(board: Board) -> set[str]:
    return {row.result.method.name for row in board.rows}


def _spelled(name: str, boards: Iterable[Board]) -> str:
    """Return the name of a method that is given by its name or, as in tables, by its title, in any case."""
    methods = [row.result.method for board in boards for row in board.rows]
    meant = names_meant(name, [(method.name, method.title) for method in methods])
    if len(meant) > 1:
        raise UnknownNameError("method", name, [method.name for method in methods], _HINT, meant)
    return meant[0] if meant else name


def _require_known(kind: str, names: Iterable[str], known: Iterable[str]) -> None:
    choices = set(known)
    for name in names:
        if name not in choices:
            raise UnknownNameError(kind, name, choices, _HINT)


def _chosen(boards: Sequence[Board], options: Mapping[str, str | None]) -> list[Board]:
    """Select the boards that the options allow."""
    left = list(boards)
    for option, chosen in options.items():
        if chosen is not None:
            value = _dataset_name(chosen) if option == "dataset" else chosen
            kind = "feature set" if option == "features" else option.replace("_", " ")
            _require_known(kind, [value], [_option(board, option) for board in boards])
            left = [board for board in left if _option(board, option) == value]
    if not left:
        given = {option.replace("_", " "): value for option, value in options.items() if value is not None}
        request = ", ".join(f"{option} {value}" for option, value in given.items())
        raise RecordError(f"no board of {request}; there are: {_names(boards)}")
    return left


def _dataset_name(given: str) -> str:
    """Return the name of a registered dataset that is given by its name or title, in any case."""
    meant = names_meant(given, [(dataset.name, dataset.title) for dataset in registered_datasets().values()])
    return meant[0] if len(meant) == 1 else given


def _option(board: Board, option: str) -> str:
    """Look up what an option selects boards by."""
    value: str = board.key.calibration if option == "calibration" else getattr(board.key.data, option)
    return value


def _common_board(boards: Sequence[Board], methods: Sequence[str]) -> Board:
    common = [board for board in boards if _methods(board).issuperset(methods)]
    if not common:
        found = [
            f"{name} on {_names([board for board in boards if name in _methods(board)]) or 'none of them'}"
            for name in methods
        ]
        raise RecordError(
            f"no board has all of these methods ({'; '.join(found)}); only runs on the same data, split and "
            "calibration can be compared"
        )
    if len(common) > 1:
        differing = [o for o in _OPTIONS if len({_option(board, o) for board in common}) > 1]
        differing = [f"--{option.replace('_', '-')}" for option in differing]
        choose = f"choose one with {' or '.join(differing)}"
        advice = choose if differing else "give the records of one alone with --results"
        raise ConfigError(f"several boards have these methods: {_names(common)}; {advice}")
    return common[0]


def _names(boards: Iterable[Board]) -> str:
    return ", ".join(board.name for board in boards)


def _rows(board: Board, methods: Sequence[str]) -> tuple[list[BoardRow], dict[str, int]]:
    """Select the rows of the methods, and count the configurations of each that are left out."""
    rows: list[BoardRow] = []
    left_out: dict[str, int] = {}
    for name in methods:
        own = [row for row in board.rows if row.result.method.name == name]
        plain = [row for row in own if not row.settings]
        taken = plain if plain and len(methods) > 1 else own
        if len(taken) < len(own):
            left_out[name] = len(own) - len(taken)
        rows += taken
    return rows, left_out
