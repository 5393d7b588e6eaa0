"""What the literature reports, without any run of ours: one table per feature set and split."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from avgzsl_bench.errors import PluginError
from avgzsl_bench.report.reported.figures import PRINTED, Paper, ReportedFigure, all_reported, chosen, paper_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


@dataclass(frozen=True)
class LiteratureRow:
    """What one source prints for one method: the figure of each of its datasets, at least one."""

    method: str
    paper: Paper | None
    cells: Mapping[str, ReportedFigure]

    @property
    def first(self) -> ReportedFigure:
        """Any of its figures: they share source, kind and who ran the method."""
        return next(iter(self.cells.values()))

    @property
    def unreviewed(self) -> bool:
        """The paper is known not to be peer-reviewed."""
        return self.paper is not None and not self.paper.reviewed


@dataclass(frozen=True)
class Best:
    """The highest printed HM on a dataset among the figures read, in percent, and the rows that reach it.

    Attributes:
        doubts: reasons why it may not count; may be empty.
        undoubted: the highest HM without doubts; None if there is none, or if it is this one.
    """

    hm: float
    rows: tuple[LiteratureRow, ...]
    doubts: tuple[str, ...]
    undoubted: Best | None


@dataclass(frozen=True)
class Conflict:
    """Two sources that print different figures for the same: `names` of `PRINTED` differ."""

    shown: ReportedFigure
    other: ReportedFigure
    names: tuple[str, ...]


@dataclass(frozen=True)
class LiteratureTable:
    """What is reported on one feature set and split.

    Attributes:
        rows: by year of the paper, then by method; methods without a known paper last.
        conflicts: figures of other sources that contradict those shown.
        read: every figure read for this table: those shown and those that these were checked against.
    """

    features: str
    split: str
    datasets: tuple[str, ...]
    rows: tuple[LiteratureRow, ...]
    best: Mapping[str, Best]
    conflicts: tuple[Conflict, ...]
    read: tuple[ReportedFigure, ...]

    @property
    def shown(self) -> list[ReportedFigure]:
        """The figures of the rows."""
        return [figure for row in self.rows for figure in row.cells.values()]


def read_literature() -> list[LiteratureTable]:
    """Make the tables of all registered figures, by features and split.

    Raises:
        PluginError: no file of figures is registered, or one is missing or malformed.
    """
    figures = all_reported()
    if not figures:
        raise PluginError("no reported figures are registered; see what was left out with: avbench plugins")
    return literature_tables(figures, {f.method: paper_of(f.method) for f in figures})


def literature_tables(
    figures: Iterable[ReportedFigure], papers: Mapping[str, Paper | None]
) -> list[LiteratureTable]:
    """Make tables of figures, by features and split; `papers` has an entry for each method."""
    groups: dict[tuple[str, str], list[ReportedFigure]] = defaultdict(list)
    for figure in figures:
        groups[figure.features, figure.split].append(figure)
    return [_table(groups[key], papers) for key in sorted(groups)]


def _table(figures: Sequence[ReportedFigure], papers: Mapping[str, Paper | None]) -> LiteratureTable:
    shown = chosen(figures)
    datasets = tuple(sorted({figure.dataset for figure in shown}))
    rows = _rows(shown, papers, datasets)
    return LiteratureTable(
        features=shown[0].features,
        split=shown[0].split,
        datasets=datasets,
        rows=rows,
        best={dataset: _best([row for row in rows if dataset in row.cells], dataset) for dataset in datasets},
        conflicts=_conflicts(figures, shown),
        read=tuple(figures),
    )


def _rows(
    shown: Iterable[ReportedFigure], papers: Mapping[str, Paper | None], datasets: Sequence[str]
) -> tuple[LiteratureRow, ...]:
    cells: dict[tuple[str, ...], dict[str, ReportedFigure]] = defaultdict(dict)
    for figure in sorted(shown, key=lambda f: datasets.index(f.dataset)):
        identity = (figure.method.casefold(), figure.source, figure.kind, figure.rerun_by or "")
        cells[identity][figure.dataset] = figure
    firsts = [(next(iter(row.values())).method, row) for row in cells.values()]
    return tuple(sorted((LiteratureRow(name, papers[name], row) for name, row in firsts), key=_by_year))


def _by_year(row: LiteratureRow) -> tuple[float, str, str]:
    year = row.paper.year if row.paper else None
    return (float("inf") if year is None else year, row.method.casefold(), row.first.source)


def _best(rows: Sequence[LiteratureRow], dataset: str) -> Best:
    hm = max(row.cells[dataset].hm for row in rows)
    leaders = tuple(row for row in rows if row.cells[dataset].hm == hm)
    doubts = tuple(dict.fromkeys(doubt for row in leaders for doubt in _doubts(row, dataset)))
    sound = [row for row in rows if not _doubts(row, dataset)]
    return Best(hm, leaders, doubts, undoubted=_best(sound, dataset) if doubts and sound else None)


def _doubts(row: LiteratureRow, dataset: str) -> list[str]:
    figure = row.cells[dataset]
    doubts = [] if figure.recomputed_hm is None else [f"printed S and U give {figure.recomputed_hm:.2f}"]
    doubts += ["printed U is above printed ZSL"] if figure.unseen_above_zsl else []
    doubts += ["no paper known"] if row.paper is None else []
    return doubts + (["not peer-reviewed"] if row.unreviewed else [])


def _conflicts(figures: Iterable[ReportedFigure], shown: Iterable[ReportedFigure]) -> tuple[Conflict, ...]:
    at = {figure.cell: figure for figure in shown}
    found = []
    for other in figures:
        one = at[other.cell]
        both = [(name, getattr(one, name), getattr(other, name)) for name in PRINTED]
        names = tuple(name for name, a, b in both if a is not None and b is not None and a != b)
        if names:
            found.append(Conflict(one, other, names))
    return tuple(found)
