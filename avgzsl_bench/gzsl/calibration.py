"""Where the bias of calibrated stacking comes from (Chao et al., ECCV 2016): a rule, chosen by name."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

import numpy as np

from avgzsl_bench.errors import ConfigError
from avgzsl_bench.gzsl.curve import EQUAL, SeenUnseenCurve

PUBLISHED_GRIDS = {"avca": "grid:0:3:16", "clipclap": "grid:0:5:76"}
"""The grids of the published programs, by the name of the program."""
GRID_NAMES = {grid: name for name, grid in PUBLISHED_GRIDS.items()}
"""Names of published grids, by what they stand for."""

_FORMS = "write exact, avca, clipclap, grid:START:STOP:STEPS or fixed:VALUE"


@dataclass(frozen=True)
class Calibration:
    """A rule that picks the bias from a seen-unseen curve of validation videos.

    Attributes:
        name: as the user wrote it, and as records keep it.
        grid: the biases to try in ascending order; None: all reals.
    """

    name: str
    grid: tuple[float, ...] | None

    def choose(self, curve: SeenUnseenCurve) -> float:
        """Choose the bias with the highest HM.

        Over all reals it is the middle of the longest interval that reaches the maximum; on a grid it is the
        smallest of equals.
        """
        if self.grid is None:
            return curve.best_bias()
        hm = curve.hm_at(self.grid)
        return self.grid[int(np.flatnonzero(hm >= hm.max() - EQUAL)[0])]


def parse_calibration(text: str) -> Calibration:
    """Parse the name of a calibration.

    Raises:
        ConfigError: not one of `exact`, `avca`, `clipclap`, `grid:START:STOP:STEPS`, `fixed:VALUE`.
    """
    if not re.fullmatch(r"[A-Za-z0-9_.:+-]{1,60}", text):
        raise ConfigError(f"calibration {text[:60]!r}: {_FORMS}")
    kind, *parts = PUBLISHED_GRIDS.get(text, text).split(":")
    try:
        if kind == "exact" and not parts:
            return Calibration(text, None)
        if kind == "fixed" and len(parts) == 1:
            return Calibration(text, (_finite(parts[0]),))
        if kind == "grid" and len(parts) == 3:
            start, stop, steps = _finite(parts[0]), _finite(parts[1]), int(parts[2])
            if not (start <= stop and 1 <= steps <= 1_000_000):
                raise ValueError("START must not exceed STOP, STEPS be 1 to 1000000")
            with np.errstate(over="ignore", invalid="ignore"):
                grid = np.linspace(start, stop, steps)
            if not np.isfinite(grid).all():
                raise ValueError("START and STOP are too far apart")
            return Calibration(text, tuple(grid.tolist()))
    except ValueError as error:
        raise ConfigError(f"calibration {text!r}: {error}; {_FORMS}") from error
    raise ConfigError(f"unknown calibration {text!r}; {_FORMS}")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text} is not a finite number")
    return value
