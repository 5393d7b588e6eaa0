"""Notes of the literature tables: sources of a row, best figures, conflicts and contradictions."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from avgzsl_bench.report.text import CONTRADICTS, NONE, TITLES, one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from avgzsl_bench.report.reported.figures import ReportedFigure
    from avgzsl_bench.report.reported.literature import Best, Conflict, LiteratureRow, LiteratureTable

INTRODUCTION = (
    "What papers and projects report, in percent as printed; no run of ours. "
    f"{NONE}: not printed, or not read. {CONTRADICTS}: the printed HM contradicts the printed S and U."
)
_KINDS = {
    "paper_table": "paper's table",
    "paper_text": "paper's text",
    "later_table": "later paper's table",
    "digest": "third party's copy",
    "readme": "project's list",
}


def origin(row: LiteratureRow) -> str:
    """Name source and kind of place of a row's figures, and who ran the method if not its authors."""
    words = origin_of(row.first)
    return one_line(f"{words}; not peer-reviewed" if row.unreviewed else words)


def origin_of(figure: ReportedFigure) -> str:
    """Name source and kind of place of a figure, and who ran the method if not its authors."""
    words = [figure.source, _KINDS[figure.kind]]
    return one_line("; ".join([*words, f"re-run by {figure.rerun_by}"] if figure.rerun_by else words))


def table_notes(table: LiteratureTable) -> list[str]:
    """List the best of what was read, conflicts between sources, contradictions, and notes of the rows."""
    notes = [f"Best of what was read, {dataset}: {_best(best)}." for dataset, best in table.best.items()]
    notes += [_conflict(conflict) for conflict in table.conflicts]
    notes += [
        f"{CONTRADICTS} {f.method}, {f.dataset}: printed HM {f.hm:.2f}, but printed S and U give "
        f"{f.recomputed_hm:.2f}."
        for f in table.shown
        if f.recomputed_hm is not None
    ]
    return [one_line(note) for note in [*notes, *_row_notes(table)]]


def sources_of(tables: Sequence[LiteratureTable]) -> list[str]:
    """List every source of every figure read, with its citation and from what it was read."""
    figures = sorted((f for table in tables for f in table.read), key=lambda f: f.source.casefold())
    lines = [f"{f.source}: {f.citation}" + (f"; read from {f.read}" if f.read else "") for f in figures]
    return list(dict.fromkeys(one_line(line) for line in lines))


def _best(best: Best) -> str:
    text = f"HM {best.hm:.2f}, {', '.join(f'{row.method} ({origin(row)})' for row in best.rows)}"
    text += f"; but {'; '.join(best.doubts)}" if best.doubts else ""
    return text if best.undoubted is None else f"{text}. Without such doubts: {_best(best.undoubted)}"


def _conflict(conflict: Conflict) -> str:
    one, other = conflict.shown, conflict.other
    pairs = [f"{TITLES[n]} {getattr(one, n):.2f} against {getattr(other, n):.2f}" for n in conflict.names]
    rerun = f", re-run by {other.rerun_by}" if other.rerun_by != one.rerun_by and other.rerun_by else ""
    return f"Conflict: {one.method}, {one.dataset}: {', '.join(pairs)} ({one.source}; {other.source}{rerun})."


def _row_notes(table: LiteratureTable) -> list[str]:
    """List the notes of the figures shown, each once, with its methods and, if not all, its datasets."""
    about: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for figure in table.shown:
        for note in figure.notes:
            about[note][figure.method].append(figure.dataset)
    return [
        f"{', '.join(_where(table, method, places) for method, places in methods.items())}: {note}."
        for note, methods in about.items()
    ]


def _where(table: LiteratureTable, method: str, datasets: Sequence[str]) -> str:
    return method if len(datasets) == len(table.datasets) else f"{method} ({', '.join(datasets)})"
