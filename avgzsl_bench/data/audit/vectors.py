"""Checks of vectors: are all finite, and do all vectors and dimensions carry information?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from avgzsl_bench.data.audit.finding import Check, Finding, Severity, some
from avgzsl_bench.data.audit.survey import Survey, Vectors

_NOT_FINITE = Check(
    "not-finite",
    Severity.ERROR,
    "losses become NaN; 'data import' refuses the tree (a clip without decodable frames averages to NaN)",
    "leave the clips out of both modalities, or extract them again",
)
_ZERO = Check(
    "zero-vector",
    Severity.WARNING,
    "the clips carry no information in this modality and cannot be distinguished from each other",
    "look at the clips; extract them again if they are not silent or black",
)
_DEAD_DIMENSION = Check(
    "constant-dimension",
    Severity.WARNING,
    "the dimensions carry nothing; many of them betray a damaged or padded feature set",
    "compare with another copy of the archive",
)


def check_vectors(survey: Survey) -> Iterator[Finding]:
    """Check the numbers of each modality by itself."""
    for modality, vectors in survey.vectors.items():
        yield from _check_numbers(modality, vectors)


def _check_numbers(modality: str, vectors: Vectors) -> Iterator[Finding]:
    broken = sorted({vectors.video_id[i] for i in np.flatnonzero(~vectors.finite)})
    if broken:
        yield _NOT_FINITE.found(modality, f"{len(broken)} videos hold a value that is not finite: {some(broken)}")
    zero = sorted({vectors.video_id[i] for i in np.flatnonzero(vectors.finite & (vectors.norm == 0))})
    if zero:
        yield _ZERO.found(modality, f"{len(zero)} videos are all zero: {some(zero)}")
    constant = np.flatnonzero(vectors.low == vectors.high)
    if len(constant) and np.count_nonzero(vectors.finite) > 1:
        zeros = int((vectors.high[constant] == 0).sum())
        text = f"{len(constant)} of {vectors.width} dimensions never change, {zeros} of them are always zero"
        yield _DEAD_DIMENSION.found(modality, f"{text}: {some([str(d) for d in constant])}")
