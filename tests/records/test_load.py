"""Records as a data frame."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from make_record import make_record

import avgzsl_bench as ab

if TYPE_CHECKING:
    from pathlib import Path

SETTINGS = {"layers": 2, "dropout": 0, "rate": 1.0, "tokens": "va", "deep": True, "huge": 10**30, "sizes": [1, 2]}


@pytest.fixture
def results(tmp_path: Path) -> Path:
    for seed in range(2):
        make_record(tmp_path, method="a", title="A", seed=seed, config=SETTINGS, code="0123456789ab", numerics=2)
        make_record(tmp_path, method="b", title="B", seed=seed, parameters=None, config={"layers": 3, "rate": 2})
    return tmp_path


def test_a_row_for_each_record_with_what_it_says(results: Path) -> None:
    frame = ab.load_records(results)
    assert frame["method"].tolist() == ["a", "a", "b", "b"]
    assert frame["path"].tolist() == sorted(map(str, results.rglob("*.json")))
    for _, row in frame.iterrows():
        record = ab.load_record(row["path"])
        for name in ("seen", "unseen", "hm", "zsl", "ausuc", "bias"):
            assert row[name] == getattr(record.metrics, name)
        identity = (record.method.title, record.data.dataset, record.data.features, record.data.split, record.seed)
        assert tuple(row[["title", "dataset", "features", "split", "seed"]]) == identity
        assert (row["run_id"], row["precision"], row["simulated"]) == (record.run_id, "full", False)
        assert (row["best_epoch"], row["device"]) == (record.best_epoch, "cpu")
        assert row["seconds"] == record.training_seconds == 0.1
    assert frame.groupby("method")["hm"].mean().between(0, 1).all()


def test_settings_are_columns_and_missing_where_a_method_lacks_them(results: Path) -> None:
    frame = ab.load_records(results)
    assert frame["setting.layers"].tolist() == [2, 2, 3, 3]
    assert frame["setting.tokens"].isna().tolist() == [False, False, True, True]
    assert frame["setting.huge"][0] == 10**30
    assert frame["setting.sizes"][1] == [1, 2]
    assert frame["setting.calibration"].tolist() == ["exact"] * 4


def test_columns_have_types_with_room_for_what_is_missing(results: Path) -> None:
    types = ab.load_records(results).dtypes
    expected = {
        "seed": np.dtype("int64"),
        "hm": np.dtype("float64"),
        "simulated": np.dtype("bool"),
        "seconds": np.dtype("float64"),
        "parameters": pd.Int64Dtype(),
        "numerics": pd.Int64Dtype(),
        "setting.layers": pd.Int64Dtype(),
        "setting.dropout": pd.Int64Dtype(),
        "setting.rate": pd.Float64Dtype(),
        "setting.deep": pd.BooleanDtype(),
        "setting.huge": np.dtype("object"),
        "setting.sizes": np.dtype("object"),
    }
    assert {name: types[name] for name in expected} == expected


def test_a_text_is_a_path_and_home_is_expanded(results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(results))
    assert len(ab.load_records("~")) == 4
    (path, *_) = results.rglob("*.json")
    assert ab.load_record(f"~/{path.relative_to(results)}") == ab.load_record(path)


def test_a_damaged_record_stops_it(results: Path) -> None:
    (path, *_) = sorted(results.rglob("*.npz"))
    path.write_bytes(b"")
    with pytest.raises(ab.RecordError, match=f"{path}.*make its run again, or move"):
        ab.load_records(results)


def test_a_folder_without_records_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ab.RecordError, match="no records in"):
        ab.load_records(tmp_path)
