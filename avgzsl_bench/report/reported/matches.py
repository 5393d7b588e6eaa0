"""Reported figures matched with measured rows, each with its verdict."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from avgzsl_bench.report.reported.figures import PRINTED
from avgzsl_bench.report.reported.verdicts import NOT_COMPARABLE, Verdict, verdicts
from avgzsl_bench.report.text import printed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from avgzsl_bench.records.collect import BoardKey
    from avgzsl_bench.report.reported.figures import Printed, ReportedFigure
    from avgzsl_bench.report.stats.rows import ResultRow


@dataclass(frozen=True)
class ReportedMatch:
    """The figures that one source reports for the method of a row.

    Attributes:
        figure: as printed.
        verdicts: of each of S, U, HM and ZSL.
    """

    figure: ReportedFigure
    verdicts: Mapping[str, Verdict]

    @property
    def comparable(self) -> bool:
        """Features and split are those of the board: the figure may stand in a measured row."""
        return self.verdicts["hm"].word != NOT_COMPARABLE

    @property
    def remark(self) -> str:
        """The reason why nothing can be compared, or remarks on the comparison; empty if there are none."""
        reasons = dict.fromkeys(
            verdict.reason
            for verdict in self.verdicts.values()
            if verdict.reason and not (self.comparable and verdict.word == NOT_COMPARABLE)
        )
        text = "; ".join(reasons)
        return text if self.comparable else f"{NOT_COMPARABLE}: {text}"

    def text(self, name: str) -> str:
        """Write a figure in percent as printed, with its verdict where it has one."""
        return text_with_verdict(self.figure, name, self.verdicts if self.comparable else {})


def text_with_verdict(figure: Printed | None, name: str, found: Mapping[str, Verdict]) -> str:
    """Write a figure in percent as printed, followed by its verdict in brackets unless it is not comparable."""
    word = found[name].word if name in found else NOT_COMPARABLE
    return printed(figure, name) if word == NOT_COMPARABLE else f"{printed(figure, name)} ({word})"


def verdicts_of(figure: Printed, row: ResultRow, key: BoardKey, *, standard: bool) -> dict[str, Verdict]:
    """Locate the printed S, U, HM and ZSL relative to the intervals of a measured row.

    Args:
        figure: as printed.
        row: of the same method and dataset.
        key: of the row's board.
        standard: the row ran as the source means the method: without other settings, not stopped early.
    """
    intervals = {name: (row.interval[name].low, row.interval[name].high) for name in PRINTED}
    seeds = len(row.seeds)
    return verdicts(figure, intervals, key, seeds, standard=standard, options=row.options)
