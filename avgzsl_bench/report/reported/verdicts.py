"""Reported against measured: does a printed figure lie within our interval, or can the two not be compared?"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from avgzsl_bench.report.reported.figures import PRINTED

if TYPE_CHECKING:
    from avgzsl_bench.report.reported.figures import Printed

Word = Literal["inside", "above", "below", "not comparable"]
_ROUNDING = 0.005
"""Half a unit of the last digit that papers print, in percent."""


@dataclass(frozen=True)
class Place:
    """What the figures of a board were measured on."""

    features: str
    split: str
    simulated: bool
    calibration: str


@dataclass(frozen=True)
class Verdict:
    """Where a printed figure lies.

    Attributes:
        word: inside, above or below our interval; or not comparable.
        reason: why it cannot be compared, or what else a reader must know of the comparison; empty if nothing.
    """

    word: Word
    reason: str


def verdicts(
    reported: Printed | None,
    intervals: Mapping[str, tuple[float, float]],
    place: Place,
    seeds: int,
    *,
    standard: bool,
    precision: str = "full",
) -> dict[str, Verdict]:
    """A verdict for each of S, U, HM and ZSL.

    Args:
        reported: what a source prints for the method on the dataset of the board; None if no source does.
        intervals: lower and upper end of the interval of our row's `seen`, `unseen`, `hm` and `zsl`, as
            fractions; NaN where there is none.
        place: features, split and calibration of the board.
        seeds: number of runs behind the row. A single one is compared like many; its interval holds the
            uncertainty of the test videos alone, and the reason says so.
        standard: the row is what the source means by the method: not with other settings, not stopped early.
        precision: of the row's training; the papers' is full.

    Examples:
        >>> from avgzsl_bench.report.reported.figures import reported_for
        >>> intervals = {name: (0.55, 0.58) for name in ("seen", "unseen", "hm", "zsl")}
        >>> (printed,) = reported_for("MFT", "ucf")
        >>> place = Place("clip_clap", "cls", simulated=False, calibration="exact")
        >>> found = verdicts(printed, intervals, place, seeds=3, standard=True)
        >>> found["seen"].word, found["unseen"].word, found["hm"].word
        ('above', 'below', 'inside')
    """
    obstacle = _obstacle(reported, place, standard, precision)
    if reported is None or obstacle:
        return {name: Verdict("not comparable", obstacle) for name in PRINTED}
    remarks = ["one seed: the interval is that of the test videos alone"] if seeds == 1 else []
    found = {name: _verdict(getattr(reported, name), intervals[name], remarks) for name in PRINTED}
    if reported.recomputed_hm is not None:
        contradiction = f"the printed S and U give HM {reported.recomputed_hm:.2f}"
        found["hm"] = _verdict(reported.hm, intervals["hm"], [*remarks, contradiction])
    return found


def _obstacle(reported: Printed | None, place: Place, standard: bool, precision: str) -> str:
    """Why no figure of a row can be compared; empty if they can."""
    if place.simulated:
        return "simulated features"
    if reported is None:
        return "no reported figure"
    if place.calibration.startswith("fixed:"):
        return "the bias was not validated"
    if not standard:
        return "other settings"
    if precision != "full":
        return f"precision {precision}"
    if reported.is_like(place.features, place.split):
        return ""
    if reported.is_like(place.features, reported.split):
        return f"other split: {reported.split}"
    if reported.split == place.split:
        return f"other features: {reported.features}"
    return f"other features and split: {reported.features}, {reported.split}"


def _verdict(printed: float | None, interval: tuple[float, float], remarks: list[str]) -> Verdict:
    """Where a printed percentage lies; its rounding counts for it."""
    if printed is None:
        return Verdict("not comparable", "not printed")
    low, high = (100 * end for end in interval)
    if math.isnan(low) or math.isnan(high):
        return Verdict("not comparable", "no interval")
    reason = "; ".join(remarks)
    if printed < low - _ROUNDING:
        return Verdict("below", reason)
    return Verdict("above" if printed > high + _ROUNDING else "inside", reason)
