"""A plugin that prints, or changes torch, changes neither the output of a command nor another method's figures."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest
import torch
from click.testing import CliRunner

import avgzsl_bench as ab
from avgzsl_bench.cli import main
from avgzsl_bench.data.layouts.checked_reader import feature_readers
from avgzsl_bench.execution.options import RunOptions
from avgzsl_bench.execution.plan import plan_run
from avgzsl_bench.execution.seeds.runs import execute_seeds
from avgzsl_bench.method.registry import method_class, method_spec
from avgzsl_bench.plugins.manager import load_plugins

DISTURB = """
print("from {where}")
torch.set_default_dtype(torch.float64)
torch.set_grad_enabled(False)
torch.manual_seed(len("{where}"))
"""
PACKAGE = {
    "__init__": """
    import torch
    import avgzsl_bench as ab
    @@import@@
    @ab.hookimpl
    def avbench_methods():
        @@avbench_methods@@
        spec = ab.MethodSpec("loud", target="loud_plugin.method:Loud", title="Loud", follows="reference")
        return [spec]
    @ab.hookimpl
    def avbench_feature_readers():
        @@avbench_feature_readers@@
        return [ab.ReaderSpec("loud", "loud_plugin.reader:READER")]
    @ab.hookimpl
    def avbench_run_started(run):
        @@avbench_run_started@@
    @ab.hookimpl
    def avbench_epoch_finished(run, epoch):
        @@avbench_epoch_finished@@
    @ab.hookimpl
    def avbench_run_finished(run, record):
        @@avbench_run_finished@@
    """,
    "method": """
    import torch
    from avgzsl_baselines.chance import Chance
    @@method@@
    class Loud(Chance):
        def train_epoch(self, train):
            @@train_epoch@@
            return {}
        def score(self, videos, classes):
            scores = super().score(videos, classes)
            @@score@@
            return scores
    """,
    "reader": """
    import torch
    @@reader@@
    class Reader:
        def recognise(self, directory, datasets):
            @@recognise@@
            return []
        def read(self, found, dataset):
            pass
    READER = Reader()
    """,
}
PLACES = [part for source in PACKAGE.values() for part in source.split("@@")[1::2]]
LISTED = ("import", "avbench_methods")


def expanded(source: str) -> str:
    lines = []
    for line in source.splitlines():
        indent, _, rest = line.removeprefix("    ").partition("@@")
        disturbed = DISTURB.format(where=rest.removesuffix("@@")).split("\n")
        lines += [indent + part for part in disturbed] if rest else [indent]
    return "\n".join(lines)


@pytest.fixture
def loud(tmp_path, add_entry_point):
    folder = tmp_path / "loud_plugin"
    folder.mkdir()
    for name, source in PACKAGE.items():
        (folder / f"{name}.py").write_text(expanded(source))
    add_entry_point("loud", "loud_plugin")
    yield
    for name in [name for name in sys.modules if name.partition(".")[0] == "loud_plugin"]:
        del sys.modules[name]


def state():
    return torch.get_default_dtype(), torch.is_grad_enabled(), torch.get_rng_state().tolist()


@pytest.mark.usefixtures("loud")
def test_nothing_that_a_plugin_does_when_it_is_loaded_or_called_stays(capsys, tmp_path):
    before = state()
    (status,) = (s for s in load_plugins().loaded if s.name == "loud")
    assert (status.error, status.methods) == (None, ("loud",))
    assert state() == before
    method_class(method_spec("loud"))
    assert state() == before
    assert feature_readers()["loud"].recognise(tmp_path, []) == []
    assert state() == before
    said = capsys.readouterr()
    assert said.out == ""
    for place in (*LISTED, "method", "avbench_feature_readers", "reader", "recognise"):
        assert f"from {place}\n" in said.err


@pytest.mark.usefixtures("loud")
@pytest.mark.parametrize("method", ["loud", "chance"])
def test_standard_output_of_json_is_one_document_whatever_plugins_print(method, data_root, tmp_path):
    shared = ["--dataset", "ucf", "--features", "simulated", "--device", "cpu", "--data-root", str(data_root)]
    commands = [["methods", "--json"], ["plugins", "--json"], ["data", "list", "--json"]]
    commands += [["run", "--method", method, *shared, "--out", str(tmp_path / "r"), "--json"]]
    before = state()
    for command in commands:
        result = CliRunner().invoke(main, command)
        assert result.exit_code == 0, result.output
        json.loads(result.stdout)
        assert state() == before
    hooks = {place for place in PLACES if place.startswith(("avbench_run", "avbench_epoch"))}
    of_run = hooks | ({"train_epoch", "score"} if method == "loud" else set())
    assert {place for place in PLACES if f"from {place}\n" in result.stderr} >= of_run


def test_a_method_gives_the_same_record_beside_a_plugin_that_changes_torch(request, place, tmp_path):
    settings = {"epochs": 2, "batches_per_epoch": 3}
    options = {**place, "settings": settings}
    plain = ab.run("devise", "ucf", **options)
    request.getfixturevalue("loud")
    beside = ab.run("devise", "ucf", **{**options, "out": tmp_path / "beside"})
    assert beside.run_id == plain.run_id
    assert beside.metrics == plain.metrics
    assert beside.decisions == plain.decisions


@pytest.mark.usefixtures("loud")
def test_a_method_that_changes_torch_changes_no_later_run(place):
    """Seeds of a method, and methods of a sweep, run one after another in one process."""
    plan = plan_run("loud", "ucf", 0, RunOptions(**{**place, "out": str(place["out"])}))
    before = state()
    records = execute_seeds([plan, plan.with_seed(1)], report=lambda line: None, done=lambda plan: None)
    assert state() == before
    assert np.isfinite([record.metrics.hm for record in records]).all()
