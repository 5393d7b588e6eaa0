"""Every registered method trains through a run on each dataset, and learns something."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

import avgzsl_bench as ab
from avgzsl_bench.plugins import method_class, method_spec

BOARDS = Path(__file__).resolve().parents[1] / "leaderboards" / "simulated"
METHODS = [spec.name for spec in ab.list_methods()]
OURS = {"ale", "apn", "avca", "avgzslnet", "chance", "cjme", "clipclap", "devise", "eszsl", "mft", "sje"}
SHORT = {"epochs": 1, "batches_per_epoch": 2, "batch_size": 16, "layers": 1}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("dataset", ["activitynet", "ucf", "vggsound"])
def test_it_trains_on_simulated_features(dataset, method, data_root, tmp_path):
    known = method_class(method_spec(method)).Config.model_fields
    settings = {key: value for key, value in SHORT.items() if key in known}
    record = ab.run(
        method, dataset, features="simulated", settings=settings, data_root=data_root, out=tmp_path, device="cpu"
    )
    assert record.data.simulated
    assert len(record.trace) == 1
    assert 0 <= record.metrics.hm <= 1


@pytest.mark.parametrize("dataset", ["activitynet", "ucf", "vggsound"])
def test_the_committed_boards_hold_every_method_and_chance_is_beaten(dataset):
    board = pd.read_csv(BOARDS / f"{dataset}-simulated-cls.csv").set_index("method")
    assert set(board.index) == OURS
    assert (board["n_seeds"] == 3).all()
    for figure in ("hm_mean", "zsl_mean"):
        learners = board.drop(index="chance")[figure]
        assert (learners > board.loc["chance", figure]).all(), (figure, learners)


@pytest.mark.slow
@pytest.mark.parametrize("method", sorted(OURS - {"chance"}))
def test_it_beats_chance_with_its_default_settings_and_three_seeds(method, data_root, tmp_path):
    place = {"features": "simulated", "data_root": data_root, "out": tmp_path, "device": "cpu"}
    for seed in range(3):
        chance = ab.run("chance", "ucf", seed=seed, **place).metrics
        learner = ab.run(method, "ucf", seed=seed, **place).metrics
        assert learner.hm > chance.hm
        assert learner.zsl > chance.zsl
