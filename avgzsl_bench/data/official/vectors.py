"""Arrays as found in class files, checked and brought to float32."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avgzsl_bench.errors import DataError


def finite_float32(values: NDArray[Any], video: str, path: Path) -> NDArray[np.float32]:
    """A video's numbers as float32.

    Raises:
        DataError: they are no real numbers, or not finite (also once in float32).
    """
    if values.dtype.kind not in "fiu":
        raise DataError(f"{path}: video {video!r} has values of type {values.dtype}")
    with np.errstate(over="ignore"):
        converted = values.astype(np.float32)
    if not np.isfinite(converted).all():
        raise DataError(f"{path}: video {video!r} holds a value that is not finite")
    return converted
