"""A board as one table for programs: one row per method and configuration."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from avgzsl_bench.report.reported.figures import PRINTED
from avgzsl_bench.report.reported.protocol import FACTS
from avgzsl_bench.report.stats.correctness import RESAMPLED_FIGURES
from avgzsl_bench.report.stats.rows import FIGURES
from avgzsl_bench.report.stats.sensitivity import CONDITIONS
from avgzsl_bench.report.tables.table import Table, Value, value_table
from avgzsl_bench.report.text import one_line

if TYPE_CHECKING:
    from avgzsl_bench.report.boards.board import Board, BoardRow
    from avgzsl_bench.report.reported.verdicts import ReportedMatch
    from avgzsl_bench.report.stats.rows import ResultRow

_ELSEWHERE = ("seeds", "precision", "calibration", "text_order", "fingerprint", "split_hash", "distribution")
"""Provenance that has its column already."""


def data_table(board: Board) -> Table:
    """Put all that is known of each row in one table: measured figures are fractions, reported ones percent.

    Reported is what comes first for the row: on the board's features and split, if a source has it.
    """
    return value_table([_record(board, row, board.provenance[i]) for i, row in enumerate(board.rows)])


def schedule(row: ResultRow) -> str:
    """Write the schedule of stage 1: `epochs x batches x videos per batch`, or only epochs without batches."""
    batches, size = row.method.config.get("batches_per_epoch"), row.method.config.get("batch_size")
    if not (isinstance(batches, int) and isinstance(size, int)):
        return str(row.epochs)
    return f"{row.epochs} x {batches} x {size}"


def _record(board: Board, row: BoardRow, provenance: dict[str, str]) -> dict[str, Value]:
    result, key = row.result, board.key
    method = result.method
    return {
        "method": method.name,
        **{name: one_line(getattr(method, name)) for name in ("title", "follows", "distribution", "version")},
        "settings_changed": json.dumps(method.changed, sort_keys=True),
        "sequences": result.sequences,
        "added_text": json.dumps(dict(result.added_text), sort_keys=True),
        "precision": result.options.get("precision", "full"),
        "epochs_trained": result.epochs,
        "stage_1": schedule(result),
        "n_seeds": len(result.seeds),
        "seeds": " ".join(map(str, result.seeds)),
        **_measured(result),
        **{f"hm_{name}_mean": row.sensitivity[name].mean for name in CONDITIONS},
        **{f"hm_{name}_std": row.sensitivity[name].std for name in CONDITIONS},
        "best_epoch_mean": sum(result.best_epochs) / len(result.best_epochs),
        "best_epochs": " ".join(map(str, result.best_epochs)),
        "parameters": method.parameters,
        "training_seconds_mean": row.training_seconds,
        **_reported(row.reported[0] if row.reported else None),
        **{name: getattr(key.data, name) for name in ("dataset", "features", "split")},
        "calibration": key.calibration,
        **{name: getattr(key.data, name) for name in ("text_order", "fingerprint", "split_hash", "simulated")},
        "seen_classes": board.seen,
        "unseen_classes": board.unseen,
        "test_videos": board.videos,
        **{name: text for name, text in provenance.items() if name not in _ELSEWHERE},
    }


def _measured(row: ResultRow) -> dict[str, Value]:
    found: dict[str, Value] = {}
    for figure in (*FIGURES, "bias"):
        found |= {f"{figure}_mean": row.spread[figure].mean, f"{figure}_std": row.spread[figure].std}
    for figure in RESAMPLED_FIGURES:
        found |= {f"{figure}_low": row.interval[figure].low, f"{figure}_high": row.interval[figure].high}
    for figure, interval in row.class_interval.items():
        found |= {f"{figure}_classes_low": interval.low, f"{figure}_classes_high": interval.high}
    return found | {
        "interval_allows_for": row.interval["hm"].varied,
        "rank_best": row.ranks.best if row.ranks else None,
        "rank_worst": row.ranks.worst if row.ranks else None,
        "tied_with_best": row.tied_with_best,
        "hm_detectable_difference": row.detectable,
    }


def _reported(match: ReportedMatch | None) -> dict[str, Value]:
    figure = match.figure if match else None
    found: dict[str, Value] = {f"reported_{name}_percent": getattr(figure, name, None) for name in PRINTED}
    found |= {f"reported_{name}": getattr(figure, name, None) for name in ("features", "split", "source")}
    found |= {f"reported_{name}": getattr(figure.protocol, name) if figure else None for name in FACTS}
    for name in PRINTED:
        verdict = match.verdicts[name] if match else None
        found[f"verdict_{name}"] = verdict.word if verdict else None
        found[f"verdict_{name}_reason"] = verdict.text if verdict else None
        found[f"verdict_{name}_width_percent"] = verdict.width if verdict else None
    return found
