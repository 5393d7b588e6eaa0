"""Commands called in this process, in a folder of their own and with the shared data folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from avgzsl_bench.cli import main


@pytest.fixture
def avbench(data_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    monkeypatch.setenv("AVBENCH_DATA", str(data_root))
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: CliRunner().invoke(main, [str(a) for a in arguments])


@pytest.fixture
def refused(avbench: Callable[..., Result]) -> Callable[..., str]:
    """Call a command that must end with one line on standard error; give the line."""

    def refused(*arguments: object) -> str:
        result = avbench(*arguments)
        assert result.exit_code == 2, result.output
        assert "Traceback" not in result.output
        (line,) = [line for line in result.stderr.splitlines() if line.strip()]
        return line

    return refused
