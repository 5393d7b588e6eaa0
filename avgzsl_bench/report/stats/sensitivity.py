"""Sensitivity to calibrated stacking: HM of the same decisions under other biases, without training again.

The bias is chosen on validation videos, whose decisions are not kept. What a published grid would have chosen
there is therefore not known; shown is the grid's value nearest to the bias that was validated, a stand-in that
needs no test label. A bias chosen on test videos is called an oracle: no method can claim its HM.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from avgzsl_bench.gzsl.calibration import PUBLISHED_GRIDS, parse_calibration
from avgzsl_bench.report.stats.rows import spread

if TYPE_CHECKING:
    from collections.abc import Mapping

    from avgzsl_bench.records.collect import StoredRecord
    from avgzsl_bench.report.stats.rows import ResultRow, Spread

CONDITIONS: Mapping[str, str] = MappingProxyType(
    {
        "no_bias": "no bias",
        "own_bias": "bias of the run",
        **{f"nearest_{name}": f"nearest bias on the {name} grid" for name in PUBLISHED_GRIDS},
        "oracle": "best bias on test (oracle)",
    }
)
"""Conditions under which HM is computed, by name: titles of columns, in their order."""


def hm_by_condition(run: StoredRecord) -> dict[str, float]:
    """Compute HM of one run on the test videos under each of `CONDITIONS`, as a fraction.

    `no_bias`: bias 0. `own_bias`: the record's. `nearest_avca`, `nearest_clipclap`: the value of the
    published grid nearest to the record's own bias, the smaller of two equally near. `oracle`: the highest HM
    that any bias reaches on the test videos.
    """
    curve = run.curve
    own = run.record.metrics
    biases = {"no_bias": 0.0, **{f"nearest_{name}": nearest_on_grid(own.bias, name) for name in PUBLISHED_GRIDS}}
    found = dict(zip(biases, curve.hm_at(list(biases.values())).tolist(), strict=True))
    found |= {"own_bias": own.hm, "oracle": float(curve.hm.max())}
    return {name: found[name] for name in CONDITIONS}


def nearest_on_grid(bias: float, calibration: str) -> float:
    """Find the value of a grid that is nearest to a bias; the smaller of two equally near.

    Raises:
        ValueError: the calibration is not a grid.

    Examples:
        >>> nearest_on_grid(-0.3, "avca"), nearest_on_grid(1.09, "avca"), nearest_on_grid(7.0, "clipclap")
        (0.0, 1.0, 5.0)
    """
    grid = parse_calibration(calibration).grid
    if grid is None:
        raise ValueError(f"calibration {calibration!r} is no grid")
    return grid[int(np.argmin(np.abs(np.asarray(grid) - bias)))]


def sensitivity_of(row: ResultRow) -> dict[str, Spread]:
    """Summarize HM of a row under each of `CONDITIONS`: mean and sample standard deviation over its seeds."""
    runs = [hm_by_condition(run) for run in row.runs]
    return {name: spread(run[name] for run in runs) for name in CONDITIONS}
