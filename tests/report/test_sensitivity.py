from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from make_record import SEEN, UNSEEN, make_board, make_record

from avgzsl_bench.gzsl.decisions import GroundTruth
from avgzsl_bench.gzsl.metrics import metrics_of
from avgzsl_bench.records.collect import collect
from avgzsl_bench.report.stats.sensitivity import CONDITIONS, hm_by_condition, nearest_on_grid, sensitivity_of

if TYPE_CHECKING:
    from pathlib import Path

    from avgzsl_bench.records.collect import StoredRecord


def _hm(run: StoredRecord, bias: float) -> float:
    return metrics_of(run.table.decisions, GroundTruth(run.table.label, SEEN, UNSEEN), bias).hm


@pytest.mark.parametrize("calibration", ["fixed:0.77", "fixed:-4", "fixed:9", "exact"])
def test_every_condition_is_hm_at_its_bias(tmp_path: Path, calibration: str) -> None:
    make_record(tmp_path, calibration=calibration)
    (run,) = collect(tmp_path)[0].stored
    found, own = hm_by_condition(run), run.record.metrics
    assert [name for name, title in CONDITIONS.items() if "oracle" in title] == ["oracle"]
    assert list(found) == list(CONDITIONS) == ["no_bias", "own_bias", "nearest_avca", "nearest_clipclap", "oracle"]
    avca, clipclap = np.arange(16) / 5, np.arange(76) / 15
    assert found["no_bias"] == pytest.approx(_hm(run, 0.0))
    assert found["own_bias"] == own.hm
    assert found["nearest_avca"] == pytest.approx(_hm(run, avca[np.abs(avca - own.bias).argmin()]))
    assert found["nearest_clipclap"] == pytest.approx(_hm(run, clipclap[np.abs(clipclap - own.bias).argmin()]))
    everywhere = [_hm(run, bias) for bias in np.append(run.table.decisions.gap, -100.0)]
    assert found["oracle"] == pytest.approx(max(everywhere))
    assert found["oracle"] >= max(found.values())


@pytest.mark.parametrize("grid", ["avca", "clipclap"])
def test_a_bias_from_a_grid_stays_where_it_is(tmp_path: Path, grid: str) -> None:
    make_record(tmp_path, calibration=grid)
    (run,) = collect(tmp_path)[0].stored
    assert nearest_on_grid(run.record.metrics.bias, grid) == run.record.metrics.bias
    assert hm_by_condition(run)[f"nearest_{grid}"] == pytest.approx(run.record.metrics.hm)


def test_the_smaller_of_two_equally_near_values_is_taken() -> None:
    assert nearest_on_grid(0.5, "grid:0:3:4") == 0.0
    assert nearest_on_grid(0.6, "grid:0:3:4") == 1.0
    with pytest.raises(ValueError, match="'exact' is no grid"):
        nearest_on_grid(0.5, "exact")


def test_a_row_is_mean_and_deviation_over_its_seeds(tmp_path: Path) -> None:
    row = make_board(tmp_path, seeds=3).rows[0].result
    found = sensitivity_of(row)
    runs = [hm_by_condition(run) for run in row.runs]
    for condition in CONDITIONS:
        values = [run[condition] for run in runs]
        assert found[condition].mean == pytest.approx(np.mean(values))
        assert found[condition].std == pytest.approx(np.std(values, ddof=1))
    assert found["own_bias"] == row.spread["hm"]
