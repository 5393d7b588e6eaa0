"""What must be known to read a board, as plain sentences; whoever shows them escapes them."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from avgzsl_bench.report.reported.beside import like_reported
from avgzsl_bench.report.stats.comparison import seed_caveats
from avgzsl_bench.report.tables.board import MARKED, Board, Line
from avgzsl_bench.report.tables.literature_notes import CONTRADICTS, origin_of

if TYPE_CHECKING:
    from collections.abc import Sequence

_MEANINGS = {
    "reconstruction": "no program of the authors and not all of the paper was available; gaps were filled",
    "reference": "a yardstick, not a competitor",
}


def data_notes(board: Board) -> list[str]:
    """What the board was measured on, and which methods were given more than the others."""
    key = board.key
    notes = [
        f"Calibration {key.calibration}; split {key.split} (hash {key.split_hash[:12]}); "
        f"text order {key.text_order}; data fingerprint {key.fingerprint[:12]}.",
        f"{board.seen} seen and {board.unseen} unseen classes, {board.videos:,} test videos.",
    ]
    if board.missing:
        notes.append(f"Left out of the means for want of test videos: {', '.join(board.missing)}.")
    follows = {line.row.method.follows for line in board.lines}
    notes += _input_notes(board)
    notes += precision_notes(board.lines)
    return notes + [f"{mark}: {_MEANINGS[mark]}." for mark in MARKED if mark in follows]


def precision_notes(lines: Sequence[Line]) -> list[str]:
    """What another precision than full is of; empty without any."""
    found = sorted({line.row.precision for line in lines} - {"full"})
    return [f"precision {name}: of training alone; videos were scored in full precision." for name in found]


def statistics_notes(board: Board) -> list[str]:
    """What ±, intervals and ranks mean, and what varied over how many runs."""
    notes = [
        "S, U, HM, ZSL and AUSUC in percent. ± is the sample standard deviation over n seeds, n as in the "
        "column Seeds; a single seed has none.",
        f"Interval: 95 percent, of the mean HM, allowing for {_varied(board)}. Videos are resampled within "
        "their class.",
    ]
    ranked = [line.row for line in board.lines if line.row.ranks]
    if not ranked:
        return notes
    caveats = seed_caveats(ranked)
    rank = (
        "Rank: the ranks by HM that a method may have among those that compete, by paired tests of all pairs "
        "with Holm's correction"
    )
    together = f". {' '.join(caveats)}" if caveats else "; all hold together with 95 percent confidence."
    notes.append(f"{rank}{together}")
    if tied_lines(board) > 1:
        notes.append(
            "tied: may be the best, for no other can be told to be better. That is not to be equal: a row whose "
            "seeds scatter widely can be tied with everything."
        )
    return notes


def like_notes(board: Board) -> list[str]:
    """What the reported figures in measured rows are; empty without any."""
    figures = [found.figure for found in like_reported(board).values()]
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
    """What the columns of the sensitivity table are."""
    fixed = board.key.calibration.startswith("fixed:")
    chosen = "was fixed beforehand" if fixed else "was chosen on validation videos"
    return [
        "HM in percent of the same decisions under other biases, without training anew. ± is the sample "
        "standard deviation over the seeds.",
        f"The bias of the run {chosen}. A published grid stands for its value nearest to it.",
        "Oracle: the best bias on the test videos themselves; no method can claim it.",
    ]


def training_notes(board: Board) -> list[str]:
    """What the columns of the table of runs are."""
    shortened = "; on simulated features far shorter than the published schedules" if board.key.simulated else ""
    return [
        f"Stage 1: what was trained, epochs x batches an epoch x videos a batch{shortened}.",
        "Training: mean over seeds of the seconds of both stages on the device named; times of different "
        "devices do not compare.",
    ]


def reported_notes(board: Board) -> list[str]:
    """What the reported figures compare with, and where they come from; empty without any."""
    key = board.key
    figures = list(dict.fromkeys(figure for line in board.lines for figure in line.reported))
    if not figures:
        return []
    compared = (
        "not comparable with figures on simulated features"
        if key.simulated
        else f"comparable with measured ones only where these are the table's, {key.features}, {key.split}; "
        "inside, above or below: so lies the printed figure to the 95 percent interval of the measured one"
    )
    notes = [
        f"Reported figures are as printed by the sources named, on the features and split beside them; {compared}."
    ]
    if not key.simulated:
        notes.append(
            "The published programs choose the bias from a grid, and some place class embeddings as text order "
            f"'official' does; here calibration is {key.calibration}, text order {key.text_order}."
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


def tied_lines(board: Board) -> int:
    """How many rows cannot be told apart from the best, the best among them."""
    return sum(line.row.tied_with_best for line in board.lines)


def _varied(board: Board) -> str:
    """What the intervals allow for: once if it is the same for all rows, else with the rows it holds for."""
    found: dict[str, list[str]] = defaultdict(list)
    for line in board.lines:
        found[line.row.interval["hm"].varied].append(line.name)
    if len(found) == 1:
        return next(iter(found))
    return "; ".join(f"{varied} ({_listed(labels)})" for varied, labels in found.items())


def _listed(labels: Sequence[str]) -> str:
    return ", ".join(dict.fromkeys(labels))


def _input_notes(board: Board) -> list[str]:
    """Which methods were given more than a vector a modality and the feature set's text embeddings."""
    stepwise = sorted({line.label for line in board.lines if line.row.sequences})
    given = sorted({(line.label, *text) for line in board.lines for text in line.row.added_text.items()})
    notes = [
        f"{label}: reads text {name!r} (hash {mark[:12]}), added to the dataset." for label, name, mark in given
    ]
    if stepwise:
        notes.append(f"{', '.join(stepwise)}: reads videos step by step; others are given means over time.")
    return notes
