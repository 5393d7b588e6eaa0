"""Settings of every method: those published, what preset `official` changes, short runs on simulated features."""

from __future__ import annotations

import tomllib
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from built_methods import DATASETS
from method_lists import BY_GRADIENT, NOT_BY_GRADIENT
from presets import official_settings, stage_one

import avgzsl_bench as ab
from avgzsl_bench.method.registry import method_class, method_spec
from avgzsl_bench.method.settings import build_config, presets

FEATURES = ("selavi", "c3d_vggish", "clip_clap", "c3d_vggish_seq")
PUBLISHED = {"calibration": "avca", "text_order": "official", "stage2_schedule": "official"}
"""What nearly all published programs do otherwise."""

OFFICIAL: dict[str, dict[str, Any]] = {
    **dict.fromkeys(("apn", "avca"), PUBLISHED),
    **dict.fromkeys(("ale", "devise", "sje"), PUBLISHED | {"normalize_classes": False}),
    **dict.fromkeys(("hyper_alignment", "hyper_multiple", "hyper_poincare", "hyper_single"), PUBLISHED),
    "avmst": PUBLISHED | {"fidelity": "released"},
    "avgzslnet": PUBLISHED | {"bias": "mean_of_three"},
    "avood": {"text_order": "official", "calibration": "fixed:0", "epochs": 1, "detector_epochs": 80},
    "cjme": PUBLISHED | {"bias": "mean_of_three"},
    **dict.fromkeys(
        ("clipclap", "clipclap_far", "hsp_moe"), PUBLISHED | {"calibration": "clipclap", "bn_refresh": "official"}
    ),
    "fvaegan": {"text_order": "official", "calibration": "fixed:0", "schedule": "official"},
    "kda": {"calibration": "avca", "loss": "released"},
    "mstr": PUBLISHED | {"fidelity": "released"},
    "sten": PUBLISHED | {"fidelity": "released"},
    "tcaf": PUBLISHED | {"window_start": "official", "eval_times": "index", "bn_refresh": "official"},
}
AT: dict[tuple[str, str, str], dict[str, Any]] = {("sten", "activitynet", "selavi"): {"momentum": 1.05}}
"""What is published otherwise for one dataset on one feature set."""
NO_PUBLISHED_PROGRAM = {"avfs", "mft", "stft", *NOT_BY_GRADIENT}
METHODS = [spec.name for spec in ab.list_methods()]


TABLES = tomllib.loads(Path(__file__).with_name("published_settings.toml").read_text(encoding="utf-8"))
PLACES = [
    (table, place)
    for table in TABLES["published"]
    for place in product(table["methods"], table.get("datasets", DATASETS), table["features"])
]


def settings_for(method: str, dataset: str, features: str) -> dict[str, Any]:
    spec = method_spec(method)
    return build_config(spec, method_class(spec).Config, dataset, features, {}).model_dump()


@pytest.mark.parametrize(("table", "place"), PLACES, ids=["-".join(place) for _, place in PLACES])
def test_published_settings(table: dict[str, Any], place: tuple[str, str, str]) -> None:
    given = dict(zip(("method", "dataset", "features"), place, strict=True))
    settings = settings_for(**given)
    if table.get("defaults"):
        expected = method_class(method_spec(given["method"])).Config().model_dump()
    else:
        expected = settings_for(**given | table["like"]) if "like" in table else {}
    for condition, values in table["rules"]:
        if all(given[key] in value for key, value in condition.items()):
            expected |= values
    whole = "like" in table or "defaults" in table
    assert (settings if whole else {key: settings[key] for key in expected}) == expected


def test_each_method_has_a_published_program_or_has_not():
    assert set(OFFICIAL) | NO_PUBLISHED_PROGRAM == set(METHODS)


@pytest.mark.parametrize("method", sorted(OFFICIAL))
def test_official_preset(method: str) -> None:
    assert presets(method_spec(method)) == ["official"]
    for dataset in DATASETS:
        for features in FEATURES:
            expected = OFFICIAL[method] | AT.get((method, dataset, features), {})
            assert official_settings(method_spec(method), dataset, features) == expected, features


@pytest.mark.parametrize("method", sorted(NO_PUBLISHED_PROGRAM))
def test_there_is_no_published_program_to_preset(method: str) -> None:
    assert presets(method_spec(method)) == []


@pytest.mark.parametrize(
    ("method", "settings", "parts"),
    [  # the official bias is a multiple of 1 / parts: a fifth, or a third of a sum of fifths
        ("avca", {"batches_per_epoch": 10, "batch_size": 32}, 5),
        ("hyper_single", {"batches_per_epoch": 10, "batch_size": 32}, 5),
        ("tcaf", {"batches_per_epoch": 10, "batch_size": 32}, 5),
        ("avgzslnet", {"batches_per_epoch": 20, "batch_size": 32}, 15),
        ("cjme", {"batches_per_epoch": 20, "batch_size": 32}, 15),
        ("apn", {"batches_per_epoch": 20}, 5),
        ("sje", {"batches_per_epoch": 20}, 5),
        ("clipclap", {"batches_per_epoch": 20}, 15),
    ],
)
def test_official_preset_changes_texts_and_bias(
    method: str, settings: dict[str, Any], parts: int, data_root: Path
) -> None:
    spec = method_spec(method)
    own, official = (stage_one(spec, data_root, preset, epochs=1, **settings) for preset in (None, "official"))
    assert abs(own.epochs[0].losses["total"] - official.epochs[0].losses["total"]) > 1e-5
    assert own.epochs[0].validation.hm != official.epochs[0].validation.hm
    assert own.bias == own.epochs[0].validation.bias
    assert abs(own.bias * parts - round(own.bias * parts)) > 1e-3
    assert official.bias * parts == pytest.approx(round(official.bias * parts), abs=1e-9)


MOST_UPDATES = {"avfs": 500, "mft": 240, **dict.fromkeys(("clipclap", "clipclap_far", "hsp_moe"), 2000)}


@pytest.mark.parametrize("dataset", DATASETS)
@pytest.mark.parametrize("method", [name for name in BY_GRADIENT if name != "fvaegan"])
def test_runs_on_simulated_features_are_short(method: str, dataset: str) -> None:
    spec = method_spec(method)
    for preset in (None, *presets(spec)):
        config = build_config(spec, method_class(spec).Config, dataset, "simulated", {}, preset).model_dump()
        assert config["epochs"] * config["batches_per_epoch"] <= MOST_UPDATES.get(method, 1000)
        if method == "avfs":
            assert config["epochs"] * config["classifier_steps"] <= 3000
