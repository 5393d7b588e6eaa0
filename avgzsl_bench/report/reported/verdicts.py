"""Position of printed figures relative to our 95 percent intervals, or the reason why they have none."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from avgzsl_bench.report.reported.figures import PRINTED
from avgzsl_bench.report.text import printed

if TYPE_CHECKING:
    from avgzsl_bench.records.collect import BoardKey
    from avgzsl_bench.report.reported.figures import Printed, ReportedFigure
    from avgzsl_bench.report.stats.rows import ResultRow

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
    """Locate the printed S, U, HM and ZSL relative to the intervals of a row of the same method and dataset.

    `standard`: the row ran as the source means the method: without other settings, not stopped early.
    """
    intervals = {name: (row.interval[name].low, row.interval[name].high) for name in PRINTED}
    seeds = len(row.seeds)
    return verdicts(figure, intervals, key, seeds, standard=standard, options=row.options)


def verdicts(
    reported: Printed,
    intervals: Mapping[str, tuple[float, float]],
    key: BoardKey,
    seeds: int,
    *,
    standard: bool,
    options: Mapping[str, Any] | None = None,
) -> dict[str, Verdict]:
    """Locate each of S, U, HM and ZSL of a source relative to our intervals.

    Args:
        reported: the figures of a source for the method on the dataset of the board.
        intervals: lower and upper end of the interval of our row's figures, as fractions; NaN where there is none.
        key: of the board; its features, split and calibration count, and whether it is simulated.
        seeds: number of runs behind the row. A single one is compared like many; its interval holds the
            uncertainty of the test videos only, and the reason says so.
        standard: see `verdicts_of`.
        options: options of the row's runs that differ from their defaults; papers have none.
    """
    obstacle = _obstacle(reported, key, standard, options or {})
    if obstacle:
        return {name: Verdict(NOT_COMPARABLE, obstacle) for name in PRINTED}
    remarks = ["one seed: the interval is that of the test videos alone"] if seeds == 1 else []
    found = {name: _verdict(getattr(reported, name), intervals[name], remarks) for name in PRINTED}
    if reported.recomputed_hm is not None:
        contradiction = f"the printed S and U give HM {reported.recomputed_hm:.2f}"
        found["hm"] = _verdict(reported.hm, intervals["hm"], [*remarks, contradiction])
    return found


def _obstacle(reported: Printed, key: BoardKey, standard: bool, options: Mapping[str, Any]) -> str:
    """Name the reason why no figure of a row can be compared; empty if they can."""
    if key.data.simulated:
        return "simulated features"
    if key.calibration.startswith("fixed:"):
        return "the bias was not validated"
    if not standard:
        return "other settings"
    if options:
        return ", ".join(f"{name} {value}" for name, value in options.items())
    if reported.is_like(key.data.features, key.data.split):
        return ""
    if reported.is_like(key.data.features, reported.split):
        return f"other split: {reported.split}"
    if reported.split == key.data.split:
        return f"other features: {reported.features}"
    return f"other features and split: {reported.features}, {reported.split}"


def _verdict(printed: float | None, interval: tuple[float, float], remarks: list[str]) -> Verdict:
    """Locate a printed percentage; its rounding counts in its favour."""
    if printed is None:
        return Verdict(NOT_COMPARABLE, "not printed")
    low, high = (100 * end for end in interval)
    if math.isnan(low) or math.isnan(high):
        return Verdict(NOT_COMPARABLE, "no interval")
    reason = "; ".join(remarks)
    if printed < low - _ROUNDING:
        return Verdict("below", reason)
    return Verdict("above" if printed > high + _ROUNDING else "inside", reason)
