"""Notes below the tables of a board, as plain sentences; renderers escape them."""

from __future__ import annotations

import math
from collections import defaultdict
from statistics import median
from typing import TYPE_CHECKING

from avgzsl_bench.data.datasets.standard import differences_text
from avgzsl_bench.report.boards.labels import MARKED
from avgzsl_bench.report.boards.pretraining import known_overlap, rows_by_pretraining
from avgzsl_bench.report.reported.verdicts import POSITIONS
from avgzsl_bench.report.stats.moderation import MODERATED_SEEDS
from avgzsl_bench.report.stats.pair_tests import seed_caveats
from avgzsl_bench.report.stats.pairwise import POWER
from avgzsl_bench.report.tables.literature import origin_of
from avgzsl_bench.report.tables.notes import TEXTS, contradictions

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from avgzsl_bench.report.boards.board import Board, BoardRow
    from avgzsl_bench.report.reported.verdicts import ReportedMatch
    from avgzsl_bench.report.stats.variance import Interval

_TEXTS = TEXTS["board"]


def figure_notes(board: Board) -> Iterator[str]:
    """Explain the main table: statistics, bold and reported figures, data and methods."""
    yield _TEXTS["figures"]
    if sum(row.competes for row in board.rows) > 1:
        yield _TEXTS["bold"]
    yield _TEXTS["interval"].format(varied=_varied(board, [row.result.interval["hm"] for row in board.rows]))
    of_classes = [row.result.class_interval["hm"] for row in board.rows]
    if not all(math.isnan(interval.low) for interval in of_classes):
        yield _TEXTS["class_interval"].format(
            varied=_varied(board, of_classes), board=board, degrees=board.unseen - 1
        )
    ranked = [row.result for row in board.rows if row.result.ranks]
    if ranked:
        caveats = seed_caveats(ranked)
        moderated = _TEXTS["moderated"].format(seeds=MODERATED_SEEDS) if board.moderated else ""
        few = any(len(row.seeds) < MODERATED_SEEDS for row in ranked)
        together = _TEXTS["nearly" if few else "together"].format(seeds=MODERATED_SEEDS)
        yield _TEXTS["rank"] + moderated + (f". {' '.join(caveats)}" if caveats else together)
    if board.tied > 1:
        yield _TEXTS["not_below"]
    yield from _detectable(board)
    yield from _comparable_notes([match for row in board.rows if (match := row.comparable_reported)])
    yield from _data_notes(board)


def _comparable_notes(matches: Sequence[ReportedMatch]) -> Iterator[str]:
    """Explain the printed HM beside measured ones, and the words that stand behind it."""
    words = {match.verdicts["hm"].word for match in matches}
    if matches:
        yield _TEXTS["comparable"]
    if words.intersection(POSITIONS):
        yield _TEXTS["position"]
    if words.difference(POSITIONS):
        yield _TEXTS["other_protocol"]
    if any(match.figure.recomputed_hm is not None for match in matches):
        yield _TEXTS["contradicts"]


def precision_notes(rows: Sequence[BoardRow]) -> list[str]:
    """Explain each precision other than full; empty if there is none."""
    found = {row.result.options.get("precision", "full") for row in rows} - {"full"}
    return [_TEXTS["precision"].format(name=name) for name in sorted(found)]


def code_notes(rows: Sequence[BoardRow]) -> list[str]:
    """Explain rows of one method that differ in code, and those without; empty if there are neither."""
    unknown = sum(row.result.method.code is None for row in rows)
    if unknown == len(rows):
        return [_TEXTS["no_code_at_all"]]
    codes: dict[str, set[tuple[str | None, int | None]]] = defaultdict(set)
    for row in rows:
        codes[row.result.method.name].add((row.result.method.code, row.result.numerics))
    notes = [_TEXTS["codes"]] if any(len(found) > 1 for found in codes.values()) else []
    return [*notes, _TEXTS["no_code"]] if unknown else notes


def sensitivity_notes(board: Board) -> list[str]:
    """Explain the columns of the sensitivity table."""
    fixed = board.key.calibration.startswith("fixed:")
    return [_TEXTS["biases"], _TEXTS["fixed" if fixed else "validated"], _TEXTS["oracle"]]


def training_notes(board: Board) -> list[str]:
    """Explain the columns of the table of runs."""
    return [_TEXTS["stage_1_simulated" if board.key.data.simulated else "stage_1"], _TEXTS["training"]]


def reported_notes(board: Board) -> Iterator[str]:
    """Explain what the reported figures compare with, and name their sources."""
    key, figures = board.key, list(dict.fromkeys(match.figure for _, match in board.matches))
    if key.data.simulated:
        yield _TEXTS["reported_simulated"]
    elif board.facts.obstacles:
        yield _TEXTS["reported_elsewhere"].format(reason="; ".join(board.facts.obstacles))
    else:
        yield _TEXTS["reported"].format(data=key.data)
        yield _TEXTS["own_protocol"].format(key=key)
    if any(match.widths for _, match in board.matches):
        yield _TEXTS["position"]
        yield _TEXTS["width"]
    origins: dict[str, list[str]] = defaultdict(list)
    for figure in figures:
        place = f"({origin_of(figure)}; {figure.features}, {figure.split}; {figure.protocol})"
        origins[f"{place}: {'; '.join(figure.notes)}." if figure.notes else f"{place}."].append(figure.method)
    yield from (f"{', '.join(methods)} {origin}" for origin, methods in origins.items())
    yield from contradictions((figure.method, figure) for figure in figures)
    sources = {figure.source: figure.citation for figure in figures}
    yield from (f"{source}: {citation}" for source, citation in sources.items())


def _data_notes(board: Board) -> Iterator[str]:
    """Describe the data of the board, and name the methods that use more of it than others."""
    yield _TEXTS["data"].format(key=board.key, origins=" / ".join(board.facts.origins))
    if board.facts.differences:
        yield _TEXTS["other_videos"].format(partitions=differences_text(board.facts.differences))
    yield _TEXTS["classes"].format(board=board)
    if board.missing:
        yield _TEXTS["missing"].format(names=", ".join(board.missing))
    given = {(row.label, *text) for row in board.rows for text in row.result.added_text.items()}
    for label, name, mark in sorted(given):
        yield _TEXTS["added_text"].format(label=label, name=name, mark=mark)
    stepwise = sorted({row.label for row in board.rows if row.result.sequences})
    if stepwise:
        yield _TEXTS["steps"].format(labels=", ".join(stepwise))
    if by_pretraining := rows_by_pretraining(board):
        yield _TEXTS["pretraining"].format(labels=", ".join(by_pretraining), overlap=known_overlap(board))
    yield from precision_notes(board.rows)
    yield from code_notes(board.rows)
    follows = {row.result.method.follows for row in board.rows}
    yield from (_TEXTS[mark] for mark in MARKED if mark in follows)


def _detectable(board: Board) -> Iterator[str]:
    """State the smallest difference in HM that the tests of the board find, if they can find any."""
    found = sorted((value, row.name) for row in board.rows if (value := row.result.detectable) is not None)
    if found:
        (low, best), (high, worst) = found[0], found[-1]
        typical, low_text, high_text = (_points(v) for v in (median(value for value, _ in found), low, high))
        yield _TEXTS["detectable"].format(
            typical=typical, low=low_text, best=best, high=high_text, worst=worst, power=POWER
        )


def _points(difference: float) -> str:
    """Write a detectable difference in points of HM; none is larger than 100."""
    return f"{100 * difference:.1f}" if difference < 1 else "more than 100"


def _varied(board: Board, intervals: Sequence[Interval]) -> str:
    """Name what intervals allow for: once if it is the same for all rows, else with the rows it holds for."""
    found: dict[str, list[str]] = defaultdict(list)
    for row, interval in zip(board.rows, intervals, strict=True):
        found[interval.varied].append(row.name)
    if len(found) == 1:
        return next(iter(found))
    return "; ".join(f"{varied} ({', '.join(dict.fromkeys(names))})" for varied, names in found.items())
