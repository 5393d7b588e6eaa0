"""Boards as CSV for programs: one row a method and configuration."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pandas as pd

from avgzsl_bench.report.formats.board_markdown import schedule
from avgzsl_bench.report.reported.beside import beside
from avgzsl_bench.report.reported.figures import PRINTED
from avgzsl_bench.report.stats.outcomes import RESAMPLED_FIGURES
from avgzsl_bench.report.stats.rows import FIGURES
from avgzsl_bench.report.stats.sensitivity import CONDITIONS
from avgzsl_bench.report.tables.board import one_line
from avgzsl_bench.report.tables.provenance import provenance_of, training_seconds

if TYPE_CHECKING:
    from avgzsl_bench.report.reported.beside import Beside
    from avgzsl_bench.report.tables.board import Board, Line

HEADER = "method,title,follows,distribution,version,settings_changed,"
"""What the first line of every file begins with."""
_ELSEWHERE = ("seeds", "precision", "calibration", "text_order", "fingerprint", "split_hash", "distribution")
"""Provenance that has its column already."""


def csv_of(board: Board) -> str:
    """A board as CSV: measured figures are fractions in full precision, reported ones percent as printed.

    Reported is what comes first for the row: on the board's features and split, if a source has it.
    """
    first: dict[int, Beside] = {}
    for found in beside(board):
        first.setdefault(id(found.line), found)
    table = pd.DataFrame([_record(board, line, first.get(id(line))) for line in board.lines])
    for name in ("parameters", "rank_best", "rank_worst"):
        table[name] = table[name].astype("Int64")
    return table.to_csv(index=False, lineterminator="\n")


def _record(board: Board, line: Line, reported: Beside | None) -> dict[str, Any]:
    row, key = line.row, board.key
    method = row.method
    provenance = provenance_of(row, key)
    return {
        "method": method.name,
        "title": one_line(method.title),
        "follows": one_line(method.follows),
        "distribution": one_line(method.distribution),
        "version": one_line(method.version),
        "settings_changed": json.dumps(method.changed, sort_keys=True),
        "sequences": row.sequences,
        "added_text": json.dumps(dict(row.added_text), sort_keys=True),
        "precision": row.precision,
        "epochs_trained": row.epochs,
        "stage_1": schedule(row),
        "n_seeds": len(row.seeds),
        "seeds": " ".join(map(str, row.seeds)),
        **_measured(line),
        **_sensitivity(line),
        "best_epoch_mean": sum(row.best_epochs) / len(row.best_epochs),
        "best_epochs": " ".join(map(str, row.best_epochs)),
        "parameters": method.parameters,
        "training_seconds_mean": training_seconds(row),
        **_reported(reported),
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
        **{name: text for name, text in provenance.items() if name not in _ELSEWHERE},
    }


def _measured(line: Line) -> dict[str, Any]:
    row = line.row
    found: dict[str, Any] = {}
    for figure in (*FIGURES, "bias"):
        found |= {f"{figure}_mean": row.spread[figure].mean, f"{figure}_std": row.spread[figure].std}
    for figure in RESAMPLED_FIGURES:
        found |= {f"{figure}_low": row.interval[figure].low, f"{figure}_high": row.interval[figure].high}
    return found | {
        "interval_allows_for": row.interval["hm"].varied,
        "rank_best": row.ranks.best if row.ranks else None,
        "rank_worst": row.ranks.worst if row.ranks else None,
        "tied_with_best": row.tied_with_best,
    }


def _sensitivity(line: Line) -> dict[str, Any]:
    found = line.sensitivity
    return {f"hm_{name}_mean": found[name].mean for name in CONDITIONS} | {
        f"hm_{name}_std": found[name].std for name in CONDITIONS
    }


def _reported(reported: Beside | None) -> dict[str, Any]:
    figure = reported.figure if reported else None
    found = {f"reported_{name}_percent": getattr(figure, name, None) for name in PRINTED}
    found |= {f"reported_{name}": getattr(figure, name, None) for name in ("features", "split", "source")}
    for name in PRINTED:
        verdict = reported.verdicts[name] if reported else None
        found[f"verdict_{name}"] = getattr(verdict, "word", None)
        found[f"verdict_{name}_reason"] = getattr(verdict, "reason", None)
    return found
