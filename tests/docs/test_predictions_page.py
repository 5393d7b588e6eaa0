"""docs/predictions.md: its commands and its Python give what it shows."""

from __future__ import annotations

import doctest
import re
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from click.testing import Result
from plugin_pages import DOCS, shown_commands

import avgzsl_bench as ab

PAGE = DOCS / "predictions.md"
TEXT = PAGE.read_text(encoding="utf-8")
LAYOUT = doctest.NORMALIZE_WHITESPACE
"""Tables end in blanks, which the page leaves out."""


@pytest.fixture(autouse=True)
def _repository(avbench: object, data_root: Path, tmp_path: Path) -> None:
    """The folder of the test has the records of the repository, and the data of the runs is installed."""
    (tmp_path / "leaderboards").symlink_to(DOCS.parent / "leaderboards")
    ab.load_benchmark("ucf", "simulated", data_root=data_root)


def test_the_commands_give_what_is_shown(avbench: Callable[..., Result]) -> None:
    first, second = shown_commands(PAGE)
    (output,) = re.findall(r"```text\n(.*?)```", TEXT, re.S)
    result = avbench(*first)
    assert result.exit_code == 0, result.output
    assert doctest.OutputChecker().check_output(output, result.stdout, LAYOUT | doctest.ELLIPSIS)
    result = avbench(*second)
    assert (result.exit_code, result.stderr) == (0, "")
    assert len(pd.read_csv("videos.csv")) == pd.read_csv("confusion.csv", index_col=0).to_numpy().sum() == 1400
    assert Path("confusion.svg").stat().st_size > 10_000


def test_the_python_gives_what_is_shown() -> None:
    code = "\n".join(re.findall(r"```python\n(.*?)```", TEXT, re.S))
    test = doctest.DocTestParser().get_doctest(code, {}, PAGE.name, str(PAGE), 0)
    report: list[str] = []
    result = doctest.DocTestRunner(verbose=False, optionflags=LAYOUT).run(test, out=report.append)
    assert result.attempted > 10
    assert not result.failed, "".join(report)
