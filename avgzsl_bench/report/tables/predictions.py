"""The tables of the predictions of one run: its figures, accuracies by class, and classes taken for another."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from avgzsl_bench.report.boards.labels import run_label
from avgzsl_bench.report.tables.document import Document
from avgzsl_bench.report.tables.table import Cell, Table, columns, make_table
from avgzsl_bench.report.text import NONE, SIMULATED_WARNING, TITLES, one_line

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

    from avgzsl_bench.records.record import Record


def predictions_document(record: Record, top: int) -> Document:
    """Make the tables of a run's predictions, with the `top` pairs of classes that are confused most often.

    Raises:
        RecordError: the record has no file, or its decisions are missing, altered or damaged.
    """
    pairs = [_pairs(record.confusion_matrix(), top)] if top else []
    return Document(
        name=record.run_id,
        heading=f"{run_label(record)}, {record.decisions.videos:,} test videos",
        warning=SIMULATED_WARNING if record.data.simulated else "",
        terminal=[_classes(record.class_accuracies()), *pairs, _figures(record)],
    )


def _figures(record: Record) -> Table:
    cells = {name: _percent(getattr(record.metrics, name)) for name in TITLES}
    bias = Cell(f"{record.metrics.bias:.4g}", record.metrics.bias)
    epoch = Cell(str(record.best_epoch), record.best_epoch)
    shown = columns({**TITLES, "bias": "Bias", "epoch": "Best epoch"})
    return make_table(shown, [{**cells, "bias": bias, "epoch": epoch}], title="All test videos, percent")


def _classes(accuracies: pd.DataFrame) -> Table:
    rows: list[dict[str, Cell | str]] = [
        {
            "class": one_line(row.Index),
            "role": row.role,
            "videos": Cell(f"{row.videos:,}", row.videos),
            "accuracy": _percent(row.accuracy),
            "taken_for": f"{one_line(row.taken_for)} ({row.taken_for_videos:,})" if row.taken_for_videos else NONE,
        }
        for row in cast("Iterable[Any]", accuracies.itertuples())
    ]
    shown = [
        *columns({"class": "Class", "role": "Role"}, "left"),
        *columns({"videos": "Videos", "accuracy": "Accuracy"}),
        *columns({"taken_for": "Most often taken for"}, "left"),
    ]
    return make_table(shown, rows, title="Accuracy of each class, percent")


def _pairs(confusion: pd.DataFrame, top: int) -> Table:
    """Show the pairs with most videos; of equal ones those with the larger share of their class come first."""
    names, wrong = confusion.index.tolist(), confusion.to_numpy(copy=True)
    of_class = wrong.sum(axis=1)
    np.fill_diagonal(wrong, 0)
    true, predicted = np.nonzero(wrong)
    videos = wrong[true, predicted]
    share = videos / of_class[true]
    most = np.lexsort((-share, -videos))[:top]
    rows: list[dict[str, Cell | str]] = [
        {
            "true": one_line(names[true[i]]),
            "predicted": one_line(names[predicted[i]]),
            "videos": Cell(f"{videos[i]:,}", int(videos[i])),
            "share": _percent(share[i]),
        }
        for i in most
    ]
    shown = [
        *columns({"true": "True class", "predicted": "Predicted"}, "left"),
        *columns({"videos": "Videos", "share": "Share of the class, %"}),
    ]
    title = f"Classes most often taken for another: {len(rows)} of {len(videos):,} pairs"
    return make_table(shown, rows, title=title)


def _percent(share: float) -> Cell:
    """Show a fraction in percent; a dash where there is none."""
    return Cell(NONE) if math.isnan(share) else Cell(f"{100 * share:.2f}", float(share))
