"""Runs with `checkpoint_every` that are killed, and go on to the record of the undisturbed run."""

from __future__ import annotations

import random
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from process_control import killed, moments

import avgzsl_bench as ab
from avgzsl_bench.errors import AvbenchError, ConfigError
from avgzsl_bench.records.record import Record
from avgzsl_bench.records.verify import verify

METHODS = {
    "devise": {},
    "clipclap": {},
    "mft": {"layers": 1, "model_width": 32},
    "tcaf": {"depth": 1},
    "stft": {"time_steps": 2, "model_width": 32, "slots": 4},
}
"""A bilinear method, batch norm and dropout, attention, one that reads sequences, and a spiking one."""

EPOCHS = 5
SHORT = {"epochs": EPOCHS, "batches_per_epoch": 3, "batch_size": 16, "calibration": "exact"}
DIFFERENT = {"timing"}


def run(method: str, data_root: Path, out: Path, **options: Any) -> Record:
    given = {"checkpoint_every": 1, "save": True, "threads": 1, **options}
    return ab.run(
        method,
        "ucf",
        features="simulated",
        settings={**SHORT, **METHODS[method]},
        device="cpu",
        data_root=data_root,
        out=out,
        **given,
    )


def fields(record: Record) -> dict[str, Any]:
    return record.model_dump(exclude=DIFFERENT)


class _Interrupt:
    """A plugin that stops a run after an epoch, as Ctrl-C does."""

    def __init__(self, stage: int, epoch: int) -> None:
        self._moment: tuple[int, int] | None = (stage, epoch)

    @ab.hookimpl
    def avbench_epoch_finished(self, epoch: ab.EpochResult) -> None:
        if (epoch.stage, epoch.epoch) == self._moment:
            self._moment = None
            raise KeyboardInterrupt


@pytest.mark.parametrize("method", METHODS)
def test_a_run_that_is_interrupted_goes_on_where_it_was(
    method: str, data_root: Path, tmp_path: Path, register: Callable[[object], object], recwarn: Any
) -> None:
    expected = run(method, data_root, tmp_path / "undisturbed")
    last = expected.best_epoch
    out = tmp_path / "interrupted"
    # An epoch is kept after plugins have been told of it.
    stops = [(1, 1), (1, random.randint(2, EPOCHS)), (2, random.randint(1, last))]
    for stage, epoch in stops:
        register(_Interrupt(stage, epoch))
        with pytest.raises(KeyboardInterrupt):
            run(method, data_root, out)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        record = run(method, data_root, out)
    assert fields(record) == fields(expected)
    kept = stops[-1][1] - 1
    after = f"stage 2, epoch {kept}" if kept else f"stage 1, epoch {EPOCHS}"
    assert any(str(warning.message).endswith(f"goes on after {after}") for warning in said), stops
    assert not list(out.rglob("*.unfinished"))


@pytest.mark.parametrize(
    ("method", "count"),
    [("devise", 2), ("mft", 2), *(pytest.param(name, 12, marks=pytest.mark.slow) for name in METHODS)],
)
@pytest.mark.filterwarnings("ignore:.*an interrupted run, which goes on")
def test_killed_runs_go_on_to_the_same_record(method: str, data_root: Path, tmp_path: Path, count: int) -> None:
    expected = run(method, data_root, tmp_path / "undisturbed")
    for number, moment in enumerate(moments(count, run, method, data_root, tmp_path / "measured")):
        out = tmp_path / str(number)
        killed(moment, run, method, data_root, out)
        killed(moment, run, method, data_root, out)
        record = run(method, data_root, out)
        assert fields(record) == fields(expected)
        (path,) = out.rglob("*.json")
        verify(path)
        assert sorted(entry.suffix for entry in path.parent.iterdir()) == [".json", ".npz"] + 2 * [".safetensors"]


def interrupted(data_root: Path, out: Path, register: Callable[[object], object], **options: Any) -> Path:
    register(_Interrupt(1, 3))
    with pytest.raises(KeyboardInterrupt):
        run("devise", data_root, out, **options)
    (path,) = out.rglob("*.unfinished")
    return path


def test_what_cannot_be_gone_on_from_begins_anew(
    data_root: Path, tmp_path: Path, register: Callable[[object], object]
) -> None:
    expected = run("devise", data_root, tmp_path / "undisturbed")
    out = tmp_path / "interrupted"
    path = interrupted(data_root, out, register)
    whole = path.read_bytes()
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 1
    wrong = "its content does not fit the hash that it begins with"
    for content, reason in (
        (b"", "it is empty"),
        (whole[: len(whole) // 2], wrong),
        (bytes(flipped), wrong),
        (bytes(1000), wrong),
    ):
        path.write_bytes(content)
        with pytest.warns(UserWarning, match=rf"\.unfinished: damaged, so that the run begins anew: {reason}$"):
            assert fields(run("devise", data_root, out)) == fields(expected)
        next(out.rglob("*.json")).unlink()
        path.write_bytes(whole)


def test_other_threads_begin_anew(data_root: Path, tmp_path: Path, register: Callable[[object], object]) -> None:
    interrupted(data_root, tmp_path, register)
    with pytest.warns(UserWarning, match=r"threads '1', now '2'"):
        run("devise", data_root, tmp_path, threads=2)


def test_force_begins_anew(data_root: Path, tmp_path: Path, register: Callable[[object], object]) -> None:
    interrupted(data_root, tmp_path, register)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run("devise", data_root, tmp_path, force=True)
    assert not list(tmp_path.rglob("*.unfinished"))


def test_every_second_epoch_is_kept(data_root: Path, tmp_path: Path, register: Callable[[object], object]) -> None:
    interrupted(data_root, tmp_path, register, checkpoint_every=2)
    with pytest.warns(UserWarning, match=r"goes on after stage 1, epoch 2$"):
        run("devise", data_root, tmp_path)


@pytest.mark.parametrize("method", ["eszsl", "chance", "fvaegan", "avfs", "avood"])
def test_methods_that_cannot_go_on_say_so(method: str, data_root: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=f"method '{method}' keeps no state of its training"):
        ab.run(method, "ucf", features="simulated", data_root=data_root, out=tmp_path / "out", checkpoint_every=1)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("every", [0, -1, True, 1.5])
def test_a_number_of_epochs_that_is_none_is_refused(every: Any, data_root: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"checkpoint_every .*: must be a whole number from 1"):
        run("devise", data_root, tmp_path, checkpoint_every=every)


def test_something_else_in_the_place_of_the_file_is_told_before_training(data_root: Path, tmp_path: Path) -> None:
    record = run("devise", data_root, tmp_path / "undisturbed")
    path = next((tmp_path / "undisturbed").rglob("*.json")).relative_to(tmp_path / "undisturbed")
    folder = (tmp_path / "results" / path).with_suffix(".unfinished")
    folder.mkdir(parents=True)
    with pytest.raises(AvbenchError, match=r"\.unfinished: not a file"):
        run("devise", data_root, tmp_path / "results")
    assert not list((tmp_path / "results").rglob("*.json"))
    folder.rmdir()
    assert fields(run("devise", data_root, tmp_path / "results")) == fields(record)


def test_a_file_that_cannot_be_removed_costs_no_run(
    data_root: Path, tmp_path: Path, register: Callable[[object], object]
) -> None:
    path = interrupted(data_root, tmp_path, register)
    path.unlink()
    path.mkdir()
    with pytest.warns(UserWarning, match="of no more use, and cannot be removed: Is a directory"):
        record = run("devise", data_root, tmp_path, force=True, checkpoint_every=None)
    verify(path.with_suffix(".json"))
    assert record.trace


def test_what_a_kill_after_the_record_leaves_goes_the_next_time(
    data_root: Path, tmp_path: Path, register: Callable[[object], object]
) -> None:
    path = interrupted(data_root, tmp_path, register)
    left = path.read_bytes()
    with pytest.warns(UserWarning, match="goes on after"):
        record = run("devise", data_root, tmp_path)
    path.write_bytes(left)
    assert run("devise", data_root, tmp_path) == record
    assert not path.exists()
