"""What a comparison comes to, in words."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum

from avgzsl_bench.data.compare.cosines import Agreement
from avgzsl_bench.data.compare.geometry import Geometry


class Verdict(Enum):
    """How two sets of vectors are related; the first is the closest."""

    SAME = "same"
    ROUNDED = "same up to rounding"
    SPACE = "same space"
    OTHER = "another space"


ROUNDING = 1e-3
"""Difference of two vectors, by their length, that rounding explains: half precision gives at most 5e-4."""

_SAME_SPACE = 0.9
_SAME_ARRANGEMENT = 0.99


def verdict_of(agreement: Agreement | None, difference: float | None) -> Verdict:
    """Judge two sets of vectors for the same videos or classes.

    Args:
        agreement: None where the widths differ.
        difference: the largest difference, by length; None where the widths differ.
    """
    if agreement is None or difference is None:
        return Verdict.OTHER
    if difference <= ROUNDING:
        return Verdict.SAME if difference == 0 else Verdict.ROUNDED
    near = agreement.median is not None and agreement.median > _SAME_SPACE
    return Verdict.SPACE if near else Verdict.OTHER


def remark_on(verdict: Verdict, agreement: Agreement | None, geometry: Geometry) -> str | None:
    """Say what qualifies a verdict; None if nothing does."""
    if verdict is Verdict.SPACE and agreement and (agreement.different or 0) > _SAME_SPACE:
        return (
            f"different videos of a class have a mean cosine of {agreement.different:.3f}, so that the cosine "
            "tells little"
        )
    if verdict is Verdict.OTHER and (geometry.spearman or 0) > _SAME_ARRANGEMENT:
        return "arranged alike: a copy that is rotated, or nearly one"
    return None


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """Give the most distant relation."""
    return max(verdicts, key=list(Verdict).index)
