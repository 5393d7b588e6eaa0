from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from avgzsl_bench.cli import main

SLOW = """
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


def call(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


def python(code: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    variables = {**os.environ, "AVBENCH_DATA": str(folder / "data"), **environment}
    return subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env=variables, capture_output=True, text=True, timeout=120
    )


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_signals_leave_nothing_half_written(tmp_path: Path, name: str) -> None:
    number = int(getattr(signal, name))
    result = python(SLOW.format(number=number), tmp_path)
    assert result.returncode == 128 + number
    assert result.stderr.splitlines()[-1].startswith("interrupted: nothing half-written was left")
    assert "Traceback" not in result.stderr
    assert not [p for p in tmp_path.rglob("*") if p.is_file()]


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
