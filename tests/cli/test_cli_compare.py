from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest
from click.testing import CliRunner, Result
from make_record import make_record

from avgzsl_bench.cli import main

if TYPE_CHECKING:
    from pathlib import Path


def call(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["compare", *map(str, arguments)])


@pytest.fixture
def results(tmp_path: Path) -> Path:
    folder = tmp_path / "results"
    for seed in range(3):
        for method, skill in (("good", 3.0), ("copy", 3.0), ("bad", 1.0)):
            labels = np.repeat(np.arange(8), 40)
            make_record(folder, method=method, title=f"{method} method", skill=skill, seed=seed, labels=labels)
    make_record(folder, method="good", dataset="vggsound", features="simulated", simulated=True)
    return folder


def test_compare_prints_tests_and_classes(results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    result = call("bad", "good", "copy", "--results", results, "--classes", 2)
    assert result.exit_code == 0, result.output
    assert max(len(line.rstrip()) for line in result.output.splitlines()) <= 80
    assert "…" not in result.output
    for text in ("Difference in HM", "95% interval", "p (Holm)", "videos and 3 seeds", "Test videos are paired"):
        assert text in result.output
    assert result.output.count(" worse") == 2
    assert result.output.count("not significant") == 1
    titles = [line for line in result.output.splitlines() if line.endswith(", by class")]
    assert len(titles) == 2
    assert titles[0] == "bad method (reconstruction) against good method (reconstruction), by class"
    assert "SIMULATED" not in result.output
    rows = [line for line in result.output.splitlines() if line.startswith(" class ")]
    assert 2 <= len(rows) <= 8
    assert " class " not in call("bad", "good", "--results", results, "--classes", 0).output


def test_another_figure(results: Path) -> None:
    result = call("bad", "good", "--results", results, "--figure", "zsl")
    assert "Difference in ZSL" in result.output
    assert "for the 1 pair." in result.output


def test_latex_is_written_and_rewritten_alike(results: Path, tmp_path: Path) -> None:
    path = tmp_path / "paper" / "table.tex"
    for _ in range(2):
        result = call("good", "bad", "--results", results, "--latex", path)
        assert result.exit_code == 0, result.output
        assert result.output.endswith(f"wrote {path}\n")
        text = path.read_text()
        assert r"\toprule" in text
        assert " & better " in text
    call("good", "bad", "--results", results, "--latex", tmp_path / "again.tex")
    assert (tmp_path / "again.tex").read_text() == text


def test_simulated_is_said(results: Path, tmp_path: Path) -> None:
    options = {"dataset": "vggsound", "features": "simulated", "simulated": True}
    make_record(results, method="bad", **options)
    result = call("good", "bad", "--results", results, "--features", "simulated", "--latex", tmp_path / "t.tex")
    assert "SIMULATED features: these figures say nothing about real videos." in result.output
    assert "SIMULATED features" in (tmp_path / "t.tex").read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "error: Missing argument 'METHOD...'; see 'main compare --help'"),
        (("good", "cop"), "error: unknown method 'cop'; did you mean 'copy'?"),
        (("good", "bad", "--figure", "auc"), "error: unknown figure 'auc' (known: hm, seen, unseen, zsl)"),
        (("good",), "error: several boards have these methods"),
        (("good", "bad", "--split", "mian"), "error: unknown split 'mian'"),
    ],
)
def test_mistakes_are_one_line_and_write_nothing(
    results: Path, tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    result = call(*arguments, "--results", results, "--latex", tmp_path / "table.tex")
    assert result.exit_code == 2
    assert result.output.startswith(message.replace("main compare", "avbench compare"))
    assert result.output.count("\n") == 1
    assert not (tmp_path / "table.tex").exists()


def test_help_does_not_load_scipy() -> None:
    code = (
        "import sys\nfrom avgzsl_bench.cli import main\n"
        "main(['compare', '--help'], standalone_mode=False)\n"
        "assert not {'scipy', 'scipy.stats', 'numpy'} & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "--latex" in done.stdout
