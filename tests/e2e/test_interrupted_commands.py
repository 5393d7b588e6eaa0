"""Commands that are interrupted or killed: nothing half-written is left, and the same command goes on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from method_lists import ON_SIMULATED
from process_control import START, descendants, python, running, wait_until

from avgzsl_bench.records.verify import verify

INTERRUPTED_WRITING = """
import signal
usual = signal.default_int_handler if {number} == signal.SIGINT else signal.SIG_DFL
signal.signal({number}, usual)  # whoever started the tests may have had it ignored
from avgzsl_bench.data.store import writing as store
write = store._write
def interrupted(*arguments):
    signal.raise_signal({number})
    write(*arguments)
store._write = interrupted
from avgzsl_bench.cli import main
main(["run", "--method", "chance", "--dataset", "ucf", "--out", "results"])
"""
needs_proc = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="no /proc here")


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_signals_leave_nothing_half_written(tmp_path: Path, name: str) -> None:
    number = int(getattr(signal, name))
    result = python(INTERRUPTED_WRITING.format(number=number), cwd=tmp_path, AVBENCH_DATA=str(tmp_path / "data"))
    assert result.returncode == 128 + number
    assert result.stderr.splitlines()[-1].startswith("interrupted: nothing half-written was left")
    assert "Traceback" not in result.stderr
    assert not [p for p in tmp_path.rglob("*") if p.is_file()]


def test_a_run_that_is_interrupted_leaves_nothing_and_can_be_started_again(
    tmp_path: Path, data_root: Path
) -> None:
    out = tmp_path / "results"
    command = ["run", "--method", "devise", "--dataset", "ucf", "--json"]
    command += ["--features", "simulated", "--data-root", str(data_root), "--out", str(out)]
    command += ["--set", "epochs=2", "--set", "batches_per_epoch=100"]
    program = [sys.executable, "-c", START, *command]
    process = subprocess.Popen(program, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stderr is not None
    for line in process.stderr:  # the first epoch is done: now it is in the middle
        if "epoch   1/" in line:
            break
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in errors
    assert "interrupted" in errors
    assert not [p for p in out.rglob("*") if p.is_file()]
    again = python(START, *command)
    assert json.loads(again.stdout)["metrics"]["hm"] > 0


def stopped_half_way(arguments: list[str], folder: Path, data: Path, after: int, how: signal.Signals) -> str:
    """Start a sweep, stop it when some records are there, and see that no process of it is left; what it said."""
    with subprocess.Popen(
        [sys.executable, "-c", START, *arguments],
        cwd=folder,
        env={**os.environ, "AVBENCH_DATA": str(data)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stderr is not None
        said = []
        for line in process.stderr:
            said.append(line)
            if line.startswith("[") and line.split("/")[0].strip("[ ") == str(after):
                break
        said.append(process.stderr.readline())  # the next run is under way
        workers = descendants(process.pid)
        assert workers
        if how == signal.SIGINT:
            os.killpg(process.pid, how)  # as a terminal does
        else:
            process.send_signal(how)
        said += process.stderr.readlines()
        assert process.wait(60) == (130 if how == signal.SIGINT else -how)
    wait_until(lambda: not running().keys() & {*workers})
    return "".join(said)


def resumed(arguments: list[str], folder: Path, data: Path, total: int, how: signal.Signals) -> str:
    """Stop a sweep half way and start it again, which reruns nothing that was done; what it said at the stop."""

    def records() -> dict[Path, int]:
        return {path: path.stat().st_mtime_ns for path in folder.rglob("*.json")}

    sweep, half = ["sweep", "--datasets", "ucf", "--features", "simulated", "--seeds", "3", *arguments], total // 2
    said = stopped_half_way(sweep, folder, data, half, how)
    assert how == signal.SIGKILL or not list(folder.rglob("*.tmp"))
    done = records()
    assert half <= len(done) < total
    result = python(START, *sweep, cwd=folder, AVBENCH_DATA=str(data))
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines()[-1] == f"{total} runs: {total} done ({len(done)} before)"
    assert sum("started " in line for line in result.stderr.splitlines()) == total - len(done)
    after = records()
    assert len(after) == total
    assert done.items() <= after.items()
    for path in after:
        verify(path)
    assert not [p for p in folder.rglob("*") if p.is_file() and p.suffix not in (".json", ".npz")]
    return said


@needs_proc
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL], ids=lambda how: how.name)
def test_a_sweep_that_is_stopped_reruns_nothing_that_was_done(tmp_path, data_root, how):
    short = ["--methods", "devise,ale", "--set", "epochs=1", "--set", "batches_per_epoch=5"]
    said = resumed(short, tmp_path, data_root, 6, how)
    if how == signal.SIGINT:
        assert said.splitlines()[-1].startswith("interrupted: nothing half-written was left")
        assert "Traceback" not in said


@needs_proc
@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_a_sweep_of_every_method_that_is_killed_half_way_reruns_nothing_that_was_done(tmp_path, data_root):
    every = ["--methods", ",".join(ON_SIMULATED), "--set", "epochs=1", "--workers", "2"]
    resumed(every, tmp_path, data_root, 3 * len(ON_SIMULATED), signal.SIGKILL)
