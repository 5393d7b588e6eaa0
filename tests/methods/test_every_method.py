"""Every registered method trains through a run, learns something, and is tested against worked numbers."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest
import torch
from click.testing import CliRunner
from method_lists import NOT_ON_SIMULATED, ON_SIMULATED

import avgzsl_bench as ab
from avgzsl_bench.cli import main
from avgzsl_bench.errors import CheckpointError
from avgzsl_bench.method.registry import method_class, method_spec
from avgzsl_bench.method.settings import build_config
from avgzsl_bench.report.reported.figures import reported_for
from avgzsl_bench.testing.trial import tiny_task

TESTS = Path(__file__).parent
BOARDS = Path(__file__).resolve().parents[2] / "leaderboards" / "simulated"
METHODS = [spec.name for spec in ab.list_methods()]
CLASSES = {spec.name: method_class(spec) for spec in ab.list_methods()}
FIFTEEN = {"devise", "ale", "sje", "apn", "fvaegan", "cjme", "avgzslnet", "avca", "tcaf", "avfs"}
FIFTEEN |= {"hyper_multiple", "kda", "stft", "clipclap", "mft"}
"""The systems of the comparison in the MFT paper."""
OURS = FIFTEEN | {"hyper_single", "hyper_alignment", "hyper_poincare", "avmst", "mstr", "sten", "eszsl", "chance"}
NOT_YET_ON_BOARDS = {"mstr", "sten"}
"""Besides these `hsp_moe`, which no test here asks of a board."""
SHORT = {"epochs": 1, "batches_per_epoch": 2, "batch_size": 16, "layers": 1, "depth": 1, "classifier_steps": 5}
SHORT |= {"generator_batches": 2, "synthetic_per_class": 50}
SHORT |= {"embedding_epochs": 1, "classifier_epochs": 1, "generator_epochs": 1}
SMALL = {"model_width": 32, "hidden_width": 32, "time_steps": 2, "steps": 2, "spiking_hidden_width": 16}
"""Of networks that take long to score the largest dataset."""


@pytest.mark.parametrize("method", ON_SIMULATED)
@pytest.mark.parametrize(
    "dataset", ["ucf", *(pytest.param(name, marks=pytest.mark.slow) for name in ("activitynet", "vggsound"))]
)
def test_it_trains_on_simulated_features(dataset, method, data_root, tmp_path):
    known = method_class(method_spec(method)).Config.model_fields
    small = SMALL if method in ("avmst", "mstr", "sten", "stft", "tcaf", "mft") else {}
    settings = {key: value for key, value in (SHORT | small).items() if key in known}
    record = ab.run(
        method, dataset, features="simulated", settings=settings, data_root=data_root, out=tmp_path, device="cpu"
    )
    assert record.data.simulated
    assert len(record.trace) == 1
    assert 0 <= record.metrics.hm <= 1


@pytest.mark.parametrize("method", NOT_ON_SIMULATED)
@pytest.mark.parametrize("features", [(), ("--features", "simulated")], ids=["auto", "simulated"])
def test_what_simulated_features_lack_is_refused_in_one_line_and_nothing_is_written(method, features, tmp_path):
    options = ["--dataset", "ucf", "--data-root", str(tmp_path / "data"), "--out", str(tmp_path / "results")]
    (tmp_path / "data").mkdir()
    result = CliRunner().invoke(main, ["run", "--method", method, *options, *features])
    assert result.exit_code == 2
    (line,) = result.output.splitlines()
    assert re.match(f"error: {method}: features simulated have no text encoder 'cl[ai]p' of the", line)
    assert [path.name for path in tmp_path.rglob("*")] == ["data"]


@pytest.mark.parametrize("dataset", ["activitynet", "ucf", "vggsound"])
def test_the_committed_boards_hold_every_method_and_chance_is_beaten(dataset):
    board = pd.read_csv(BOARDS / f"{dataset}-simulated-cls.csv").set_index("method")
    assert set(board.index) == OURS - NOT_YET_ON_BOARDS
    assert (board["n_seeds"] == 3).all()
    for figure in ("hm_mean", "zsl_mean"):
        learners = board.drop(index="chance")[figure]
        assert (learners > board.loc["chance", figure]).all(), (figure, learners)


@pytest.mark.slow
@pytest.mark.parametrize("method", sorted({*ON_SIMULATED} - {"chance"}))
def test_it_beats_chance_with_its_default_settings_and_three_seeds(method, data_root, tmp_path):
    place = {"features": "simulated", "data_root": data_root, "out": tmp_path, "device": "cpu"}
    for seed in range(3):
        chance = ab.run("chance", "ucf", seed=seed, **place).metrics
        learner = ab.run(method, "ucf", seed=seed, **place).metrics
        assert learner.hm > chance.hm
        assert learner.zsl > chance.zsl


def test_all_fifteen_systems_of_the_comparison_are_listed_with_what_a_reader_wants_to_know():
    specs = {spec.name: spec for spec in ab.list_methods()}
    assert set(specs) >= OURS
    for name in FIFTEEN:
        spec = specs[name]
        assert reported_for(spec.title, "ucf"), name
        assert all((spec.paper, spec.venue, spec.url, spec.parameters, spec.follows)), name
    assert {name for name in FIFTEEN if specs[name].follows == "reconstruction"} == {"avfs", "mft", "stft"}


@pytest.mark.parametrize("spec", ab.list_methods(), ids=lambda spec: spec.name)
def test_the_listed_parameter_count_is_that_of_the_method(spec):
    target = method_class(spec)
    text = {"clip": 512, "clap": 1024, **dict.fromkeys(spec.needs.added_text, 512)}
    shape = ab.FeatureDims(audio=1024, visual=512, text=text)
    config = build_config(spec, target.Config, "ucf", "clip_clap", {})
    task = tiny_task(shape, torch.device("cpu"))
    built = target(config, shape, task.classes, seed=0, device=torch.device("cpu"))
    assert built.parameter_count() == spec.parameters


@pytest.mark.parametrize("spec", ab.list_methods(), ids=lambda spec: spec.name)
def test_it_is_tested_against_worked_numbers(spec):
    """In files named after it or its module, with digits worked out elsewhere or a NumPy reference."""
    module, _, name = spec.target.partition(":")
    stems = (spec.name, module.rpartition(".")[2])
    files = {file for stem in stems for file in TESTS.glob("test_*.py") if f"_{stem}_" in f"{file.stem}_"}
    assert files, f"no test_{spec.name}.py"
    cases = [TESTS.parent / "support" / f"{stem}_cases.py" for stem in stems]
    tested = "".join(file.read_text(encoding="utf-8") for file in sorted(files))
    assert re.search(r"\d\.\d{6}|\b\d{18}|\bnp\.linalg\.", tested)
    named = tested + "".join(file.read_text(encoding="utf-8") for file in cases if file.exists())
    assert re.search(rf"\b{name}\b", named)


@pytest.mark.parametrize("method", [name for name in METHODS if not getattr(CLASSES[name], "official_names", {})])
def test_without_released_weights_it_says_so(method):
    with pytest.raises(CheckpointError, match=method):
        ab.load_official(method_spec(method), {"some.weight": torch.zeros(2, 300)})
