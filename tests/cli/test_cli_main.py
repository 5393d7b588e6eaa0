from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from avgzsl_bench.cli import main


def call(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


def python(code: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    variables = {**os.environ, "AVBENCH_DATA": str(folder / "data"), **environment}
    return subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env=variables, capture_output=True, text=True, timeout=120
    )


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
    result = python(code, tmp_path)
    assert result.returncode == 2
    assert result.stderr == "error: cannot write the output: No space left on device\n"
