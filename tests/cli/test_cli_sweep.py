from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from avgzsl_bench.cli import main
from avgzsl_bench.method.registry import list_methods
from avgzsl_bench.records.collect import collect
from avgzsl_bench.records.verify import verify

# Whoever starts the tests may have interruptions ignored; a terminal has not.
START = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.argv[0] = 'avbench'
from avgzsl_bench.cli import main
main()
"""
SHORT = ("--set", "epochs=1", "--set", "batches_per_epoch=5")
LIMIT = 60


@pytest.fixture
def avbench(data_root, tmp_path, monkeypatch):
    monkeypatch.setenv("AVBENCH_DATA", str(data_root))
    monkeypatch.chdir(tmp_path)

    def call(*arguments):
        return CliRunner().invoke(main, ["sweep", "--features", "simulated", "--device", "cpu", *arguments])

    return call


def records(folder: Path) -> dict[Path, int]:
    """Every record that is there, with the moment it was written."""
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*.json")}


def lines(output: str, *parts: str) -> list[str]:
    return [line for line in output.splitlines() if all(part in line for part in parts)]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--methods", "mftt", "--datasets", "ucf"), "did you mean 'mft'"),
        (("--methods", "all", "--datasets", "ufc"), "did you mean 'ucf'"),
        (("--methods", ",", "--datasets", "ucf"), "name at least one"),
        (("--methods", "all", "--datasets", "ucf", "--set", "epoch=1"), "did you mean 'epochs'"),
        (("--methods", "all", "--datasets", "ucf", "--shard", "3/2"), "write I/N"),
        (("--methods", "all", "--datasets", "ucf", "--workers", "0"), "--workers"),
        (("--methods", "all", "--datasets", "ucf", "--engine", "slurm"), "--engine"),
        (("--methods", "chance", "--datasets", "ucf", "--out", "/dev/null/x"), "choose another folder"),
        (("--methods", "chance", "--datasets", "ucf", "--device", "tpu"), "device"),
        (("--datasets", "ucf"), "--methods"),
    ],
)
def test_bad_input_gives_one_line_and_exit_code_2(avbench, tmp_path, arguments, said):
    result = avbench(*arguments)
    assert result.exit_code == 2, result.output
    (line,) = [line for line in result.stderr.splitlines() if line.strip()]
    assert said in line
    assert not [p for p in tmp_path.rglob("*") if p.is_file()]


def test_the_command_imports_no_torch_before_it_is_called():
    code = "import sys, avgzsl_bench.cli.sweep; sys.exit('torch' in sys.modules or 'numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=120).returncode == 0


def test_a_dry_run_shows_the_grid_and_writes_nothing(avbench, tmp_path):
    result = avbench("--methods", "chance,devise", "--datasets", "ucf", "--seeds", "3", "--dry-run", *SHORT)
    assert result.exit_code == 0
    assert "SIMULATED FEATURES" in result.stderr
    assert lines(result.stderr, "cannot run chance on ucf (3 runs): unknown setting", "'batches_per_epoch'")
    (row,) = lines(result.stdout, "devise", "simulated")
    assert row.split() == ["devise", "ucf", "simulated", "3", "0", "3", "0", "0"]
    assert result.stdout.splitlines()[-1] == "6 runs: 0 done, 3 to do, 3 cannot be run"
    assert not [p for p in tmp_path.rglob("*") if p.is_file()]


def test_failures_are_told_kept_and_tried_again(avbench, tmp_path):
    grid = ("--methods", "devise,eszsl", "--datasets", "ucf")
    diverges = ("--set", "learning_rate=1e30", *SHORT)
    result = avbench("--methods", "devise", "--datasets", "ucf", *diverges)
    assert result.exit_code == 1
    assert lines(result.stderr, "[1/1] devise on ucf, seed 0: FAILED:")
    (failed,) = lines(result.stdout, "failed: devise on ucf, seed 0:")
    (kept,) = tmp_path.rglob("*.failure")
    assert failed.endswith(f"(kept in {kept.relative_to(tmp_path)})")
    assert result.stdout.splitlines()[-1] == "1 run: 0 done (0 before), 1 failed"
    dry = avbench("--methods", "devise", "--datasets", "ucf", *diverges, "--dry-run")
    assert dry.exit_code == 0
    assert lines(dry.stdout, "failed before: devise on ucf, seed 0:")
    result = avbench(*grid, *SHORT)
    assert result.exit_code == 0
    assert result.stdout.splitlines()[-1] == "2 runs: 1 done (0 before), 1 cannot be run"
    (table,) = collect(tmp_path / "results")  # a failure is not taken for a record
    (stored,) = table.stored
    stored.path.with_suffix(".npz").unlink()
    result = avbench(*grid, *SHORT)
    assert result.exit_code == 1
    assert lines(result.stdout, "damaged: devise on ucf, seed 0:", "remove it, and a sweep makes it anew")
    assert "--force" not in result.output


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
    assert len(lines(result.stderr, "started ")) == 6 - len(done)
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
    assert len(lines(result.stderr, "started ")) == total - len(done)
    after = records(tmp_path)
    assert len(after) == total
    assert done.items() <= after.items()
    for path in after:
        verify(path)
