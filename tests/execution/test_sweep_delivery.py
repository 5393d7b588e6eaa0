from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from avgzsl_bench.errors import AvbenchError, RecordError
from avgzsl_bench.execution.execute import execute
from avgzsl_bench.execution.options import RunOptions
from avgzsl_bench.execution.sweep.delivery import Delivery, delivery_of, keep_delivery
from avgzsl_bench.execution.sweep.engine import Finished
from avgzsl_bench.execution.sweep.grid import make_grid
from avgzsl_bench.execution.sweep.job import Job
from avgzsl_bench.execution.sweep.planned_run import PlannedRun
from avgzsl_bench.records.verify import has_weights, verify


@pytest.fixture(scope="module")
def delivered(data_root, tmp_path_factory) -> list[tuple[Job, Delivery]]:
    """Two runs as they come back from a node, and their jobs."""
    there = tmp_path_factory.mktemp("node")
    options = {"features": "simulated", "device": "cpu", "data_root": data_root, "out": there}
    made = make_grid(["chance"], ["ucf"], range(2), RunOptions(**options)).runs
    for plan in made:
        execute(plan)
    jobs = [PlannedRun(plan).job for plan in made]
    return [(job, delivery_of(Finished(job, 1.5, 0.5), "cpu")) for job in jobs]


def kept_in(job: Job, folder: Path) -> Job:
    return replace(job, options=replace(job.options, out=folder))


def test_what_is_kept_is_what_was_sent(delivered, tmp_path):
    job, delivery = delivered[0]
    here = kept_in(job, tmp_path)
    finished = keep_delivery(here, delivery)
    path = here.plan("cpu").path
    assert (path.read_bytes(), path.with_suffix(".npz").read_bytes()) == (delivery.record, delivery.decisions)
    assert finished == Finished(here, 1.5, verify(path).metrics.hm)
    assert {file for file in tmp_path.rglob("*") if file.is_file()} == {path, path.with_suffix(".npz")}


def test_the_record_that_another_process_wrote_meanwhile_stays(delivered, tmp_path):
    job, delivery = delivered[0]
    here = kept_in(job, tmp_path)
    keep_delivery(here, delivery)
    path = here.plan("cpu").path
    before = path.stat().st_ino
    again = replace(delivery, record=delivery.record.replace(b'"load_seconds": ', b'"load_seconds": 1'))
    assert again != delivery
    keep_delivery(here, again)
    assert path.stat().st_ino == before


def other(delivery: Delivery, old: bytes, new: bytes) -> Delivery:
    assert old in delivery.record
    return replace(delivery, record=delivery.record.replace(old, new))


def named_alike(others: Delivery, mine: Delivery) -> Delivery:
    """Another run's files, but the record names the decisions as this run's does."""
    names = [json.loads(delivery.record)["decisions"]["file"].encode() for delivery in (others, mine)]
    return other(others, *names)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda mine, _: replace(mine, record=b"{"), "not a record"),
        (lambda mine, _: replace(mine, record=b""), "not a record"),
        (lambda mine, _: replace(mine, decisions=mine.decisions[:-1]), "its sha256 is not the one in"),
        (lambda mine, _: other(mine, b'"hm": ', b'"hm": 1'), "hm is"),
        (lambda _, others: others, "no such file"),
        (lambda mine, others: named_alike(others, mine), "altered: it is the record of"),
        (lambda mine, others: replace(mine, decisions=others.decisions), "its sha256 is not the one in"),
        (lambda mine, _: other(mine, b'"file": "seed0-', b'"file": "seed1-'), "no such file"),
        (lambda mine, _: replace(mine, decisions=bytes(2000)), "too large"),
    ],
)
def test_what_is_no_record_of_the_run_is_refused_and_nothing_is_written(
    delivered, tmp_path, monkeypatch, damage, said
):
    if said == "too large":
        monkeypatch.setattr("avgzsl_bench.execution.sweep.delivery.LARGEST", 1999)
    (job, mine), (_, others) = delivered
    with pytest.raises(RecordError, match=said) as caught:
        keep_delivery(kept_in(job, tmp_path), damage(mine, others))
    assert str(caught.value).startswith("what came back is ")
    assert "/" not in str(caught.value).replace("I/O", "")
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_written_to_is_told(delivered, tmp_path):
    job, delivery = delivered[0]
    (tmp_path / "file").touch()
    with pytest.raises(AvbenchError, match="choose another folder"):
        keep_delivery(kept_in(job, tmp_path / "file"), delivery)


def test_a_folder_for_temporary_files_that_is_not_there_is_told(delivered, tmp_path, monkeypatch):
    job, delivery = delivered[0]
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "gone"))
    with pytest.raises(AvbenchError, match="cannot be kept in a temporary file: No such file"):
        keep_delivery(kept_in(job, tmp_path / "results"), delivery)
    assert not (tmp_path / "results").exists()


@pytest.fixture(scope="module")
def saved(data_root, tmp_path_factory) -> tuple[Job, Delivery]:
    """A run that was saved, as it comes back from a node."""
    options = {"features": "simulated", "device": "cpu", "data_root": data_root, "save": True}
    (plan,) = make_grid(["chance"], ["ucf"], [0], RunOptions(**options, out=tmp_path_factory.mktemp("there"))).runs
    execute(plan)
    job = PlannedRun(plan).job
    return job, delivery_of(Finished(job, 1.5, 0.5), "cpu")


def test_saved_models_come_back_too(saved, tmp_path):
    job, delivery = saved
    here = kept_in(job, tmp_path)
    keep_delivery(here, delivery)
    path = here.plan("cpu").path
    assert has_weights(path, verify(path))
    assert sorted(file.suffix for file in path.parent.iterdir()) == [".json", ".npz"] + 2 * [".safetensors"]


@pytest.mark.parametrize(
    ("weights", "said"),
    [
        (lambda sent: {}, "no weights, although they were to be saved"),
        (lambda sent: {"stage1": sent["stage1"]}, "no weights, although they were to be saved"),
        (lambda sent: {"stage1": sent["stage2"], "stage2": sent["stage1"]}, "its sha256 is not the one in"),
    ],
)
def test_models_that_are_not_the_run_s_are_refused(saved, tmp_path, weights, said):
    job, delivery = saved
    with pytest.raises(RecordError, match=said):
        keep_delivery(kept_in(job, tmp_path), replace(delivery, weights=weights(delivery.weights)))
    assert not list(tmp_path.rglob("*.*"))
