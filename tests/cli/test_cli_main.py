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
        (("data", "import"), "error: Missing argument 'DIRECTORY'; see 'avbench data import --help'"),
    ],
)
def test_usage_errors_are_one_line(arguments: tuple[str, ...], said: str) -> None:
    result = call(*arguments)
    assert result.exit_code == 2
    assert result.output == f"{said}\n"


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


def words(text: str) -> list[str]:
    return sorted(word for word in text.split() if set(word) != {"─"})


@pytest.mark.parametrize("command", ["methods", "datasets", "plugins"])
def test_narrow_terminals_hide_nothing(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    wide = call(command).stdout
    monkeypatch.setenv("COLUMNS", "40")
    narrow = call(command).stdout
    assert "…" not in narrow
    assert words(narrow) == words(wide), "folding is fine, hiding is not"
