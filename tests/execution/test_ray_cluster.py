"""What of a Ray cluster each run gets, and what is said where there is none."""

from __future__ import annotations

import sys
import tomllib
from importlib.util import find_spec
from pathlib import Path

import pytest
from click.testing import CliRunner

from avgzsl_bench.cli import main
from avgzsl_bench.errors import ConfigError
from avgzsl_bench.execution.sweep import ray_cluster
from avgzsl_bench.execution.sweep.ray_cluster import Share, share_out

PROJECT = Path(__file__).resolve().parents[2] / "pyproject.toml"

needs_ray = pytest.mark.skipif(not find_spec("ray"), reason="Ray is not installed: pip install -e '.[ray]'")
CPUS = [{"CPU": 4.0}, {"CPU": 2.0}, {"memory": 1.0}]
GPUS = [{"CPU": 8.0, "GPU": 2.0}, {"CPU": 1.0, "GPU": 2.0}, {"CPU": 16.0}]


@pytest.mark.parametrize(
    ("nodes", "device", "workers", "share"),
    [
        (CPUS, "auto", None, Share("cpu", 0.0, 6)),
        (CPUS, "cpu", 2, Share("cpu", 0.0, 2)),
        (GPUS, "cpu", None, Share("cpu", 0.0, 25)),
        (GPUS, "auto", None, Share("cuda", 1.0, 3)),  # the second node has a CPU for one of its GPUs only
        (GPUS, "cuda", 3, Share("cuda", 1.0, 3)),
        (GPUS, "cuda", 8, Share("cuda", 0.5, 8)),
        (GPUS, "cuda", 9, Share("cuda", 0.3333, 9)),
    ],
)
def test_a_run_gets_a_cpu_and_a_share_of_a_gpu(nodes, device, workers, share):
    assert share_out(nodes, device, workers) == share


def test_a_run_of_several_threads_takes_as_many_cpus():
    assert share_out(CPUS, "auto", None, 2) == Share("cpu", 0.0, 3, cpus=2)
    assert share_out(CPUS, "auto", None, 3) == Share("cpu", 0.0, 1, cpus=3)
    assert share_out(GPUS, "auto", None, 4) == Share("cuda", 1.0, 2, cpus=4)
    with pytest.raises(ConfigError, match="room for a run, which takes 5 CPUs"):
        share_out(CPUS, "auto", None, 5)


@pytest.mark.parametrize(
    ("nodes", "device", "said"),
    [
        (CPUS, "cuda", "has no GPU"),
        ([{"memory": 1.0}], "auto", "has room for a run"),
        ([{"GPU": 1.0}], "auto", "has room for a run"),
        ([], "cpu", "has room for a run"),
    ],
)
def test_a_cluster_without_room_is_refused(nodes, device, said):
    with pytest.raises(ConfigError, match=said):
        share_out(nodes, device, 4)


@pytest.fixture
def empty(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def said_in_a_line(arguments: list[str], folder: Path) -> str:
    names = ["--methods", "chance", "--datasets", "ucf", "--features", "simulated", "--engine", "ray"]
    result = CliRunner().invoke(main, ["sweep", *names, "--data-root", str(folder / "data"), *arguments])
    assert result.exit_code == 2, result.output
    (line,) = [line for line in result.stderr.splitlines() if line.strip()]
    assert not list(folder.iterdir())
    return line


@needs_ray
@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("127.0.0.1:1", "no Ray cluster can be reached at RAY_ADDRESS=127.0.0.1:1: "),
        ("127.0.0.1:99999", "no Ray cluster can be reached"),
        ("local", "give HOST:PORT"),
        ("ray://127.0.0.1:10001", "give HOST:PORT"),
    ],
)
def test_without_a_cluster_one_line_says_how_to_start_one(empty, monkeypatch, address, said):
    monkeypatch.setenv("RAY_ADDRESS", address)
    line = said_in_a_line([], empty)
    assert said in line
    assert ("ray start --head" in line) != ("give HOST:PORT of" in line)


def test_without_ray_one_line_says_how_to_install_it(empty, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    line = said_in_a_line([], empty)
    # What the extra asks for, so that the command works whether this package came from an index or a clone.
    (wanted,) = tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"]["optional-dependencies"]["ray"]
    assert line.endswith(f"pip install '{wanted}'")


def test_a_device_of_this_machine_alone_is_refused(empty):
    assert "Ray itself chooses" in said_in_a_line(["--device", "cuda:1", "--dry-run"], empty)


@needs_ray
@pytest.mark.parametrize("device", ["cpu", "auto"])
def test_a_precision_that_no_run_of_the_cluster_could_train_in_is_refused(empty, monkeypatch, device):
    monkeypatch.setattr(ray_cluster, "connect", lambda: None)
    monkeypatch.setattr(ray_cluster, "cluster_nodes", lambda: {"id": ("one", CPUS[0])})
    line = said_in_a_line(["--precision", "tf32", "--device", device], empty)
    assert "precision tf32 needs a cuda device" in line
