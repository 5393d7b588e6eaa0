"""Methods and datasets by the names that tables print, in any case; a run is the same whatever it is called by."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner
from own_features import OwnFiles

import avgzsl_bench as ab
from avgzsl_bench.cli import main
from avgzsl_bench.data.datasets.registry import known_dataset
from avgzsl_bench.errors import UnknownNameError
from avgzsl_bench.execution.ablation import ablation_of
from avgzsl_bench.execution.options import RunOptions
from avgzsl_bench.execution.plan import plan_run
from avgzsl_bench.execution.sweep.grid import dataset_names, method_names
from avgzsl_bench.method.registry import list_methods, method_spec
from avgzsl_bench.system.identifiers import names_meant


def call(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.mark.parametrize("spec", list_methods(), ids=lambda spec: spec.name)
def test_every_method_is_found_by_what_tables_print(spec):
    for shown in (spec.name, spec.title, spec.title.upper(), f"{spec.title} ({spec.follows})"):
        assert method_spec(shown) == spec
    assert method_names(f"{spec.title}, {spec.name}") == [spec.name]


def test_every_dataset_is_found_by_what_tables_print(tmp_path):
    shown = {"UCF-GZSL": "ucf", "ucf-gzsl": "ucf", "UCF": "ucf", "VGGSound-GZSL": "vggsound"}
    shown |= {"ActivityNet-GZSL": "activitynet", "VGGSOUND": "vggsound"}
    assert {name: known_dataset(name, tmp_path).name for name in shown} == shown
    assert dataset_names("UCF-GZSL,ucf,VGGSound-GZSL", tmp_path) == ["ucf", "vggsound"]


def test_a_name_comes_before_a_title_and_a_shared_title_is_a_question():
    titles = [("a", "B"), ("b", "Both"), ("c", "both (reference)"), ("d", "D-1")]
    meant = {"b": ["b"], "B": ["b"], "Both": ["b", "c"], "both (reference)": ["b", "c"], "d-1": ["d"], "d1": []}
    assert {given: names_meant(given, titles) for given in meant} == meant


def test_a_title_that_several_methods_have_is_told(register):
    class Plugin:
        @ab.hookimpl
        def avbench_methods(self):
            return [
                ab.MethodSpec(name, target="nowhere:Nothing", title="Twin", follows="paper")
                for name in ("t1", "t2")
            ]

    register(Plugin())
    with pytest.raises(UnknownNameError, match=r"unknown method 'twin'; did you mean 't1' or 't2'\?"):
        method_spec("twin")


@pytest.mark.parametrize(
    ("given", "near"),
    [("DeViSEE", "devise"), ("SJEE", "sje"), ("F-VAEGAN", "fvaegan"), ("Hyper multiple", "hyper_multiple")],
)
def test_a_near_miss_is_found_in_any_case(given, near):
    with pytest.raises(UnknownNameError, match=f"did you mean '{near}'"):
        method_spec(given)


def test_a_run_is_the_same_whatever_its_method_and_dataset_are_called_by(place):
    options = RunOptions(**place)
    plain = plan_run("clipclap", "vggsound", 0, options)
    assert plan_run("ClipClap-GZSL", "VGGSound-GZSL", 0, options).spec == plain.spec
    assert plan_run("CLIPCLAP", "VGGSOUND", 0, options).path == plain.path


def test_commands_take_the_names_that_tables_print(data_root, tmp_path, monkeypatch):
    monkeypatch.setenv("AVBENCH_DATA", str(data_root))
    monkeypatch.chdir(tmp_path)
    run = call("run", "--method", "Chance (reference)", "--dataset", "UCF-GZSL", "--json")
    assert json.loads(run.stdout)["method"]["name"] == "chance"
    again = call("run", "--method", "chance", "--dataset", "ucf")
    assert "already finished" in again.stderr
    swept = call("sweep", "--methods", "chance,Chance", "--datasets", "UCF-GZSL", "--seeds", "1", "--dry-run")
    assert swept.stdout.splitlines()[-1] == "1 run: 1 done, 0 to do"
    assert json.loads(call("data", "info", "UCF-GZSL", "--json").stdout)[0]["dataset"] == "ucf"
    assert "unaltered" in call("data", "verify", "UCF-GZSL").stdout
    assert json.loads(call("data", "audit", "--dataset", "UCF-GZSL", "--json").stdout)
    ablated = call("ablate", "--method", "MFT (reconstruction)", "--dataset", "UCF-GZSL", "--no-run")
    assert "of the ablation of 'mft' on ucf" in ablated.stderr
    assert ablation_of("MFT") == ablation_of("mft")
    compared = call("compare", "CHANCE (reference)", "--dataset", "UCF-GZSL")
    assert "'chance' has only one row on board ucf-" in compared.stderr
    scored = call("evaluate", "--checkpoint", __file__, "--dataset", "UCF-GZSL", "--bias", "1")
    assert "not a checkpoint of ours" in scored.stderr


def test_features_are_not_added_to_a_dataset_of_a_like_name(tmp_path):
    own = OwnFiles(tmp_path)
    result = own.add(dataset="ucf-gzsl", classes=None)
    assert result.exit_code == 2
    assert "unknown dataset 'ucf-gzsl'; did you mean 'ucf'?" in result.stderr
    assert not own.root.exists()
