from __future__ import annotations

import pytest
from command_line import with_options

from avgzsl_bench.records.collect import collect

SHORT = ("--set", "epochs=1", "--set", "batches_per_epoch=5")
SWEEP = ("sweep", "--datasets", "ucf", "--features", "simulated", "--device", "cpu")


def lines(output: str, *parts: str) -> list[str]:
    return [line for line in output.splitlines() if all(part in line for part in parts)]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--methods", "mftt"), "did you mean 'mft'"),
        (("--methods", "all", "--datasets", "ufc"), "did you mean 'ucf'"),
        (("--methods", ","), "name at least one"),
        (("--methods", "all", "--set", "epoch=1"), "did you mean 'epochs'"),
        (("--methods", "all", "--shard", "3/2"), "write I/N"),
        (("--methods", "all", "--workers", "0"), "--workers"),
        (("--methods", "all", "--engine", "slurm"), "--engine"),
        (("--methods", "chance", "--out", "/dev/null/x"), "choose another folder"),
        (("--methods", "chance", "--device", "tpu"), "unknown device 'tpu'"),
        ((), "--methods"),
    ],
)
def test_bad_input_gives_one_line_and_exit_code_2(refused, tmp_path, arguments, said):
    assert said in refused(*with_options(SWEEP, *arguments))
    assert not [p for p in tmp_path.rglob("*") if p.is_file()]


def test_a_dry_run_shows_the_grid_and_writes_nothing(avbench, tmp_path):
    result = avbench(*SWEEP, "--methods", "chance,devise", "--seeds", "3", "--dry-run", *SHORT)
    assert result.exit_code == 0
    assert "SIMULATED FEATURES" in result.stderr
    assert lines(result.stderr, "cannot run chance on ucf (3 runs): unknown setting", "'batches_per_epoch'")
    (row,) = lines(result.stdout, "devise", "simulated")
    assert row.split() == ["devise", "ucf", "simulated", "3", "0", "3", "0", "0"]
    assert result.stdout.splitlines()[-1] == "6 runs: 0 done, 3 to do, 3 cannot be run"
    assert not [p for p in tmp_path.rglob("*") if p.is_file()]


def test_a_sweep_has_five_seeds_unless_told_otherwise(avbench):
    for seeds, number in (((), 5), (("--seeds", "2"), 2)):
        result = avbench(*SWEEP, "--methods", "devise", *seeds, "--dry-run", *SHORT)
        assert result.stdout.splitlines()[-1] == f"{number} runs: 0 done, {number} to do"
    (line,) = lines(avbench("sweep", "--help").stdout, "--seeds N")
    assert "seeds 0 to N-1" in line


def test_failures_are_told_kept_and_tried_again(avbench, tmp_path):
    grid = (*SWEEP, "--seeds", "1", "--methods", "devise,eszsl", *SHORT)
    diverging = (*SWEEP, "--seeds", "1", "--methods", "devise", "--set", "learning_rate=1e30", *SHORT)
    result = avbench(*diverging)
    assert result.exit_code == 1
    assert lines(result.stderr, "[1/1] devise on ucf, seed 0: FAILED:")
    (failed,) = lines(result.stdout, "failed: devise on ucf, seed 0:")
    (kept,) = tmp_path.rglob("*.failure")
    assert failed.endswith(f"(kept in {kept.relative_to(tmp_path)})")
    assert result.stdout.splitlines()[-1] == "1 run: 0 done (0 before), 1 failed"
    dry = avbench(*diverging, "--dry-run")
    assert dry.exit_code == 0
    assert lines(dry.stdout, "failed before: devise on ucf, seed 0:")
    result = avbench(*grid)
    assert result.exit_code == 0
    assert result.stdout.splitlines()[-1] == "2 runs: 1 done (0 before), 1 cannot be run"
    (table,) = collect(tmp_path / "results")  # a failure is not taken for a record
    (stored,) = table.stored
    stored.path.with_suffix(".npz").unlink()
    result = avbench(*grid)
    assert result.exit_code == 1
    assert lines(result.stdout, "damaged: devise on ucf, seed 0:", "remove it, and a sweep makes it anew")
    assert "--force" not in result.output
