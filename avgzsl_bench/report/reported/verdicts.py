"""Position of printed figures relative to what one more seed of ours would give, or why they have none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal

from avgzsl_bench.report.reported.figures import PRINTED
from avgzsl_bench.report.reported.one_more_seed import one_more_seed
from avgzsl_bench.report.reported.protocol import difference
from avgzsl_bench.report.text import printed

if TYPE_CHECKING:
    from avgzsl_bench.records.collect import BoardKey
    from avgzsl_bench.report.reported.figures import Printed, ReportedFigure
    from avgzsl_bench.report.stats.rows import ResultRow, Spread

NOT_COMPARABLE: Final = "not comparable"
CANNOT_TELL: Final = "cannot tell"
POSITIONS: Final = ("inside", "above", "below", CANNOT_TELL)
"""What a verdict on a figure of our own protocol can be."""
OTHER_PROTOCOL: Final = ("protocol differs", "protocol unknown")
"""What stands in place of a verdict on a figure of another protocol."""
FEWEST_SEEDS = 3
"""Of a verdict: with fewer, the spread over seeds is not known, or hardly."""
WIDEST = 10.0
"""Of an interval that says something, in percentage points of its figure."""
_ROUNDING = 0.005
"""Half a unit of the last digit that papers print, in percent."""


@dataclass(frozen=True)
class Verdict:
    """Position of a printed figure relative to our prediction interval for one more seed.

    Attributes:
        word: `cannot tell` where seeds are too few or scatter too widely; `protocol differs` or `protocol unknown`
            where our run was not made as the figure was, as far as is known.
        reason: why there is no position; empty if there is one.
        remark: what is wrong with the printed figure; may be empty.
        width: of the interval in percentage points; None where none was computed.
    """

    word: Literal[
        "inside", "above", "below", "cannot tell", "protocol differs", "protocol unknown", "not comparable"
    ]
    reason: str = ""
    remark: str = ""
    width: float | None = None

    @property
    def text(self) -> str:
        """Reason and remark; empty if there is neither."""
        return "; ".join(part for part in (self.reason, self.remark) if part)


@dataclass(frozen=True)
class ReportedMatch:
    """The figures that one source reports for the method of a row, with the verdicts of S, U, HM and ZSL."""

    figure: ReportedFigure
    verdicts: Mapping[str, Verdict]

    @property
    def comparable(self) -> bool:
        """The figure may stand beside the measured row: all is the same but, perhaps, the protocol."""
        return self.verdicts["hm"].word != NOT_COMPARABLE

    @property
    def remark(self) -> str:
        """The reason why nothing can be compared, or remarks on the comparison; empty if there are none."""
        reasons = dict.fromkeys(
            part
            for verdict in self.verdicts.values()
            if not (self.comparable and verdict.word == NOT_COMPARABLE)
            for part in (verdict.reason, verdict.remark)
            if part
        )
        text = "; ".join(reasons)
        return text if self.comparable else f"{NOT_COMPARABLE}: {text}"

    @property
    def widths(self) -> str:
        """The widths of our intervals, see `widths_text`."""
        return widths_text(self.verdicts)

    def text(self, name: str) -> str:
        """Write a figure in percent as printed, with its verdict where it has one."""
        return text_with_verdict(self.figure, name, self.verdicts if self.comparable else {})


def text_with_verdict(figure: Printed | None, name: str, found: Mapping[str, Verdict]) -> str:
    """Write a figure in percent as printed, followed by its position in brackets if it has one."""
    word = found[name].word if name in found else NOT_COMPARABLE
    return f"{printed(figure, name)} ({word})" if word in POSITIONS else printed(figure, name)


def widths_text(found: Mapping[str, Verdict]) -> str:
    """List the widths of our intervals for S, U, HM and ZSL in percentage points; empty without any."""
    widths = [found[name].width if name in found else None for name in PRINTED]
    if all(width is None for width in widths):
        return ""
    return ", ".join("–" if width is None else f"{width:.2f}" for width in widths)


def verdicts_of(figure: Printed, row: ResultRow, key: BoardKey, *, standard: bool) -> dict[str, Verdict]:
    """Locate the printed S, U, HM and ZSL relative to what one more seed of a measured row would give.

    Each figure is judged by its own interval, see `one_more_seed`: a printed value within it is `inside`. The word
    is `cannot tell` with fewer than `FEWEST_SEEDS` seeds, or where the interval is wider than `WIDEST` points.

    Of published runs drawn from our own distribution at most 5 percent are called above or below. Where seeds
    scatter much, most runs are not judged, and those that are had seeds that happened to lie close together: for 3
    seeds with a standard deviation of 2 points 22 percent are judged, and a fifth of these verdicts are wrong
    (40,000 draws).

    A method whose seeds all give the same figure has an interval of width 0, and any other printed value is above
    or below: one more seed would give that figure again, and so should a published run on the same videos. The
    last bits of two machines can still move videos whose scores tie; each moves S, U or ZSL by no more than
    `100 / (videos of its class * classes)` points. The width that is printed beside a verdict shows such a case.

    Args:
        figure: as printed for the method on the dataset of the row.
        row: its options count, too: papers have none.
        key: of the row's board; its features, split and calibration count, and whether it is simulated.
        standard: the row ran as the source means the method: without other settings, not stopped early.
    """
    obstacle = _obstacle(figure, row, key, standard)
    if obstacle:
        return {name: Verdict(NOT_COMPARABLE, obstacle) for name in PRINTED}
    remarks = _remarks(figure)
    other = difference(figure.protocol, key, row.method.config)
    found = {}
    for name in PRINTED:
        if getattr(figure, name) is None:
            found[name] = Verdict(NOT_COMPARABLE, "not printed")
        elif other:
            found[name] = Verdict("protocol differs" if other.differing else "protocol unknown", str(other))
        else:
            found[name] = _position(getattr(figure, name), row.spread[name], len(row.seeds))
    return {name: replace(verdict, remark=remarks.get(name, "")) for name, verdict in found.items()}


def _obstacle(figure: Printed, row: ResultRow, key: BoardKey, standard: bool) -> str:
    """Name the reason why no figure of a row can be compared; empty if they can."""
    if key.data.simulated:
        return "simulated features"
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


def _remarks(figure: Printed) -> dict[str, str]:
    """Say of figures that cannot all be right how they contradict each other."""
    remarks = {}
    if figure.recomputed_hm is not None:
        remarks["hm"] = f"the printed S and U give HM {figure.recomputed_hm:.2f}"
    if figure.unseen_above_zsl:
        remarks["unseen"] = remarks["zsl"] = "the printed U is above the printed ZSL"
    return remarks


def _position(value: float, ours: Spread, seeds: int) -> Verdict:
    """Locate a printed percentage; its rounding counts in its favour."""
    interval = one_more_seed(ours, seeds) if seeds >= FEWEST_SEEDS else None
    if interval is None:
        return Verdict(CANNOT_TELL, f"fewer than {FEWEST_SEEDS} seeds")
    width = interval.width
    if width > WIDEST:
        return Verdict(CANNOT_TELL, f"an interval wider than {WIDEST:g} points", width=width)
    if value < 100 * interval.low - _ROUNDING:
        return Verdict("below", width=width)
    return Verdict("above" if value > 100 * interval.high + _ROUNDING else "inside", width=width)
