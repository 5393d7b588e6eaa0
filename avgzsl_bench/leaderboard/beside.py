"""Reported figures beside a row's measured ones, each with its verdict."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from avgzsl_bench.leaderboard.verdicts import Place, Verdict, verdicts
from avgzsl_bench.reported.figures import PRINTED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from avgzsl_bench.leaderboard.board import Board, Line
    from avgzsl_bench.reported.figures import ReportedFigure

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
        """A figure in percent as printed, with its verdict where there is one; a dash if it is not printed."""
        value: float | None = getattr(self.figure, name)
        if value is None:
            return "–"
        word = self.verdicts[name].word
        return f"{value:.2f} ({word})" if self.alike and word != NOT_COMPARABLE else f"{value:.2f}"


def beside(board: Board) -> list[Beside]:
    """Every reported figure of a board's rows, in the order of the rows."""
    place = Place(board.key.features, board.key.split, board.key.simulated)
    found = []
    for line in board.lines:
        intervals = {name: (line.row.interval[name].low, line.row.interval[name].high) for name in PRINTED}
        for figure in line.reported:
            found.append(Beside(line, figure, verdicts(figure, intervals, place, len(line.row.seeds))))
    return found
