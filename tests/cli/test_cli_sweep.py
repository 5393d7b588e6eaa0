from __future__ import annotations

import subprocess
import sys

import pytest
from click.testing import CliRunner

from avgzsl_bench.cli import main
from avgzsl_bench.records.collect import collect

SHORT = ("--set", "epochs=1", "--set", "batches_per_epoch=5")


@pytest.fixture
def avbench(data_root, tmp_path, monkeypatch):
    monkeypatch.setenv("AVBENCH_DATA", str(data_root))
    monkeypatch.chdir(tmp_path)

    def call(*arguments):
        return CliRunner().invoke(main, ["sweep", "--features", "simulated", "--device", "cpu", *arguments])

    return call


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
