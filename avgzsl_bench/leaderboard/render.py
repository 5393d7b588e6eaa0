"""Boards as Markdown for readers and as CSV for programs."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from typing import Any

import pandas as pd

from avgzsl_bench.leaderboard.board import MARKED, Board, Line, one_line
from avgzsl_bench.leaderboard.statistics import FIGURES, Spread

SIMULATED_WARNING = "SIMULATED features: these figures say nothing about real videos."
_NONE = "–"
_TITLES = {"seen": "S", "unseen": "U", "hm": "HM", "zsl": "ZSL", "ausuc": "AUSUC"}
_RIGHT = {"Seeds", *_TITLES.values(), "Parameters", "Reported HM"}
_MEANINGS = {
    "reconstruction": "no program of the authors and not all of the paper was available; gaps were filled",
    "reference": "a yardstick, not a competitor",
}


def markdown_of(board: Board, level: int) -> str:
    """A board as a heading of the given level, a table and what must be known to read it."""
    best = _best(board)
    cells = pd.DataFrame([_cells(line, best) for line in board.lines])
    align = ["right" if column in _RIGHT else "left" for column in cells.columns]
    table = cells.to_markdown(index=False, disable_numparse=True, colalign=align)
    warning = [f"**{SIMULATED_WARNING}**"] if board.key.simulated else []
    parts = [f"{'#' * level} {_escape(board.heading)}", *warning, table, _list(_notes(board))]
    return "\n\n".join(parts) + "\n"


def csv_of(board: Board) -> str:
    """A board as CSV: measured figures are fractions in full precision, reported ones percent as printed."""
    table = pd.DataFrame([_record(board, line) for line in board.lines])
    table["parameters"] = table["parameters"].astype("Int64")
    return table.to_csv(index=False, lineterminator="\n")


def percent(value: Spread) -> str:
    """`mean ± standard deviation` in percent; the mean alone for a single seed."""
    mean = f"{100 * value.mean:.2f}"
    return mean if value.std is None else f"{mean} ± {100 * value.std:.2f}"


def _escape(text: str) -> str:
    """Text that Markdown shows as it is, in a table cell too."""
    escaped = re.sub(r"([\\`*\[\]|~])", r"\\\1", one_line(text))
    return escaped.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _list(items: list[str]) -> str:
    return "\n".join(f"- {item}" for item in items)


def _best(board: Board) -> dict[str, float]:
    """The best mean of each figure among methods that compete; nothing where only one does."""
    rows = [line.row for line in board.lines if line.competes]
    return {f: max(row.spread[f].mean for row in rows) for f in FIGURES} if len(rows) > 1 else {}


def _cells(line: Line, best: dict[str, float]) -> dict[str, str]:
    row = line.row
    figures = {}
    for figure in FIGURES:
        text = percent(row.spread[figure])
        strong = line.competes and row.spread[figure].mean == best.get(figure)
        figures[_TITLES[figure]] = f"**{text}**" if strong else text
    parameters = row.method.parameters
    return {
        "Method": _escape(line.label),
        "Settings changed": _escape(line.settings) or _NONE,
        "Seeds": str(len(row.seeds)),
        **figures,
        "Parameters": _NONE if parameters is None else f"{parameters:,}",
        "Stage 1": _escape(_schedule(line)),
        "Reported HM": "; ".join(f"{r.hm:.2f}" for r in line.reported) or _NONE,
        "Reported on": "; ".join(_escape(f"{r.features}, {r.split}") for r in line.reported) or _NONE,
    }


def _schedule(line: Line) -> str:
    """What stage 1 trained: `epochs x batches x videos a batch`, or epochs alone where there are no batches."""
    config = line.row.method.config
    batches, size = config.get("batches_per_epoch"), config.get("batch_size")
    if not (isinstance(batches, int) and isinstance(size, int)):
        return str(line.row.epochs)
    return f"{line.row.epochs} x {batches} x {size}"


def _notes(board: Board) -> list[str]:
    key = board.key
    notes = [
        f"Calibration {key.calibration}; split {key.split} (hash {key.split_hash[:12]}); "
        f"text order {key.text_order}; data fingerprint {key.fingerprint[:12]}.",
        f"{board.seen} seen and {board.unseen} unseen classes, {board.videos:,} test videos.",
    ]
    if board.missing:
        notes.append(_escape(f"Left out of the means for want of test videos: {', '.join(board.missing)}."))
    notes.append(
        "S, U, HM, ZSL and AUSUC in percent. ± is the sample standard deviation over n seeds, n as in the "
        "column Seeds; a single seed has none."
    )
    shortened = "; on simulated features far shorter than the published schedules" if key.simulated else ""
    notes.append(f"Stage 1: what was trained, epochs x batches an epoch x videos a batch{shortened}.")
    if _best(board):
        notes.append("Bold: the best mean among competing methods.")
    notes += [_escape(note) for note in _input_notes(board)]
    follows = {line.row.method.follows for line in board.lines}
    notes += [f"{mark}: {_MEANINGS[mark]}." for mark in MARKED if mark in follows]
    return notes + _reported_notes(board)


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


def _reported_notes(board: Board) -> list[str]:
    """What a reader must know of the reported figures: what they compare with, and where they come from."""
    key = board.key
    figures = list(dict.fromkeys(figure for line in board.lines for figure in line.reported))
    if not figures:
        return []
    compared = (
        "not comparable with figures on simulated features"
        if key.simulated
        else f"comparable with measured ones only where these are the table's, {key.features}, {key.split}"
    )
    notes = [f"Reported figures are the papers' own, on the features and split named beside them; {compared}."]
    origins: dict[str, list[str]] = defaultdict(list)
    for figure in figures:
        place = f"Table {figure.table} of {figure.source}; {figure.features}, {figure.split}"
        origins[f"({place}): {figure.why}."].append(figure.method)
    notes += [_escape(f"{', '.join(methods)} {origin}") for origin, methods in origins.items()]
    notes += [
        _escape(f"{f.method}: printed HM {f.hm:.2f}, but printed S and U give {f.recomputed_hm:.2f}.")
        for f in figures
        if f.recomputed_hm is not None
    ]
    sources = {figure.source: figure.citation for figure in figures}
    return notes + [_escape(f"{source}: {citation}") for source, citation in sources.items()]


def _record(board: Board, line: Line) -> dict[str, Any]:
    row, key = line.row, board.key
    method = row.method
    reported = line.reported[0] if line.reported else None
    spreads: dict[str, float | None] = {}
    for figure in (*FIGURES, "bias"):
        spreads |= {f"{figure}_mean": row.spread[figure].mean, f"{figure}_std": row.spread[figure].std}
    return {
        "method": method.name,
        "title": one_line(method.title),
        "follows": one_line(method.follows),
        "distribution": one_line(method.distribution),
        "version": one_line(method.version),
        "settings_changed": json.dumps(method.changed, sort_keys=True),
        "sequences": row.sequences,
        "added_text": json.dumps(dict(row.added_text), sort_keys=True),
        "epochs_trained": row.epochs,
        "stage_1": _schedule(line),
        "n_seeds": len(row.seeds),
        "seeds": " ".join(map(str, row.seeds)),
        **spreads,
        "best_epoch_mean": sum(row.best_epochs) / len(row.best_epochs),
        "best_epochs": " ".join(map(str, row.best_epochs)),
        "parameters": method.parameters,
        **{f"reported_{f}_percent": getattr(reported, f, None) for f in ("seen", "unseen", "hm", "zsl")},
        **{f"reported_{f}": getattr(reported, f, None) for f in ("features", "split", "source")},
        "dataset": key.dataset,
        "features": key.features,
        "split": key.split,
        "calibration": key.calibration,
        "text_order": key.text_order,
        "fingerprint": key.fingerprint,
        "split_hash": key.split_hash,
        "simulated": key.simulated,
        "seen_classes": board.seen,
        "unseen_classes": board.unseen,
        "test_videos": board.videos,
    }
