"""The tables of a board: figures, sensitivity to the bias, reported figures, runs, and class accuracies."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from avgzsl_bench.data.cards.cards import card_of, has_card
from avgzsl_bench.data.cards.text import card_facts
from avgzsl_bench.report.plots import SHOWN, plots_of
from avgzsl_bench.report.stats.correctness import mean_class_accuracy
from avgzsl_bench.report.stats.rows import RANKED
from avgzsl_bench.report.stats.sensitivity import CONDITIONS
from avgzsl_bench.report.tables.board_data import data_table, schedule
from avgzsl_bench.report.tables.board_notes import figure_notes, reported_notes, sensitivity_notes, training_notes
from avgzsl_bench.report.tables.document import Document, Facts, Link
from avgzsl_bench.report.tables.figures import (
    board_paper,
    figure_cells,
    method_cell,
    origin_lines,
    seeds_cell,
    spread_cell,
)
from avgzsl_bench.report.tables.table import METHOD, SOURCE, Cell, Column, Table, columns, make_table
from avgzsl_bench.report.text import (
    NONE,
    NOT_BELOW,
    PRINTED_TITLES,
    SIMULATED_WARNING,
    TITLES,
    limits,
    printed,
)

if TYPE_CHECKING:
    from avgzsl_bench.report.boards.board import Board
    from avgzsl_bench.report.stats.rows import ResultRow
    from avgzsl_bench.report.stats.variance import Interval

CARDS = "feature-sets.md"
"""The file beside the boards that has the cards of their feature sets."""
_SEEDS = Column("seeds", "Seeds")
_S, _U, _HM, _ZSL, _AUSUC = columns(TITLES)
_INTERVAL = Column("interval", "HM, 95 % interval")
_CLASSES = Column("class_interval", "HM, classes like these")
_RANK = Column("rank", "Rank", lowest_first=True)
_TRAINING = Column("training", "Training, s", lowest_first=True)


def board_document(board: Board) -> Document:
    """Make all that is written about a board."""
    rows, features = _rows(board), board.key.data.features
    settings = columns({"settings": "Settings changed"}, "left") if any(row.settings for row in board.rows) else []
    text = [
        Column("label", "Method", "left"),
        *settings,
        _SEEDS,
        _S,
        _U,
        _HM,
        _INTERVAL,
        _CLASSES,
        _RANK,
        _ZSL,
        _AUSUC,
    ]
    page = [METHOD, _SEEDS, _HM, _INTERVAL, _CLASSES, _RANK, _S, _U, _ZSL, _AUSUC, _TRAINING]
    name = Column("method", "Method, settings changed", "left")
    brief_s, brief_u, brief_zsl = (replace(column, brief=True) for column in (_S, _U, _ZSL))
    terminal = [name, _SEEDS, brief_s, brief_u, _HM, brief_zsl, _RANK]
    if any(row.comparable_reported for row in board.rows):
        for shown in (text, page):
            shown.append(Column("reported", "Reported HM"))
        terminal.append(Column("reported", "Reported\nHM", "left"))
    notes = list(figure_notes(board))
    further = [_sensitivity(board), *([_reported(board)] if board.matches else []), _runs(board)]
    caption = f"{board.heading}: measured figures in percent, best HM first"
    more = len(board.rows) - SHOWN
    known = has_card(features) and not board.facts.added
    return Document(
        name=board.name,
        heading=board.heading,
        text=[make_table(text, rows, notes=notes), *further],
        terminal=[make_table(terminal, rows)],
        page=[make_table(page, rows, caption=caption, notes=notes), *further, class_table(board)],
        paper=[board_paper(board)],
        data=data_table(board),
        provenance=_provenance(board),
        warning=SIMULATED_WARNING if board.key.data.simulated else "",
        link=Link("Feature set", features, f"{CARDS}#{features}") if known else None,
        origin=origin_lines(board, board.rows),
        facts=Facts(f"What is known of the feature set {features}", card_facts(card_of(features)))
        if known
        else None,
        plots=cache(lambda: plots_of(board)),
        plot_note=f"The {SHOWN} rows with the best HM; {more} more in the tables." if more > 0 else "",
        records=board.records,
    )


def class_table(board: Board) -> Table:
    """Show lowest, median and highest accuracy of each class over the competing rows, or all if none competes."""
    rows = [row for row in board.rows if row.competes] or list(board.rows)
    accuracy = mean_class_accuracy([row.result.correctness for row in rows])
    found = {"low": accuracy.min(axis=0), "median": np.median(accuracy, axis=0), "high": accuracy.max(axis=0)}
    cells: list[dict[str, Cell | str]] = [
        {
            "class": of_class.name,
            "role": of_class.role,
            "videos": Cell(str(of_class.videos), of_class.videos),
            **{name: Cell(f"{100 * values[i]:.2f}", float(values[i])) for name, values in found.items()},
            "best": rows[int(np.argmax(accuracy[:, i]))].name,
        }
        for i, of_class in enumerate(rows[0].result.runs[0].record.classes)
        if of_class.videos
    ]
    shown = [
        *columns({"class": "Class", "role": "Role"}, "left"),
        *columns({"videos": "Videos", "low": "Lowest", "median": "Median", "high": "Highest"}),
        *columns({"best": "Method with the highest"}, "left"),
    ]
    caption = "Accuracy of each class in percent, mean over seeds, over the competing methods"
    return make_table(shown, cells, caption=caption)


def _rows(board: Board) -> list[dict[str, Cell | str]]:
    """Make the cells of the main table, for all readers."""
    figures = figure_cells(board.rows, [row.result.tied_with_best for row in board.rows], RANKED)
    rows: list[dict[str, Cell | str]] = []
    for row, cells in zip(board.rows, figures, strict=True):
        match = row.comparable_reported
        reported = f"{printed(match.figure, RANKED)} ({match.verdicts[RANKED].word})" if match else NONE
        rows.append(
            {
                "method": method_cell(row),
                "label": row.label,
                "settings": row.settings or NONE,
                "seeds": seeds_cell(row.result),
                "interval": _interval_cell(row.result.interval[RANKED]),
                "class_interval": _interval_cell(row.result.class_interval[RANKED]),
                "rank": _rank_cell(row.result, cells[RANKED]),
                "training": _seconds_cell(row.training_seconds),
                "reported": Cell(reported, match.figure.hm if match else None, tuple(reported.split(" "))),
                **cells,
            }
        )
    return rows


def _interval_cell(interval: Interval) -> Cell:
    return Cell(limits(interval), None if math.isnan(interval.low) else interval.low)


def _rank_cell(row: ResultRow, figure: Cell) -> Cell:
    """Show the ranks a row may have, with a mark where it is not the best and not significantly below it."""
    if row.ranks is None:
        return Cell(NONE)
    low, high = row.ranks.best, row.ranks.worst
    parts = [str(low) if low == high else f"{low}–{high}", *([NOT_BELOW] if figure.tied else [])]
    return Cell(", ".join(parts), low, tuple(parts))


def _seconds_cell(seconds: float | None) -> Cell:
    return Cell(NONE if seconds is None else f"{seconds:,.1f}", seconds)


def _sensitivity(board: Board) -> Table:
    titles = {name: title[0].upper() + title[1:] for name, title in CONDITIONS.items()}
    return make_table(
        [METHOD, *columns(titles)],
        [
            {"method": method_cell(row), **{name: spread_cell(row.sensitivity[name]) for name in CONDITIONS}}
            for row in board.rows
        ],
        title="Sensitivity to the bias",
        caption="Sensitivity to the bias: HM in percent",
        notes=sensitivity_notes(board),
    )


def _reported(board: Board) -> Table:
    place, remark = columns({"place": "Features, split", "remark": "Remark"}, "left")
    figures = {name: f"Reported {title}" for name, title in PRINTED_TITLES.items()}
    letters = ", ".join(PRINTED_TITLES.values())
    has_widths = any(match.widths for _, match in board.matches)
    widths = columns({"widths": f"Width: {letters}"}, "left") if has_widths else []
    return make_table(
        [METHOD, place, *columns(figures), *widths, SOURCE, remark],
        [
            {
                "method": method_cell(row),
                "place": f"{match.figure.features}, {match.figure.split}",
                **{name: Cell(match.text(name), getattr(match.figure, name)) for name in figures},
                "widths": match.widths or NONE,
                "source": match.figure.source,
                "remark": match.remark or NONE,
            }
            for row, match in board.matches
        ],
        title="Reported",
        caption="Reported by papers and projects, in percent as printed, with a verdict where it can be compared",
        notes=reported_notes(board),
    )


def _runs(board: Board) -> Table:
    rows: list[dict[str, Cell | str]] = []
    for row, provenance in zip(board.rows, board.provenance, strict=True):
        parameters = row.result.method.parameters
        rows.append(
            {
                "method": method_cell(row),
                "parameters": Cell(NONE if parameters is None else f"{parameters:,}", parameters),
                "stage_1": schedule(row.result),
                "training": _seconds_cell(row.training_seconds),
                "device": provenance["device"],
            }
        )
    figures, device = (
        columns({"parameters": "Parameters", "stage_1": "Stage 1"}),
        Column("device", "Device", "left"),
    )
    return make_table(
        [METHOD, *figures, _TRAINING, device],
        rows,
        title="Runs",
        caption="What was trained, and how long it took",
        notes=training_notes(board),
    )


def _provenance(board: Board) -> Table:
    facts = columns({fact: fact.replace("_", " ") for fact in board.provenance[0]}, "left")
    rows = zip(board.rows, board.provenance, strict=True)
    cells: list[dict[str, Cell | str]] = [{"method": method_cell(row), **found} for row, found in rows]
    return make_table([METHOD, *facts], cells, title="Provenance of each row")
