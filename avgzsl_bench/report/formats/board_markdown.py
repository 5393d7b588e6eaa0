"""Boards as Markdown, and the pieces of text that every format shows alike."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pandas as pd

from avgzsl_bench.data.cards.cards import has_card
from avgzsl_bench.report.formats.markdown import escape
from avgzsl_bench.report.reported.beside import beside, like_reported
from avgzsl_bench.report.reported.figures import PRINTED
from avgzsl_bench.report.stats.rows import FIGURES, RANKED
from avgzsl_bench.report.stats.sensitivity import CONDITIONS
from avgzsl_bench.report.tables.notes import (
    data_notes,
    like_notes,
    reported_notes,
    sensitivity_notes,
    statistics_notes,
    tied_lines,
    training_notes,
)
from avgzsl_bench.report.tables.provenance import provenance_of, training_seconds

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from avgzsl_bench.report.stats.rows import Row, Spread
    from avgzsl_bench.report.tables.board import Board, Line

CARDS = "feature-sets.md"
"""The file beside the boards that has the cards of their feature sets."""
SIMULATED_WARNING = "SIMULATED features: these figures say nothing about real videos."
NONE = "–"
TITLES: Mapping[str, str] = {"seen": "S", "unseen": "U", "hm": "HM", "zsl": "ZSL", "ausuc": "AUSUC"}
"""Of the figures, in the order of `FIGURES`."""
_LEFT = ("Method", "Settings changed", "Source", "Features, split", "Remark", "Device")


def percent(value: Spread) -> str:
    """`mean ± standard deviation` in percent; the mean alone for a single seed."""
    mean = f"{100 * value.mean:.2f}"
    return mean if value.std is None else f"{mean} ± {100 * value.std:.2f}"


def interval(row: Row, figure: str = RANKED) -> str:
    """The limits of the 95 percent interval of a figure, in percent; a dash where there is none."""
    found = row.interval[figure]
    if math.isnan(found.low):
        return NONE
    return f"{100 * found.low:.2f} to {100 * found.high:.2f}"


def rank(row: Row, tied: int) -> str:
    """The ranks a row may have, with a word where it is tied with the best.

    Args:
        row: what is ranked; a yardstick has no rank.
        tied: number of rows of the board that are tied with the best, see `notes.tied_lines`.
    """
    if row.ranks is None:
        return NONE
    low, high = row.ranks.best, row.ranks.worst
    span = str(low) if low == high else f"{low}–{high}"
    return f"{span}, tied" if row.tied_with_best and tied > 1 else span


def best_of(board: Board) -> dict[str, float]:
    """The best mean of each figure among methods that compete; nothing where only one does."""
    rows = [line.row for line in board.lines if line.competes]
    return {f: max(row.spread[f].mean for row in rows) for f in FIGURES} if len(rows) > 1 else {}


def is_best(line: Line, figure: str, best: Mapping[str, float]) -> bool:
    """A competitor with the best mean of a figure."""
    return line.competes and line.row.spread[figure].mean == best.get(figure)


def schedule(row: Row) -> str:
    """What stage 1 trained: `epochs x batches x videos a batch`, or epochs alone where there are no batches."""
    batches, size = row.method.config.get("batches_per_epoch"), row.method.config.get("batch_size")
    if not (isinstance(batches, int) and isinstance(size, int)):
        return str(row.epochs)
    return f"{row.epochs} x {batches} x {size}"


def seconds(row: Row) -> str:
    """Seconds of training, mean over seeds."""
    found = training_seconds(row)
    return NONE if found is None else f"{found:,.1f}"


def parameters(row: Row) -> str:
    """Number of trained parameters."""
    return NONE if row.method.parameters is None else f"{row.method.parameters:,}"


def summary_of(board: Board, level: int) -> str:
    """Heading, main table and what must be known to read it."""
    notes = [*statistics_notes(board), *like_notes(board), *data_notes(board)]
    if best_of(board):
        notes.insert(1, "Bold: the best mean among competing methods.")
    warning = [f"**{SIMULATED_WARNING}**"] if board.key.simulated else []
    below = _list(notes) + _card_link(board)
    return _joined([f"{'#' * level} {escape(board.heading)}", *warning, _table(_main(board)), below])


def markdown_of(board: Board, level: int) -> str:
    """A board with all its tables: figures, sensitivity, reported against measured, runs."""
    deeper = "#" * (level + 1)
    parts = [
        summary_of(board, level).rstrip("\n"),
        f"{deeper} Sensitivity to the bias",
        _table([_sensitivity(line) for line in board.lines]),
        _list(sensitivity_notes(board)),
    ]
    if any(line.reported for line in board.lines):
        parts += [f"{deeper} Reported", _table(_reported(board)), _list(reported_notes(board))]
    runs = [_run(board, line) for line in board.lines]
    return _joined([*parts, f"{deeper} Runs", _table(runs), _list(training_notes(board))])


def _card_link(board: Board) -> str:
    """A last note that leads to the card of the feature set, where it has one."""
    features = board.key.features
    return f"\n- Feature set: [{features}]({CARDS}#{features})." if has_card(features) else ""


def _joined(parts: Sequence[str]) -> str:
    return "\n\n".join(parts) + "\n"


def _table(rows: Sequence[Mapping[str, str]]) -> str:
    cells = pd.DataFrame(rows)
    align = ["left" if column in _LEFT else "right" for column in cells.columns]
    return cells.to_markdown(index=False, disable_numparse=True, colalign=align)


def _list(items: Sequence[str]) -> str:
    return "\n".join(f"- {escape(item)}" for item in items)


def _main(board: Board) -> list[dict[str, str]]:
    best, tied, reported = best_of(board), tied_lines(board), like_reported(board)
    changed = any(line.settings for line in board.lines)
    rows = []
    for position, line in enumerate(board.lines):
        row = line.row
        cells = {"Method": escape(line.label)}
        if changed:
            cells["Settings changed"] = escape(line.settings) or NONE
        cells["Seeds"] = str(len(row.seeds))
        for figure, title in TITLES.items():
            text = percent(row.spread[figure])
            cells[title] = f"**{text}**" if is_best(line, figure, best) else text
            if figure == RANKED:
                cells |= {"HM, 95 % interval": interval(row), "Rank": rank(row, tied)}
        if reported:
            cells["Reported HM"] = reported[position].cell("hm") if position in reported else NONE
        rows.append(cells)
    return rows


def _sensitivity(line: Line) -> dict[str, str]:
    found = line.sensitivity
    return {"Method": escape(line.name)} | {
        title[0].upper() + title[1:]: percent(found[name]) for name, title in CONDITIONS.items()
    }


def _reported(board: Board) -> list[dict[str, str]]:
    return [
        {
            "Method": escape(found.line.name),
            "Features, split": escape(f"{found.figure.features}, {found.figure.split}"),
            **{f"Reported {TITLES[name]}": found.cell(name) for name in PRINTED},
            "Source": escape(found.figure.source),
            "Remark": escape(found.remark) or NONE,
        }
        for found in beside(board)
    ]


def _run(board: Board, line: Line) -> dict[str, str]:
    return {
        "Method": escape(line.name),
        "Parameters": parameters(line.row),
        "Stage 1": escape(schedule(line.row)),
        "Training, s": seconds(line.row),
        "Device": escape(provenance_of(line.row, board.key)["device"]),
    }
