"""`avbench leaderboard --format`."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from avgzsl_bench.cli import main
from avgzsl_bench.report.folder import LISTING

RECORDS = Path(__file__).resolve().parents[2] / "leaderboards" / "simulated" / "results" / "ucf"


def endings(folder: Path) -> set[str]:
    return {path.suffix for path in folder.iterdir() if path.name != LISTING} if folder.exists() else set()


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


@pytest.mark.parametrize(("given", "told"), [("md,docx", "unknown format 'docx'"), (" , ", "names no format")])
def test_a_wrong_format_is_told_and_nothing_written(tmp_path: Path, given: str, told: str) -> None:
    arguments = ["leaderboard", "--results", str(RECORDS), "--out", str(tmp_path / "out"), "--format", given]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 2
    assert told in result.stderr
    assert not (tmp_path / "out").exists()


def test_reported_figures_have_no_formats(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["leaderboard", "--reported", "--format", "html"])
    assert result.exit_code == 2
    assert "leave out --format" in result.stderr
