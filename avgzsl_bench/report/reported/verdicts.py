"""Position of printed figures relative to our 95 percent intervals, or the reason why they have none."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from avgzsl_bench.records.data_facts import DataFacts
from avgzsl_bench.report.reported.figures import PRINTED
from avgzsl_bench.report.text import printed

if TYPE_CHECKING:
    from avgzsl_bench.records.collect import BoardKey
    from avgzsl_bench.report.reported.figures import Printed, ReportedFigure
    from avgzsl_bench.report.stats.rows import ResultRow
    from avgzsl_bench.report.stats.variance import Interval

NOT_COMPARABLE: Final = "not comparable"
_ROUNDING = 0.005
"""Half a unit of the last digit that papers print, in percent."""


@dataclass(frozen=True)
class Verdict:
    """Position of a printed figure relative to our interval.

    Attributes:
        reason: why it cannot be compared, or a remark on the comparison; empty if there is neither.
    """

    word: Literal["inside", "above", "below", "not comparable"]
    reason: str


@dataclass(frozen=True)
class ReportedMatch:
    """The figures that one source reports for the method of a row, with the verdicts of S, U, HM and ZSL."""

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

    A row of a single seed is compared like others; its interval holds the uncertainty of the test videos only, and
    the reason says so.

    Args:
        figure: as printed for the method on the dataset of the row.
        row: its options count, too: papers have none.
        key: of the row's board; its features, split and calibration count, and whether it is simulated.
        standard: the row ran as the source means the method: without other settings, not stopped early.
    """
    obstacle = _obstacle(figure, row, key, standard)
    if obstacle:
        return {name: Verdict(NOT_COMPARABLE, obstacle) for name in PRINTED}
    remarks = ["one seed: the interval is that of the test videos alone"] if len(row.seeds) == 1 else []
    found = {name: _verdict(getattr(figure, name), row.interval[name], remarks) for name in PRINTED}
    if figure.recomputed_hm is not None:
        contradiction = f"the printed S and U give HM {figure.recomputed_hm:.2f}"
        found["hm"] = _verdict(figure.hm, row.interval["hm"], [*remarks, contradiction])
    return found


def _obstacle(figure: Printed, row: ResultRow, key: BoardKey, standard: bool) -> str:
    """Name the reason why no figure of a row can be compared; empty if they can."""
    if key.data.simulated:
        return "simulated features"
    if obstacles := DataFacts.of(run.record for run in row.runs).obstacles:
        return "; ".join(obstacles)
    if key.calibration.startswith("fixed:"):
        return "the bias was not validated"
    if not standard:
        return "other settings"
    if row.options:
        return ", ".join(f"{name} {value}" for name, value in row.options.items())
    if figure.is_like(key.data.features, key.data.split):
        return ""
    if figure.is_like(key.data.features, figure.split):
        return f"other split: {figure.split}"
    if figure.split == key.data.split:
        return f"other features: {figure.features}"
    return f"other features and split: {figure.features}, {figure.split}"


def _verdict(printed: float | None, interval: Interval, remarks: list[str]) -> Verdict:
    """Locate a printed percentage; its rounding counts in its favour."""
    if printed is None:
        return Verdict(NOT_COMPARABLE, "not printed")
    if math.isnan(interval.low) or math.isnan(interval.high):
        return Verdict(NOT_COMPARABLE, "no interval")
    reason = "; ".join(remarks)
    if printed < 100 * interval.low - _ROUNDING:
        return Verdict("below", reason)
    return Verdict("above" if printed > 100 * interval.high + _ROUNDING else "inside", reason)
