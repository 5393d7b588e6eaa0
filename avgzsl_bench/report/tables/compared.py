"""Chosen methods of one board, compared with each other: every pair tested, and what each class gains."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from avgzsl_bench.errors import ConfigError, RecordError, UnknownNameError
from avgzsl_bench.report.stats.comparison import Comparison, compare, seed_caveats
from avgzsl_bench.report.stats.outcomes import RESAMPLED_FIGURES, class_gains, outcomes_of
from avgzsl_bench.report.stats.variance import varied

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from avgzsl_bench.report.tables.board import Board, Line

_HINT = "known are those with a record; make one with: avbench run --method NAME --dataset DATASET"
_OPTIONS = ("dataset", "features", "split", "calibration", "text_order")
"""What boards are chosen by."""
_EQUAL = 1e-12
"""Changes of a class accuracy up to this are rounding."""


@dataclass(frozen=True)
class Compared:
    """Rows of one board, compared in one figure.

    Attributes:
        board: where they stand.
        lines: two or more, in the order in which the methods were named.
        figure: `seen`, `unseen`, `hm` or `zsl`.
        comparisons: all pairs; their positions are those in `lines`.
        left_out: number of further configurations of a method, by its name.
    """

    board: Board
    lines: tuple[Line, ...]
    figure: str
    comparisons: tuple[Comparison, ...]
    left_out: Mapping[str, int]

    @property
    def tied_with_best(self) -> tuple[bool, ...]:
        """For each line, whether it competes and no other that does can be told to be better."""
        competing = [line.competes for line in self.lines]
        told = [c for c in self.comparisons if c.apart and competing[c.first] and competing[c.second]]
        worse = {c.second if c.difference > 0 else c.first for c in told}
        return tuple(competes and i not in worse for i, competes in enumerate(competing))


@dataclass(frozen=True)
class ClassGain:
    """What one row gains on another in one class.

    Attributes:
        name, role, videos: of the class, as in `record.ClassResult`.
        gain: difference of the mean accuracies over the runs of each, as a fraction.
    """

    name: str
    role: str
    videos: int
    gain: float


def compare_methods(
    boards: Sequence[Board],
    methods: Sequence[str],
    figure: str = "hm",
    *,
    dataset: str | None = None,
    features: str | None = None,
    split: str | None = None,
    calibration: str | None = None,
    text_order: str | None = None,
) -> Compared:
    """Compare methods on the one board that has them all.

    Of a method with several configurations the one without changed settings in full precision is taken, if there
    is one, else all of them; if only one method is named, all of its configurations are compared.

    Args:
        boards: all boards.
        methods: names or titles of methods; one named twice counts once.
        figure: `seen`, `unseen`, `hm` or `zsl`.
        dataset, features, split, calibration, text_order: only boards of these.

    Raises:
        UnknownNameError: a figure that cannot be compared, or a name that no record has.
        RecordError: no board has all of the methods.
        ConfigError: several boards have, or there is only one row to compare.
    """
    names = list(dict.fromkeys(_spelled(name, boards) for name in methods))
    if figure not in RESAMPLED_FIGURES:
        raise UnknownNameError("figure", figure, RESAMPLED_FIGURES)
    _require_known("method", names, [name for board in boards for name in _methods(board)])
    wanted = dict(zip(_OPTIONS, (dataset, features, split, calibration, text_order), strict=True))
    board = _common_board(_chosen(boards, wanted), names)
    lines, left_out = _lines(board, names)
    if len(lines) < 2:
        others = ", ".join(sorted(_methods(board) - set(names))) or "none"
        raise ConfigError(
            f"{names[0]!r} has only one row on board {board.name}; name another method of it too: {others}"
        )
    comparisons = compare([line.row for line in lines], figure)
    return Compared(board, tuple(lines), figure, tuple(comparisons), left_out)


def verdict(comparison: Comparison) -> str:
    """What a comparison says of its first row against its second."""
    if not comparison.apart:
        return "cannot be told apart"
    return "better" if comparison.difference > 0 else "worse"


def p_value(p: float) -> str:
    """A p value to four digits.

    Examples:
        >>> p_value(0.03125), p_value(1e-9)
        ('0.0312', '< 0.0001')
    """
    return f"{p:.4f}" if p >= 1e-4 else "< 0.0001"


def points(difference: float) -> str:
    """A difference of fractions in percentage points, with its sign; none where it rounds to 0.

    Examples:
        >>> points(0.0123), points(-1e-9)
        ('+1.23', '0.00')
    """
    text = f"{100 * difference:+.2f}"
    return text if float(text) else "0.00"


def varied_of(compared: Compared) -> tuple[str, ...]:
    """What the tests allow for, of each line: `videos and 3 seeds`, or `videos, one seed`."""
    return tuple(varied(len(line.row.runs)) for line in compared.lines)


def pairing_of(compared: Compared) -> str:
    """What is paired in the tests, and what few seeds take from them."""
    seeds = any(c.seeds_paired for c in compared.comparisons)
    also = "; seeds too, between configurations of one method run with the same seeds" if seeds else ""
    caveats = seed_caveats([line.row for line in compared.lines])
    return " ".join([f"Test videos are paired{also}.", *caveats])


def largest_changes(line: Line, other: Line, count: int) -> tuple[list[ClassGain], list[ClassGain]]:
    """The classes in which a row gains and loses most against another row of its board.

    Args:
        line: the row.
        other: what it is set against.
        count: how many classes of each kind at most.

    Returns:
        Gains, the largest first, and losses, the largest first; equal ones in the order of the records.
    """
    gain = class_gains(outcomes_of(line.row.runs), outcomes_of(other.row.runs))
    gain = np.where(np.abs(gain) > _EQUAL, gain, 0.0).round(12)  # equal changes stay equal on every machine
    classes = line.row.runs[0].record.classes
    found = [ClassGain(c.name, c.role, c.videos, float(g)) for c, g in zip(classes, gain, strict=True)]
    ascending = sorted(found, key=lambda change: change.gain)
    descending = sorted(found, key=lambda change: -change.gain)
    return (
        [change for change in descending if change.gain > 0][:count],
        [change for change in ascending if change.gain < 0][:count],
    )


def _methods(board: Board) -> set[str]:
    return {line.row.method.name for line in board.lines}


def _spelled(name: str, boards: Iterable[Board]) -> str:
    """The name of a method that is called by its name or, as in tables, by its title, in any case."""
    wanted = name.casefold()
    methods = [line.row.method for board in boards for line in board.lines]
    return next((m.name for m in methods if wanted in (m.name.casefold(), m.title.casefold())), name)


def _require_known(kind: str, names: Iterable[str], known: Iterable[str]) -> None:
    choices = set(known)
    for name in names:
        if name not in choices:
            raise UnknownNameError(kind, name, choices, _HINT)


def _chosen(boards: Sequence[Board], options: Mapping[str, str | None]) -> list[Board]:
    """The boards that options leave."""
    left = list(boards)
    for option, value in options.items():
        if value is not None:
            kind = "feature set" if option == "features" else option.replace("_", " ")
            _require_known(kind, [value], [getattr(board.key, option) for board in boards])
            left = [board for board in left if getattr(board.key, option) == value]
    if not left:
        given = {option.replace("_", " "): value for option, value in options.items() if value is not None}
        wanted = ", ".join(f"{option} {value}" for option, value in given.items())
        raise RecordError(f"no board of {wanted}; there are: {_names(boards)}")
    return left


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
        differing = [o for o in _OPTIONS if len({getattr(board.key, o) for board in common}) > 1]
        differing = [f"--{option.replace('_', '-')}" for option in differing]
        choose = f"choose one with {' or '.join(differing)}"
        advice = choose if differing else "give the records of one alone with --results"
        raise ConfigError(f"several boards have these methods: {_names(common)}; {advice}")
    return common[0]


def _names(boards: Iterable[Board]) -> str:
    return ", ".join(board.name for board in boards)


def _lines(board: Board, methods: Sequence[str]) -> tuple[list[Line], dict[str, int]]:
    """The rows of the methods, and how many configurations of each are left out."""
    lines: list[Line] = []
    left_out: dict[str, int] = {}
    for name in methods:
        own = [line for line in board.lines if line.row.method.name == name]
        plain = [line for line in own if not line.settings]
        taken = plain if plain and len(methods) > 1 else own
        if len(taken) < len(own):
            left_out[name] = len(own) - len(taken)
        lines += taken
    return lines, left_out
