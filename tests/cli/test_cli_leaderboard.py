from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from make_record import make_record

from avgzsl_bench.cli import main
from avgzsl_bench.cli.leaderboard import leaderboard
from avgzsl_bench.cli.verify import verify
from avgzsl_bench.errors import RecordError
from avgzsl_bench.report.folder import LISTING

RECORDS = Path(__file__).resolve().parents[2] / "leaderboards" / "simulated" / "results" / "ucf"


def endings(folder: Path) -> set[str]:
    return {path.suffix for path in folder.iterdir() if path.name != LISTING} if folder.exists() else set()


def test_leaderboard_prints_tables_and_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    for seed in range(2):
        make_record(tmp_path / "results", seed=seed, changed={"learning_rate": 0.0001, "tokens": "[b]va[/b]"})
    make_record(tmp_path / "results", features="simulated", simulated=True)
    out = tmp_path / "out"
    result = CliRunner().invoke(leaderboard, ["--results", str(tmp_path / "results"), "--out", str(out)])
    assert result.exit_code == 0, result.output
    tables = result.output.split("wrote")[0]
    assert max(map(len, tables.splitlines())) <= 80
    assert "\x1b" not in result.output
    assert "…" not in tables
    for text in ("MFT", "tokens=[b]va[/b]", " ± ", "SIMULATED: ucf"):
        assert text in tables
    assert f"wrote {out / 'README.md'}" in result.output
    assert (out / "ucf-clip_clap-cls.csv").exists()


def test_a_narrow_terminal_hides_no_column(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    for seed in range(2):
        make_record(tmp_path / "results", seed=seed)
    arguments = ["--results", str(tmp_path / "results"), "--out", str(tmp_path / "out")]
    result = CliRunner().invoke(leaderboard, arguments)
    assert "(reconstruction)" in result.output
    assert "…" not in result.output


def test_a_terminal_that_cannot_show_every_character(tmp_path: Path) -> None:
    for seed in range(2):
        make_record(tmp_path / "results", seed=seed)
    result = subprocess.run(
        [sys.executable, "-c", "from avgzsl_bench.cli import main; main(['leaderboard'])"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert result.returncode == 0, result.stderr
    assert " ? " in result.stdout


def test_leaderboard_without_records(tmp_path: Path) -> None:
    result = CliRunner().invoke(leaderboard, ["--results", str(tmp_path), "--out", str(tmp_path / "out")])
    assert isinstance(result.exception, RecordError)
    assert not (tmp_path / "out").exists()


def test_all_formats_of_the_committed_records_in_one_go(tmp_path: Path) -> None:
    arguments = ["leaderboard", "--results", str(RECORDS), "--out", str(tmp_path), "--format", "md,csv,tex,html"]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output
    assert endings(tmp_path) == {".md", ".csv", ".tex", ".html"}
    assert f"wrote {tmp_path / 'index.html'}" in result.output


def test_markdown_and_csv_unless_told_otherwise(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["leaderboard", "--results", str(RECORDS), "--out", str(tmp_path)])
    assert result.exit_code == 0, result.output
    assert endings(tmp_path) == {".md", ".csv"}


@pytest.mark.parametrize(("given", "message"), [("md,docx", "unknown format 'docx'"), (" , ", "names no format")])
def test_a_wrong_format_is_told_and_nothing_written(tmp_path: Path, given: str, message: str) -> None:
    arguments = ["leaderboard", "--results", str(RECORDS), "--out", str(tmp_path / "out"), "--format", given]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 2
    assert message in result.stderr
    assert not (tmp_path / "out").exists()


def test_reported_figures_have_no_formats(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["leaderboard", "--reported", "--format", "html"])
    assert result.exit_code == 2
    assert "leave out --format" in result.stderr


def test_verify_takes_files_and_folders(tmp_path: Path) -> None:
    one, two = make_record(tmp_path / "a"), make_record(tmp_path / "b")
    result = CliRunner().invoke(verify, [str(one), str(tmp_path / "b")])
    assert result.exit_code == 0, result.output
    assert result.output.splitlines() == [f"ok {one}", f"ok {two}", "2 ok, 0 failed"]


def test_verify_lists_every_failure_before_it_fails(tmp_path: Path) -> None:
    good, bad, gone = (make_record(tmp_path, name=name, seed=i) for i, name in enumerate("abc"))
    bad.write_text(bad.read_text().replace('"seed": 1', '"seed": "x"'))
    gone.with_suffix(".npz").unlink()
    (tmp_path / "empty").mkdir()
    missing = tmp_path / "missing.json"
    result = CliRunner().invoke(verify, [str(tmp_path / "ucf"), str(tmp_path / "empty"), str(missing)])
    assert isinstance(result.exception, RecordError)
    assert "and 3 more, listed above" in str(result.exception)
    lines = result.output.splitlines()
    assert lines[0] == f"ok {good}"
    assert [line.split(":")[0] for line in lines[1:3]] == [
        f"FAILED {bad}",
        f"FAILED {gone.with_suffix('.npz')}",
    ]
    assert lines[3].startswith("FAILED no records in")
    assert lines[4].startswith(f"FAILED {missing}: cannot be read")
    assert lines[5] == "1 ok, 4 failed"


def test_verify_finds_a_count_that_only_other_records_contradict(tmp_path: Path) -> None:
    good, bad = make_record(tmp_path), make_record(tmp_path, seed=1)
    content = json.loads(bad.read_text())
    content["data"]["counts"]["stage1_train"] = 5
    bad.write_text(json.dumps(content))
    result = CliRunner().invoke(main, ["verify", str(tmp_path)])
    assert result.exit_code == 2
    named = {line.split()[0]: line for line in result.stdout.splitlines()}
    assert str(good) in named["FAILED"]
    assert str(bad) in named["FAILED"]
    assert "other classes or video counts" in named["FAILED"]


def test_verify_needs_a_path() -> None:
    assert CliRunner().invoke(verify, []).exit_code == 2
