from __future__ import annotations

import numpy as np
import pytest

from avgzsl_bench.errors import ConfigError
from avgzsl_bench.gzsl.calibration import parse_calibration
from avgzsl_bench.gzsl.curve import SeenUnseenCurve

CURVE = SeenUnseenCurve(
    edge=np.array([0.1, 0.5, 1.9, 2.0]),
    seen=np.array([1.0, 1.0, 1.0, 0.5, 0.0]),
    unseen=np.array([0.0, 0.5, 1.0, 1.0, 1.0]),
)


@pytest.mark.parametrize(("name", "steps", "last"), [("avca", 16, 3.0), ("clipclap", 76, 5.0)])
def test_published_grids(name, steps, last):
    grid = parse_calibration(name).grid
    assert grid is not None
    assert (len(grid), grid[0], grid[-1]) == (steps, 0.0, last)
    assert np.allclose(np.diff(grid), last / (steps - 1))


@pytest.mark.parametrize(
    ("name", "bias"),
    [
        ("exact", 1.2),  # the middle of the longest best interval
        ("grid:0:3:16", 0.6),  # the smallest of equals
        ("grid:1:1.5:2", 1.0),
        ("fixed:-0.25", -0.25),
    ],
)
def test_the_bias_on_a_curve(name, bias):
    assert parse_calibration(name).choose(CURVE) == pytest.approx(bias)


def test_a_grid_takes_values_that_differ_by_rounding_as_equal():
    third = 1 / 3
    curve = SeenUnseenCurve(np.array([0.5]), np.array([third, np.nextafter(third, 1)]), np.array([0.5, 0.5]))
    assert parse_calibration("grid:0:1:2").choose(curve) == 0.0


BROKEN = ["", "exactly", "exact:1", "grid", "grid:0:3", "grid:0:3:0", "grid:3:0:5", "grid:0:inf:5"]


@pytest.mark.parametrize("text", [*BROKEN, "fixed:nan", "fixed:x"])
def test_anything_else_is_refused_in_one_line(text):
    with pytest.raises(ConfigError) as caught:
        parse_calibration(text)
    assert "calibration" in str(caught.value)
    assert "\n" not in str(caught.value)
