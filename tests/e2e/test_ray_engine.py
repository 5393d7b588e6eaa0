"""The Ray engine, on clusters of this machine."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("ray", reason="Ray is not installed: pip install -e '.[ray]'")

import ray
from loopback_cluster import Cluster, loopback_cluster, needs_loopback_cluster
from method_lists import ON_SIMULATED
from process_control import START, wait_until
from sweeping import swept, swept_with_kills

from avgzsl_bench.execution.execute import execute
from avgzsl_bench.execution.sweep.engine import EpochFinished, Event, Failed, Started
from avgzsl_bench.execution.sweep.failures import read_failure
from avgzsl_bench.execution.sweep.job import Job
from avgzsl_bench.execution.sweep.planned_run import PlannedRun
from avgzsl_bench.execution.sweep.ray_cluster import Share, connect
from avgzsl_bench.execution.sweep.ray_engine import RayEngine
from avgzsl_bench.records.verify import verify

pytestmark = needs_loopback_cluster

SHORT = {"epochs": 1, "batches_per_epoch": 5}
DIVERGES = SHORT | {"learning_rate": 1e30}


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


def engine(workers: int = 1) -> RayEngine:
    return RayEngine(Share("cpu", 0.0, workers))


def test_records_are_those_of_avbench_run_and_failures_do_not_stop_the_rest(cluster, runs, tmp_path):
    failing, *made = [*runs(DIVERGES, seeds=1), *runs({}, seeds=1, methods=["chance"]), *runs(SHORT)[1:]]
    events = swept([failing, *made], engine(2))
    assert {event.where for event in events if isinstance(event, Started)} == {"node one on cpu"}
    job = PlannedRun(made[1]).job
    results = [e.result for e in events if isinstance(e, EpochFinished) and e.job == job]
    assert [result.epoch for result in results if result.stage == 1] == [1]
    (failed,) = [event for event in events if isinstance(event, Failed)]
    assert failed.job == PlannedRun(failing).job
    assert failed.reason.endswith("(on node one)")
    assert read_failure(failing.path).reason == failed.reason
    for run in made:
        ours, theirs = run.finished(), execute(replace(run, options=replace(run.options, out=tmp_path / "alone")))
        assert ours.environment["threads"] == "1"
        assert ours.model_dump(exclude={"timing"}) == theirs.model_dump(exclude={"timing"})
    left = list(Path(made[0].options.out).rglob("*.*"))
    assert len(left) == 5, "two records with their decisions, and a failure"
    wait_until(lambda: not list(cluster.temporary.glob("avbench-*")))  # nor did they leave any on the node


@pytest.mark.usefixtures("cluster")
def test_trackers_log_on_the_node(runs, tmp_path):
    pytest.importorskip("tensorboard", reason="TensorBoard is not installed: pip install -e '.[tensorboard]'")
    (run,) = runs(SHORT, seeds=1)
    logged = replace(run, options=replace(run.options, log=(f"tensorboard:{tmp_path / 'board'}",)))
    swept([logged], engine())
    assert run.finished() is not None
    (file,) = (tmp_path / "board").rglob("*tfevents*")
    assert file.parent.name == run.spec.id


def test_a_run_has_the_threads_that_were_chosen(cluster, runs):
    (run,) = runs(SHORT, seeds=1)
    run = replace(run, options=replace(run.options, threads=2))
    swept([run], RayEngine(Share("cpu", 0.0, 1, cpus=2)))
    assert run.finished().environment["threads"] == "2"


def test_a_run_whose_worker_is_killed_is_started_once_more_and_then_has_failed(cluster, runs):
    def kill(job: Job) -> None:
        (process,) = cluster.at_work(str(job))
        os.kill(process, signal.SIGKILL)

    reason = swept_with_kills(*runs(SHORT), engine(), kill)
    assert "on node one died (killed" in reason
    assert "as did the 1 before it" in reason


def test_an_interruption_ends_every_run_and_leaves_the_cluster_alone(cluster, runs):
    def interrupt(event: Event) -> None:
        if isinstance(event, EpochFinished):
            assert cluster.at_work()
            raise KeyboardInterrupt

    before = list(cluster.temporary.iterdir())  # what was killed above left its folder
    with pytest.raises(KeyboardInterrupt):
        swept(runs({**SHORT, "epochs": 500}), engine(2), interrupt)
    wait_until(lambda: not cluster.at_work())
    assert set(cluster.temporary.iterdir()) <= set(before)
    assert ray.cluster_resources()["CPU"] == 2


def test_what_a_node_lacks_is_told_in_a_line(cluster, runs, monkeypatch):
    def spoil(job: Job) -> Job | None:
        data = job.spec.data.model_copy(update={"fingerprint": "0" * 64})
        return replace(job, spec=job.spec.model_copy(update={"data": data})) if job.spec.seed == 0 else None

    monkeypatch.setattr("avgzsl_bench.execution.sweep.ray_engine._sent", spoil)
    other, broken = (event for event in swept(runs(SHORT), engine(2)) if isinstance(event, Failed))
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
    arguments = [
        "--methods",
        ",".join(ON_SIMULATED),
        "--datasets",
        "ucf",
        "--features",
        "simulated",
        "--seeds",
        "3",
    ]
    arguments += ["--set", "epochs=1", "--engine", "ray"]
    total = 3 * len(ON_SIMULATED)
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
