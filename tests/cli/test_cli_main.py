from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from process_control import python

from avgzsl_bench.cli import main


@pytest.fixture(autouse=True)
def _width(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "160")


def call(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("run",), "error: Missing option '--method'; see 'avbench run --help'"),
        (("run", "--method"), "error: Option '--method' requires an argument; see 'avbench run --help'"),
        (("rnu",), "error: No such command 'rnu' (did you mean 'run'?); see 'avbench --help'"),
        (("data", "imprt"), "error: No such command 'imprt' (did you mean 'import'?); see 'avbench data --help'"),
        (
            ("checkpoint", "imprt"),
            "error: No such command 'imprt' (did you mean 'import'?); see 'avbench checkpoint --help'",
        ),
        (("data", "import"), "error: Missing argument 'DIRECTORY'; see 'avbench data import --help'"),
    ],
)
def test_usage_errors_are_one_line(arguments: tuple[str, ...], said: str) -> None:
    result = call(*arguments)
    assert result.exit_code == 2
    assert result.output == f"{said}\n"


ADD = ("data", "add", "mine", "--features", "own", "--videos", "a.csv", "--audio", "a.npy", "--visual", "v.npy")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("run", "--seed", "0", "--seed", "1"), "--seed is given twice; give it once (for several: --seeds)"),
        (("run", "--seed=0", "--dataset", "ucf", "--seed=0"), "--seed is given twice"),
        (
            ("run", "--seeds", "2", "--seeds", "3"),
            "--seeds is given twice; give it once; see 'avbench run --help'",
        ),
        (("run", "--dataset", "ucf", "--dataset", "vggsound"), "--dataset is given twice"),
        (("sweep", "--methods", "mft", "--methods", "tcaf"), "--methods is given twice"),
        (("ablate", "--run", "--no-run"), "--run/--no-run is given twice"),
        (("leaderboard", "--format", "md", "--format", "csv"), "--format is given twice"),
        (("data", "info", "ucf", "--data-root", "a", "--data-root", "b"), "--data-root is given twice"),
        ((*ADD, "--audio", "b.npy"), "--audio is given twice"),
        (("checkpoint", "import", "f.pt", "--out", "a", "--out", "b"), "--out is given twice"),
    ],
)
def test_an_option_with_one_value_is_refused_where_it_comes_twice(arguments: tuple[str, ...], said: str) -> None:
    result = call(*arguments)
    assert result.exit_code == 2
    (line,) = result.output.splitlines()
    assert line.startswith(f"error: {said}")
    assert f"see 'avbench {arguments[0]}" in line


def test_options_that_may_come_twice_still_do(tmp_path: Path) -> None:
    run = ("run", "--method", "no_method", "--dataset", "ucf", "--out", str(tmp_path))
    for twice in (("--set", "a=1", "--set", "b=2"), ("--json", "--json"), ("--force", "--force")):
        assert "unknown method 'no_method'" in call(*run, *twice).output
    assert "Usage:" in call("run", "--seed", "0", "--seed", "1", "--help").output


def test_no_arguments_print_help() -> None:
    for arguments in ((), ("data",)):
        assert "Commands:" in call(*arguments).output


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize("arguments", [["methods"], ["datasets"], ["--help"], ["data", "list", "--json"]])
def test_output_that_cannot_be_written_is_one_line(tmp_path: Path, arguments: list[str]) -> None:
    code = f"import sys; sys.stdout = open('/dev/full', 'w'); from avgzsl_bench.cli import main; main({arguments})"
    result = python(code, AVBENCH_DATA=str(tmp_path))
    assert result.returncode == 2
    assert result.stderr == "error: cannot write the output: No space left on device\n"


COMMANDS = ["run", "leaderboard", "methods", "datasets", "plugins", "data", "verify", "doctor"]
COMMANDS += ["evaluate", "checkpoint", "checkpoint import", "checkpoint info"]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_listed_and_has_help(command: str) -> None:
    *group, name = command.split()
    assert name in call(*group, "--help").stdout
    result = call(*group, name, "--help")
    assert result.exit_code == 0
    assert "Usage" in result.output


def test_evaluate_says_that_it_writes_no_record() -> None:
    assert "record" in call("evaluate", "--help").stdout


def test_methods_show_papers_needs_and_sizes() -> None:
    lines = call("methods").stdout.splitlines()
    row = next(line for line in lines if line.strip().startswith("kda "))
    assert "text knowledge" in row
    assert "4,105,793" in row
    (line,) = (line for line in lines if line.startswith("devise:"))
    assert "NeurIPS 2013. as the AVCA benchmark" in line
    row = next(line for line in lines if line.strip().startswith("clap_zeroshot "))
    assert "audio and text clap in one space" in row


def words(text: str) -> list[str]:
    return sorted(word for word in text.split() if set(word) != {"─"})


@pytest.mark.parametrize("command", ["methods", "datasets", "plugins"])
def test_narrow_terminals_hide_nothing(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    wide = call(command).stdout
    monkeypatch.setenv("COLUMNS", "40")
    narrow = call(command).stdout
    assert "…" not in narrow
    assert words(narrow) == words(wide), "folding is fine, hiding is not"
