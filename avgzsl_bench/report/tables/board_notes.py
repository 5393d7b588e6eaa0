"""Notes below the tables of a board, as plain sentences; renderers escape them."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from avgzsl_bench.report.boards.labels import MARKED
from avgzsl_bench.report.stats.pair_tests import seed_caveats
from avgzsl_bench.report.tables.literature_notes import origin_of
from avgzsl_bench.report.text import CONTRADICTS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from avgzsl_bench.report.boards.board import Board, BoardRow

_MEANINGS = {
    "reconstruction": "no program of the authors and not all of the paper was available; gaps were filled",
    "reference": "a yardstick, not a competitor",
}


def figure_notes(board: Board) -> list[str]:
    """Explain the main table: statistics, bold and reported figures, data and methods."""
    first, *others = _statistics_notes(board)
    competing = sum(row.competes for row in board.rows)
    bold = ["Bold: the best mean among competing methods."] if competing > 1 else []
    return [first, *bold, *others, *_comparable_notes(board), *_data_notes(board)]


def _data_notes(board: Board) -> list[str]:
    """Describe the data of the board, and name the methods that use more of it than others."""
    key = board.key
    notes = [
        f"Calibration {key.calibration}; split {key.data.split} (hash {key.data.split_hash[:12]}); "
        f"text order {key.data.text_order}; data fingerprint {key.data.fingerprint[:12]}.",
        f"{board.seen} seen and {board.unseen} unseen classes, {board.videos:,} test videos.",
    ]
    if board.missing:
        notes.append(f"Left out of the means for want of test videos: {', '.join(board.missing)}.")
    follows = {row.result.method.follows for row in board.rows}
    notes += _input_notes(board)
    notes += precision_notes(board.rows)
    return notes + [f"{mark}: {_MEANINGS[mark]}." for mark in MARKED if mark in follows]


def precision_notes(rows: Sequence[BoardRow]) -> list[str]:
    """Explain each precision other than full; empty if there is none."""
    found = sorted({row.result.options.get("precision", "full") for row in rows} - {"full"})
    return [f"precision {name}: of training alone; videos were scored in full precision." for name in found]


def _statistics_notes(board: Board) -> list[str]:
    """Explain ±, intervals and ranks, and the sources of variance over how many runs."""
    notes = [
        "S, U, HM, ZSL and AUSUC in percent. ± is the sample standard deviation over n seeds, n as in the "
        "column Seeds; a single seed has none.",
        f"Interval: 95 percent, of the mean HM, allowing for {_varied(board)}. Videos are resampled within "
        "their class.",
    ]
    ranked = [row.result for row in board.rows if row.result.ranks]
    if not ranked:
        return notes
    caveats = seed_caveats(ranked)
    rank = (
        "Rank: the ranks by HM that a method may have among those that compete, by paired tests of all pairs "
        "with Holm's correction"
    )
    together = f". {' '.join(caveats)}" if caveats else "; all hold together with 95 percent confidence."
    notes.append(f"{rank}{together}")
    if board.tied > 1:
        notes.append(
            "tied: may be the best, for no other can be told to be better. That is not to be equal: a row whose "
            "seeds scatter widely can be tied with everything."
        )
    return notes


def _comparable_notes(board: Board) -> list[str]:
    """Explain the reported figures in measured rows; empty if there are none."""
    figures = [match.figure for row in board.rows if (match := row.comparable_reported)]
    if not figures:
        return []
    notes = [
        "Reported HM: as printed, on the features and split of this table; inside, above or below: so lies the "
        "printed figure to the 95 percent interval of the measured one."
    ]
    if any(figure.recomputed_hm is not None for figure in figures):
        notes.append(f"{CONTRADICTS}: the printed HM contradicts the printed S and U.")
    return notes


def sensitivity_notes(board: Board) -> list[str]:
    """Explain the columns of the sensitivity table."""
    fixed = board.key.calibration.startswith("fixed:")
    chosen = "was fixed beforehand" if fixed else "was chosen on validation videos"
    return [
        "HM in percent of the same decisions under other biases, without training anew. ± is the sample "
        "standard deviation over the seeds.",
        f"The bias of the run {chosen}. A published grid stands for its value nearest to it.",
        "Oracle: the best bias on the test videos themselves; no method can claim it.",
    ]


def training_notes(board: Board) -> list[str]:
    """Explain the columns of the table of runs."""
    shortened = (
        "; on simulated features far shorter than the published schedules" if board.key.data.simulated else ""
    )
    return [
        f"Stage 1: what was trained, epochs x batches an epoch x videos a batch{shortened}.",
        "Training: mean over seeds of the seconds of both stages on the device named; times of different "
        "devices do not compare.",
    ]


def reported_notes(board: Board) -> list[str]:
    """Explain what the reported figures compare with, and name their sources; empty if there are none."""
    key, data = board.key, board.key.data
    figures = list(dict.fromkeys(match.figure for _, match in board.matches))
    if not figures:
        return []
    compared = (
        "not comparable with figures on simulated features"
        if data.simulated
        else f"comparable with measured ones only where these are the table's, {data.features}, {data.split}; "
        "inside, above or below: so lies the printed figure to the 95 percent interval of the measured one"
    )
    notes = [
        f"Reported figures are as printed by the sources named, on the features and split beside them; {compared}."
    ]
    if not key.data.simulated:
        notes.append(
            "The published programs choose the bias from a grid, and some place class embeddings as text order "
            f"'official' does; here calibration is {key.calibration}, text order {key.data.text_order}."
        )
    origins: dict[str, list[str]] = defaultdict(list)
    for figure in figures:
        place = f"({origin_of(figure)}; {figure.features}, {figure.split})"
        origins[f"{place}: {'; '.join(figure.notes)}." if figure.notes else f"{place}."].append(figure.method)
    notes += [f"{', '.join(methods)} {origin}" for origin, methods in origins.items()]
    notes += [
        f"{f.method}: printed HM {f.hm:.2f}, but printed S and U give {f.recomputed_hm:.2f}."
        for f in figures
        if f.recomputed_hm is not None
    ]
    sources = {figure.source: figure.citation for figure in figures}
    return notes + [f"{source}: {citation}" for source, citation in sources.items()]


def _varied(board: Board) -> str:
    """Name what the intervals allow for: once if it is the same for all rows, else with the rows it holds for."""
    found: dict[str, list[str]] = defaultdict(list)
    for row in board.rows:
        found[row.result.interval["hm"].varied].append(row.name)
    if len(found) == 1:
        return next(iter(found))
    return "; ".join(f"{varied} ({', '.join(dict.fromkeys(names))})" for varied, names in found.items())


def _input_notes(board: Board) -> list[str]:
    """Name methods that use more than one vector per modality and the class embeddings of the feature set."""
    stepwise = sorted({row.label for row in board.rows if row.result.sequences})
    given = sorted({(row.label, *text) for row in board.rows for text in row.result.added_text.items()})
    notes = [
        f"{label}: reads text {name!r} (hash {mark[:12]}), added to the dataset." for label, name, mark in given
    ]
    if stepwise:
        notes.append(f"{', '.join(stepwise)}: reads videos step by step; others are given means over time.")
    return notes
