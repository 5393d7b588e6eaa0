"""The example for Weights & Biases: what it leaves in its offline mode is what the records say."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest
from plugin_distributions import installed
from process_control import START, python
from wandb_file import logged

import avgzsl_bench as ab
from avgzsl_bench.records.collect import collect

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "wandb_tracker"
FIGURES = {"S": "seen", "U": "unseen", "HM": "hm", "ZSL": "zsl"}
TOGETHER = """
import sys
from avgzsl_bench.execution.execute import data_of
from avgzsl_bench.execution.options import RunOptions
from avgzsl_bench.execution.plan import plan_run
from avgzsl_bench.execution.seeds.together import execute_together

settings = {"epochs": 2, "batches_per_epoch": 3}
options = RunOptions("simulated", settings=settings, device="cpu", log=("wandb:tries",))
plans = [plan_run("devise", "ucf", seed, options) for seed in (0, 1)]
execute_together(plans, data_of, lambda plan: None)
"""

pytestmark = pytest.mark.skipif(not find_spec("wandb"), reason="wandb is not installed: pip install wandb")


@pytest.fixture
def offline(tmp_path, data_root):
    """Run code where the example is installed, in a folder of the test; gives what was logged, by the run's id."""
    environment = installed(tmp_path / "plugins", "wandb_here", "avbench_wandb", EXAMPLE)
    environment |= {"AVBENCH_PLUGINS": "standard,baselines,wandb_here", "AVBENCH_DATA": str(data_root)}

    def offline(code: str, *arguments: str, status: int = 0):
        done = python(code, *arguments, cwd=tmp_path, WANDB_MODE="offline", **environment)
        assert done.returncode == status, done.stderr
        assert "warning: " not in done.stderr
        found = [logged(path) for path in tmp_path.glob("wandb/offline-run-*/*.wandb")]
        return {run["config"]["run_id"]: run for run in found}

    return offline


def assert_logged(run, record: ab.Record) -> None:
    """Require that everything of a record was logged, in fractions."""
    assert (run["project"], run["exit"]) == ("tries", 0)
    assert run["name"] == f"devise on ucf, seed {record.seed}, SIMULATED"
    assert run["config"]["method"]["config"] == record.method.config
    assert run["config"]["data"]["features"] == "simulated"
    of_stage1 = [line for line in run["history"] if "stage1/epoch" in line]
    assert [line["stage2/epoch"] for line in run["history"] if "stage2/epoch" in line] == [
        *range(1, record.best_epoch + 1)
    ]
    for epoch, line in zip(record.trace, of_stage1, strict=True):
        assert line["stage1/epoch"] == epoch.epoch
        assert line["stage1/learning_rate"] == epoch.learning_rate
        assert line["stage1/validation/bias"] == epoch.bias
        assert {name: line[f"stage1/validation/{name}"] for name in FIGURES} == {
            name: getattr(epoch, field) for name, field in FIGURES.items()
        }
        assert line["stage1/loss/total"] == epoch.losses["total"]
    for name, field in (FIGURES | {"AUSUC": "ausuc", "bias": "bias"}).items():
        assert run["summary"][f"test/{name}"] == getattr(record.metrics, field)


def records(folder: Path) -> list[ab.Record]:
    (table,) = collect(folder / "results")
    return [stored.record for stored in table.stored]


RUN = "run --method devise --dataset ucf --features simulated --log wandb:tries"


def test_runs_are_read_back(offline, tmp_path):
    runs = offline(START, *RUN.split(), "--seeds", "2", "--set", "epochs=2", "--set", "batches_per_epoch=3")
    assert len(runs) == 2
    for record in records(tmp_path):
        assert_logged(runs[record.run_id], record)


def test_seeds_that_train_together_are_runs_of_their_own(offline, tmp_path):
    runs = offline(TOGETHER)
    assert len(runs) == 2
    for record in records(tmp_path):
        assert_logged(runs[record.run_id], record)


def test_a_run_that_fails_is_marked_as_failed(offline):
    (found,) = offline(START, *RUN.split(), "--epochs", "1", "--set", "learning_rate=1e30", status=2).values()
    assert found["exit"] == 1
    assert not [name for name in found["summary"] if name.startswith("test/")]
