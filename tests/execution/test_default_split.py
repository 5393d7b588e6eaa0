"""The split of a dataset where none is named: `cls`, or the only one there is."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner
from own_features import OwnFiles

import avgzsl_bench as ab
from avgzsl_bench.cli import main
from avgzsl_bench.data.datasets.registry import registered_dataset
from avgzsl_bench.errors import ConfigError
from avgzsl_bench.execution.options import RunOptions
from avgzsl_bench.execution.plan import plan_of, plan_run


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> OwnFiles:
    """Files of a user's own dataset, with all plugins."""
    monkeypatch.chdir(tmp_path)
    return OwnFiles(tmp_path)


def with_splits(own: OwnFiles, *names: str) -> None:
    own.edit_classes(lambda frame: frame.assign(**dict.fromkeys(names, frame["cls"])).drop(columns=["cls"]))
    assert own.add().exit_code == 0


def test_the_only_split_runs_without_being_named(own: OwnFiles) -> None:
    with_splits(own, "main")
    assert ab.load_benchmark("mine", data_root=own.root).spec.split == "main"
    record = ab.run("chance", "mine", data_root=own.root)
    assert record.data.split == "main"
    run = ("--method", "chance", "--dataset", "mine")
    for command in (
        ("run", *run),
        ("run", *run, "--split", "main"),
        ("sweep", "--methods", "chance", "--datasets", "mine", "--seeds", "1", "--dry-run"),
    ):
        result = own.call(*command)
        assert result.exit_code == 0, result.output
    assert "already finished" in own.call("run", *run).stderr
    assert "1 run: 1 done, 0 to do" in result.stdout
    assert len(list(Path("results/mine/own/main").rglob("*.json"))) == 1
    ablation = CliRunner().invoke(
        main, ["ablate", "--method", "mft", "--dataset", "mine", "--no-run", "--data-root", str(own.root)]
    )
    assert "split main" in ablation.stderr


def test_of_several_one_has_to_be_named(own: OwnFiles) -> None:
    with_splits(own, "one", "two")
    expected = "mine has several splits; name one with --split: one, two"
    with pytest.raises(ConfigError, match=expected):
        ab.load_benchmark("mine", data_root=own.root)
    for command in (
        ("run", "--method", "chance", "--dataset", "mine"),
        ("sweep", "--methods", "chance", "--datasets", "mine", "--dry-run"),
        ("ablate", "--method", "mft", "--dataset", "mine", "--no-run"),
    ):
        result = own.call(*command)
        assert result.exit_code == 2
        assert result.stderr.splitlines() == [f"error: {expected}"]
    assert ab.load_benchmark("mine", split="two", data_root=own.root).spec.split == "two"


def test_cls_comes_first(own: OwnFiles, data_root: Path) -> None:
    own.edit_classes(lambda frame: frame.assign(a=frame["cls"]))
    assert own.add().exit_code == 0
    assert ab.load_benchmark("mine", data_root=own.root).spec.split == "cls"
    assert registered_dataset("ucf").chosen_split(None) == "cls"


def test_a_plan_carries_the_split_to_another_process(own: OwnFiles) -> None:
    with_splits(own, "main")
    plan = plan_run("chance", "mine", 0, RunOptions(data_root=own.root))
    assert plan.spec.data.split == "main"
    assert plan_of(plan.spec, plan.options).spec == plan.spec
