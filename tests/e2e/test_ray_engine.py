"""The Ray engine, on clusters of this machine."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("ray", reason="Ray is not installed: pip install -e '.[ray]'")

import ray
import torch
from loopback_cluster import Cluster, loopback_cluster, needs_loopback_cluster

from avgzsl_bench.execution.execute import execute
from avgzsl_bench.execution.plan import Plan, RunOptions
from avgzsl_bench.execution.sweep.engine import EpochFinished, Event, Failed, Finished, Lost, Started
from avgzsl_bench.execution.sweep.failures import read_failure
from avgzsl_bench.execution.sweep.grid import make_grid
from avgzsl_bench.execution.sweep.job import Job
from avgzsl_bench.execution.sweep.planned_run import PlannedRun, look_up
from avgzsl_bench.execution.sweep.ray_cluster import Share, connect
from avgzsl_bench.execution.sweep.ray_engine import RayEngine
from avgzsl_bench.execution.sweep.sweep import sweep
from avgzsl_bench.method.registry import list_methods
from avgzsl_bench.records.verify import verify

pytestmark = needs_loopback_cluster

SHORT = {"epochs": 1, "batches_per_epoch": 5}
DIVERGES = {"epochs": 1, "batches_per_epoch": 5, "learning_rate": 1e30}
START = "import sys; sys.argv[0] = 'avbench'; from avgzsl_bench.cli import main; main()"


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """A cluster of one node that this process is connected with."""
    with loopback_cluster() as cluster, pytest.MonkeyPatch.context() as patch:
        cluster.add("one", 2)
        patch.setenv("RAY_ADDRESS", cluster.address)
        connect()
        try:
            yield cluster
        finally:
            ray.shutdown()


@pytest.fixture
def runs(data_root: Path, tmp_path: Path) -> Callable[..., list[Plan]]:
    def make(settings=SHORT, seeds=2, methods=("devise",)) -> list[Plan]:
        options = {"features": "simulated", "device": "cpu", "data_root": data_root, "out": tmp_path / "results"}
        return list(make_grid(methods, ["ucf"], range(seeds), RunOptions(settings=settings, **options)).runs)

    return make


@pytest.fixture
def one_thread() -> Iterator[None]:
    """In this process, as in those of the cluster."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def job_of(plan: Plan) -> Job:
    return PlannedRun(plan).job


def swept(runs: list[Plan], workers: int = 1, tell: Callable[[Event], None] | None = None) -> list[Event]:
    events: list[Event] = []

    def hear(event: Event) -> None:
        events.append(event)
        if tell is not None:
            tell(event)

    sweep(look_up(runs), RayEngine(Share("cpu", 0.0, workers)), hear)
    return events


def kinds(events: list[Event]) -> list[type[Event]]:
    return [type(event) for event in events if not isinstance(event, EpochFinished)]


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_records_are_those_of_avbench_run_and_failures_do_not_stop_the_rest(cluster, runs, tmp_path, one_thread):
    failing, *made = [*runs(DIVERGES, seeds=1), *runs({}, seeds=1, methods=["chance"]), *runs(seeds=2)[1:]]
    events = swept([failing, *made], workers=2)
    assert {event.where for event in events if isinstance(event, Started)} == {"node one on cpu"}
    job = job_of(made[1])
    results = [e.result for e in events if isinstance(e, EpochFinished) and e.job == job]
    assert [result.epoch for result in results if result.stage == 1] == [1]
    (failed,) = [event for event in events if isinstance(event, Failed)]
    assert failed.job == job_of(failing)
    assert failed.reason.endswith("(on node one)")
    assert read_failure(failing.path).reason == failed.reason
    for run in made:
        ours, theirs = run.finished(), execute(replace(run, options=replace(run.options, out=tmp_path / "alone")))
        assert ours.environment["threads"] == "1"
        assert ours.model_dump(exclude={"timing"}) == theirs.model_dump(exclude={"timing"})
    left = list(Path(made[0].options.out).rglob("*.*"))
    assert len(left) == 5, "two records with their decisions, and a failure"
    wait_until(lambda: not list(cluster.temporary.glob("avbench-*")))  # nor did they leave any on the node


def test_a_run_whose_worker_is_killed_is_started_once_more_and_then_has_failed(cluster, runs):
    lost = set()

    def kill(event: Event) -> None:
        if isinstance(event, Started) and (event.job.spec.seed == 0 or event.job.spec.seed not in lost):
            (process,) = cluster.at_work(str(event.job))
            os.kill(process, signal.SIGKILL)
            lost.add(event.job.spec.seed)

    first, second = runs()
    events = swept([first, second], tell=kill)
    assert kinds(events) == [Started, Lost, Started, Failed, Started, Lost, Started, Finished]
    assert "on node one died (killed" in read_failure(first.path).reason
    assert "as did the 1 before it" in read_failure(first.path).reason
    assert verify(second.path).seed == 1


def test_an_interruption_ends_every_run_and_leaves_the_cluster_alone(cluster, runs):
    def interrupt(event: Event) -> None:
        if isinstance(event, EpochFinished):
            assert cluster.at_work()
            raise KeyboardInterrupt

    before = list(cluster.temporary.iterdir())  # what was killed above left its folder
    with pytest.raises(KeyboardInterrupt):
        swept(runs({**SHORT, "epochs": 500}), workers=2, tell=interrupt)
    wait_until(lambda: not cluster.at_work())
    assert set(cluster.temporary.iterdir()) <= set(before)
    assert ray.cluster_resources()["CPU"] == 2


def test_what_a_node_lacks_is_told_in_a_line(cluster, runs, monkeypatch):
    def spoil(job: Job) -> Job | None:
        data = job.spec.data.model_copy(update={"fingerprint": "0" * 64})
        return replace(job, spec=job.spec.model_copy(update={"data": data})) if job.spec.seed == 0 else None

    monkeypatch.setattr("avgzsl_bench.execution.sweep.ray_engine._sent", spoil)
    other, broken = (event for event in swept(runs(), workers=2) if isinstance(event, Failed))
    if other.job.spec.seed:
        other, broken = broken, other
    assert "changed since the run was planned" in other.reason
    assert other.traceback is None
    assert broken.reason.startswith("its task broke: ")
    assert "is avgzsl-bench installed on every node" in broken.reason
    assert "AttributeError" in broken.traceback
    assert "\n" not in other.reason + broken.reason


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_a_sweep_of_every_method_outlives_a_node(tmp_path, data_root):
    arguments = ["--methods", "all", "--datasets", "ucf", "--features", "simulated", "--seeds", "3"]
    arguments += ["--set", "epochs=1", "--engine", "ray"]
    total = 3 * len(list_methods())
    with loopback_cluster() as cluster:
        for name in ("one", "two"):
            cluster.add(name, 1)
        with subprocess.Popen(
            [sys.executable, "-c", START, "sweep", *arguments],
            cwd=tmp_path,
            env={**os.environ, "AVBENCH_DATA": str(data_root), "RAY_ADDRESS": cluster.address},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            said, done = [], 0
            for line in process.stderr:
                said.append(line)
                done += line.startswith("[")
                if "two" in cluster.nodes and done >= total // 2 and re.match("started .*, node two", line):
                    cluster.kill("two")
            summary = process.stdout.read().splitlines()
        assert process.returncode == 0, "".join(said)
    assert [line for line in said if "node two died" in line and "started once more" in line]
    assert summary == [f"{total} runs: {total} done (0 before)"]
    records = list((tmp_path / "results").rglob("*.json"))
    assert len(records) == total
    for path in records:
        verify(path)
    assert not [p for p in tmp_path.rglob("*") if p.is_file() and p.suffix not in (".json", ".npz")]
