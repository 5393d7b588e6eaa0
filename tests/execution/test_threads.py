"""The number of CPU threads of a run: who says it, that it is put back, and that figures follow it alone."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest
import torch
from process_control import python

import avgzsl_bench as ab
from avgzsl_bench.errors import ConfigError
from avgzsl_bench.execution.execute import execute
from avgzsl_bench.execution.options import MAX_THREADS, RunOptions
from avgzsl_bench.execution.plan import plan_run
from avgzsl_bench.execution.threads import LARGE, threads_by_size, use_threads

SHORT = {"epochs": 1, "batches_per_epoch": 2}
LARGE_BATCH = {"batch_size": 5000}
"""With so many videos in a batch DeViSE is a large model."""


class Sized:
    """A method of some size, as far as the number of threads goes."""

    def __init__(self, parameters: int | None, **config: int) -> None:
        self._parameters = parameters
        self.config = type("Config", (), config)()

    def parameter_count(self) -> int | None:
        return self._parameters


@pytest.fixture
def nobody_chose(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the number of threads to the rule; tests have one in their environment."""
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def used(request: pytest.FixtureRequest) -> Any:
    """Give the number of threads that options and a method lead to, and put back that of the tests."""
    before = torch.get_num_threads()

    def number(method: Any = None, **options: int) -> int:
        use_threads(RunOptions(**options), method)
        return torch.get_num_threads()

    yield number
    torch.set_num_threads(before)


def test_a_large_model_has_two_threads_and_any_other_one() -> None:
    assert threads_by_size(LARGE, 1) == 1
    assert threads_by_size(LARGE + 1, 1) == 2
    assert threads_by_size(LARGE // 64 + 1, 64) == 2
    assert threads_by_size(None, 64) == 1


@pytest.mark.usefixtures("nobody_chose")
def test_nobody_chose(used: Callable[..., int]) -> None:
    assert used() == 1, "nothing is built yet"
    assert used(Sized(10**7, batch_size=64)) == 2
    assert used(Sized(10**6, batch_size=64)) == 1
    assert used(Sized(10**8)) == 1, "without batches"
    assert used(Sized(None, batch_size=64)) == 1
    assert used(Sized(10**7, batch_size=64), most_threads=1) == 1
    assert used(Sized(10**7, batch_size=64), most_threads=8) == 2


@pytest.mark.parametrize("variable", ["OMP_NUM_THREADS", "MKL_NUM_THREADS"])
@pytest.mark.usefixtures("nobody_chose")
def test_the_environment_comes_before_the_size(
    used: Callable[..., int], monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "3")
    torch.set_num_threads(3)  # as torch does with it when it is loaded
    assert used() == used(Sized(10**7, batch_size=64)) == 3
    assert used(most_threads=2) == 2
    for nothing in ("", "many", "0"):
        monkeypatch.setenv(variable, nothing)
        assert used() == 1, nothing


def test_a_chosen_number_comes_before_all(used: Callable[..., int]) -> None:
    assert os.environ["OMP_NUM_THREADS"] == "1"
    assert used(Sized(10**6, batch_size=64), threads=3, most_threads=1) == 3


@pytest.mark.parametrize("number", [0, -1, MAX_THREADS + 1, True, 1.0, "2"])
def test_a_number_that_cannot_be_used_is_refused(number: Any, place: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=r"threads .*: must be a whole number from 1 to 1024"):
        ab.run("chance", "ucf", threads=number, **place)


def test_a_run_records_its_threads_and_puts_back_those_of_before(place: dict[str, Any]) -> None:
    before = torch.get_num_threads()
    record = ab.run("devise", "ucf", settings=SHORT, threads=before + 1, **place)
    assert record.environment["threads"] == str(before + 1)
    assert torch.get_num_threads() == before


def test_the_number_is_no_part_of_the_run(place: dict[str, Any]) -> None:
    one, two = (plan_run("devise", "ucf", options=RunOptions(threads=n, settings=SHORT, **place)) for n in (1, 2))
    assert one.path == two.path
    record = execute(one)
    assert two.finished() == record


@pytest.mark.usefixtures("nobody_chose")
@pytest.mark.parametrize(("settings", "threads"), [({}, "1"), (LARGE_BATCH, "2")])
def test_a_run_has_the_threads_of_its_size(place: dict[str, Any], settings: dict[str, int], threads: str) -> None:
    record = ab.run("devise", "ucf", settings=SHORT | settings, **place)
    assert record.environment["threads"] == threads


RUN = """
import os, sys
data, out, method, batch, cores = sys.argv[1:]
os.environ.pop("OMP_NUM_THREADS", None)
os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: int(cores)])
import avgzsl_bench as ab
settings = {"epochs": 1, "batches_per_epoch": 2, "batch_size": int(batch)}
record = ab.run(method, "ucf", settings=settings, data_root=data, out=out, device="cpu")
print(record.environment["threads"], record.model_dump_json(exclude={"timing"}))
"""


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="no way to leave cores out here")
def test_the_record_is_the_same_on_one_core_and_on_two(place: dict[str, Any], tmp_path: Any) -> None:
    ran = [python(RUN, place["data_root"], tmp_path / str(cores), "clipclap", 512, cores) for cores in (1, 2)]
    assert [one.returncode for one in ran] == [0, 0], ran[0].stderr
    assert ran[0].stdout == ran[1].stdout
    assert ran[0].stdout.startswith("2 ")


SPINS = """
import os, sys
import {module}
assert "torch" not in sys.modules, "it has read the environment already"
print(os.environ.get("GOMP_SPINCOUNT"))
"""
WORKERS = ("worker", "ray_task")
VARIABLES = ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY", "KMP_BLOCKTIME")


def spins(monkeypatch: pytest.MonkeyPatch, code: str, **environment: str) -> str:
    """Give what a program, with nothing else in its environment that concerns waiting, prints."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    ran = python(code, **environment)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.strip()


@pytest.mark.parametrize("module", ["avgzsl_bench", *(f"avgzsl_bench.execution.sweep.{m}" for m in WORKERS)])
def test_waiting_threads_spin_few_times(monkeypatch: pytest.MonkeyPatch, module: str) -> None:
    """What a worker of a sweep imports first sets their number, as the package does."""
    if module.endswith("ray_task"):
        pytest.importorskip("ray")
    assert spins(monkeypatch, SPINS.format(module=module)) == "3000"


@pytest.mark.parametrize("variable", VARIABLES)
def test_what_the_environment_says_of_waiting_stays(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    expected = "7" if variable == "GOMP_SPINCOUNT" else "None"
    assert spins(monkeypatch, SPINS.format(module="avgzsl_bench"), **{variable: "7"}) == expected


COMMAND = """
import sys
from importlib.abc import MetaPathFinder
import os
class Look(MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == "torch":
            print("torch is loaded with", os.environ.get("GOMP_SPINCOUNT"), file=sys.stderr)
sys.meta_path.insert(0, Look())
from avgzsl_bench.cli import main
main(["run", "--method", "chance", "--dataset", "ucf", "--device", "cpu"])
"""


def test_a_command_loads_torch_after_that(
    monkeypatch: pytest.MonkeyPatch, place: dict[str, Any], tmp_path: Any
) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    ran = python(COMMAND, cwd=tmp_path, AVBENCH_DATA=str(place["data_root"]))
    assert ran.returncode == 0, ran.stderr
    assert "torch is loaded with 3000" in ran.stderr.splitlines()
