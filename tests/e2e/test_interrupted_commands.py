"""Commands that are interrupted or killed: nothing half-written is left, and the same command goes on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from avgzsl_bench.method.registry import list_methods
from avgzsl_bench.records.verify import verify

# Whoever starts the tests may have interruptions ignored; a terminal has not.
START = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.argv[0] = 'avbench'
from avgzsl_bench.cli import main
main()
"""
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
SHORT = ("--set", "epochs=1", "--set", "batches_per_epoch=5")
LIMIT = 60


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_signals_leave_nothing_half_written(tmp_path: Path, name: str) -> None:
    number = int(getattr(signal, name))
    result = subprocess.run(
        [sys.executable, "-c", INTERRUPTED_WRITING.format(number=number)],
        cwd=tmp_path,
        env={**os.environ, "AVBENCH_DATA": str(tmp_path / "data")},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert result.returncode == 128 + number
    assert result.stderr.splitlines()[-1].startswith("interrupted: nothing half-written was left")
    assert "Traceback" not in result.stderr
    assert not [p for p in tmp_path.rglob("*") if p.is_file()]


def test_a_run_that_is_interrupted_leaves_nothing_and_can_be_started_again(
    tmp_path: Path, data_root: Path
) -> None:
    out = tmp_path / "results"
    command = [sys.executable, "-c", START, "run", "--method", "devise", "--dataset", "ucf", "--json"]
    command += ["--features", "simulated", "--data-root", str(data_root), "--out", str(out)]
    command += ["--set", "epochs=2", "--set", "batches_per_epoch=100"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stderr is not None
    for line in process.stderr:  # the first epoch is done: now it is in the middle
        if "epoch   1/" in line:
            break
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=LIMIT)
    assert process.returncode == 130
    assert "Traceback" not in errors
    assert "interrupted" in errors
    assert not [p for p in out.rglob("*") if p.is_file()]
    again = subprocess.run(command, capture_output=True, text=True, check=True)
    assert json.loads(again.stdout)["metrics"]["hm"] > 0


def records(folder: Path) -> dict[Path, int]:
    """Every record that is there, with the moment it was written."""
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*.json")}


def started(output: str) -> int:
    """The number of runs that a sweep started."""
    return sum("started " in line for line in output.splitlines())


def children(parent: int) -> list[int]:
    """Processes that a process started and that are still there."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == parent and fields[0] != "Z":
            found.append(int(stat.parent.name))
    return found


def alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + LIMIT
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def stopped_half_way(arguments: list[str], folder: Path, data: Path, after: int, how: signal.Signals) -> str:
    """Start a sweep, stop it when some records are there, and see that no process of it is left; what it said."""
    environment = {**os.environ, "AVBENCH_DATA": str(data)}
    with subprocess.Popen(
        [sys.executable, "-c", START, "sweep", *arguments],
        cwd=folder,
        env=environment,
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
        workers = children(process.pid)
        assert workers
        if how == signal.SIGINT:
            os.killpg(process.pid, how)  # as a terminal does
        else:
            process.send_signal(how)
        said += process.stderr.readlines()
        assert process.wait(LIMIT) == (130 if how == signal.SIGINT else -how)
    wait_until(lambda: not any(map(alive, workers)))
    return "".join(said)


def finish(arguments: list[str], folder: Path, data: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", START, "sweep", *arguments],
        cwd=folder,
        env={**os.environ, "AVBENCH_DATA": str(data)},
        capture_output=True,
        text=True,
    )


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="no /proc here")
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL], ids=lambda how: how.name)
def test_a_sweep_that_is_stopped_reruns_nothing_that_was_done(tmp_path, data_root, how):
    sweep = ["--methods", "devise,ale", "--datasets", "ucf", "--features", "simulated", "--seeds", "3", *SHORT]
    said = stopped_half_way(sweep, tmp_path, data_root, after=2, how=how)
    if how == signal.SIGINT:
        assert said.splitlines()[-1].startswith("interrupted: nothing half-written was left")
        assert "Traceback" not in said
        assert not list(tmp_path.rglob("*.tmp"))
    done = records(tmp_path)
    assert 2 <= len(done) < 6
    result = finish(sweep, tmp_path, data_root)
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines()[-1] == f"6 runs: 6 done ({len(done)} before)"
    assert started(result.stderr) == 6 - len(done)
    after = records(tmp_path)
    assert len(after) == 6
    assert done.items() <= after.items()
    for path in after:
        verify(path)
    assert not [p for p in tmp_path.rglob("*") if p.is_file() and p.suffix not in (".json", ".npz")]


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="no /proc here")
def test_a_sweep_of_every_method_that_is_killed_half_way_reruns_nothing_that_was_done(tmp_path, data_root):
    sweep = ["--methods", "all", "--datasets", "ucf", "--features", "simulated", "--seeds", "3"]
    sweep += ["--set", "epochs=1", "--workers", "2"]
    total = 3 * len(list_methods())
    stopped_half_way(sweep, tmp_path, data_root, after=total // 2, how=signal.SIGKILL)
    done = records(tmp_path)
    assert total // 2 <= len(done) < total
    result = finish(sweep, tmp_path, data_root)
    assert result.returncode == 0, result.stderr
    assert started(result.stderr) == total - len(done)
    after = records(tmp_path)
    assert len(after) == total
    assert done.items() <= after.items()
    for path in after:
        verify(path)
