"""Reported figures beside a row's measured ones, each with its verdict."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from avgzsl_bench.report.reported.figures import PRINTED
from avgzsl_bench.report.reported.verdicts import Place, Verdict, verdicts
from avgzsl_bench.report.tables.literature_notes import printed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from avgzsl_bench.report.reported.figures import ReportedFigure
    from avgzsl_bench.report.tables.board import Board, Line

NOT_COMPARABLE = "not comparable"


@dataclass(frozen=True)
class Beside:
    """What one source reports for the method of a row.

    Attributes:
        line: the row.
        figure: as printed.
        verdicts: of each of S, U, HM and ZSL.
    """

    line: Line
    figure: ReportedFigure
    verdicts: Mapping[str, Verdict]

    @property
    def alike(self) -> bool:
        """Features and split are those of the board: the figure may stand in a measured row."""
        return self.verdicts["hm"].word != NOT_COMPARABLE

    @property
    def remark(self) -> str:
        """Why nothing can be compared, or what else must be known of the comparison; empty if nothing."""
        reasons = dict.fromkeys(
            v.reason for v in self.verdicts.values() if v.reason and not (self.alike and v.word == NOT_COMPARABLE)
        )
        text = "; ".join(reasons)
        return text if self.alike else f"{NOT_COMPARABLE}: {text}"

    def cell(self, name: str) -> str:
        """A figure in percent as printed, marked as in `printed`, with its verdict where there is one."""
        value: float | None = getattr(self.figure, name)
        word = self.verdicts[name].word
        shown = printed(self.figure, name)
        return f"{shown} ({word})" if self.alike and value is not None and word != NOT_COMPARABLE else shown


def beside(board: Board) -> list[Beside]:
    """Every reported figure of a board's rows, in the order of the rows."""
    key = board.key
    place = Place(key.features, key.split, key.simulated, key.calibration)
    found = []
    for line in board.lines:
        intervals = {name: (line.row.interval[name].low, line.row.interval[name].high) for name in PRINTED}
        for figure in line.reported:
            told = verdicts(
                figure,
                intervals,
                place,
                len(line.row.seeds),
                standard=line.standard,
                precision=line.row.precision,
            )
            found.append(Beside(line, figure, told))
    return found


def like_reported(board: Board) -> dict[int, Beside]:
    """What is reported on the board's own features and split, by the position of the row that it compares with."""
    found: dict[int, Beside] = {}
    position = {id(line): i for i, line in enumerate(board.lines)}
    for reported in beside(board):
        if reported.alike:
            found.setdefault(position[id(reported.line)], reported)
    return found
