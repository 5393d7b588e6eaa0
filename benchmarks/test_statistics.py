"""The simulation of the statistics: its truth, and that every part of it runs."""

from __future__ import annotations

import numpy as np
import pytest
from statistics_page import page
from statistics_simulation import HM, PARTS
from statistics_world import CLASS_SD, METHOD_CLASS_SD, ROLE, population_hm, study


def test_true_figures_are_those_of_many_runs_on_many_videos() -> None:
    made = study(np.random.default_rng(0), np.array([1.0, 3.0]), seen=(2000,) * 3, unseen=(2000,) * 3)
    rows = made.with_hm(np.array([0.5, 0.4])).draw(np.random.default_rng(1), 200)
    found = [row.figures()["hm"] for row in rows]
    for values, target in zip(found, (0.5, 0.4), strict=True):
        # Seeds, and 2,000 videos in each of six classes.
        error = np.hypot(values.std() / np.sqrt(200), 0.5 / np.sqrt(12000))
        assert values.mean() == pytest.approx(target, abs=4 * error)


def test_the_figure_on_all_classes_is_that_of_many_classes() -> None:
    rng = np.random.default_rng(2)
    made = study(rng, np.array([2.0]), seen=(20,) * 3000, unseen=(20,) * 3000)
    assert made.ease[0, made.seen].std() == pytest.approx(np.hypot(CLASS_SD, METHOD_CLASS_SD), rel=0.05)
    assert made.ease[0, ~made.seen].mean() == pytest.approx(ROLE["unseen"], abs=0.1)
    (row,) = made.draw(rng, 30)
    values = row.figures()["hm"]
    assert values.mean() == pytest.approx(population_hm(0.0, 2.0), abs=4 * values.std() / np.sqrt(30))
    assert abs(population_hm(0.0, 2.0) - HM) < 0.1


@pytest.mark.parametrize("part", PARTS)
def test_each_part_runs(part: str) -> None:
    draw, kinds = PARTS[part]
    found = draw(np.random.default_rng(0), kinds[-1])
    sums = {name: [2, 2 * float(value), 2 * float(value) ** 2] for name, value in found.items()}
    text = page({f"{part} {kinds[-1]}": {"chunks": [0], "sums": sums}})
    assert text.count(" ± 0.0 |") >= 6
