from __future__ import annotations

import pytest
from click.testing import CliRunner

from avgzsl_bench.cli import main


@pytest.fixture(autouse=True)
def _width(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "160")


def call(*arguments: str) -> str:
    return CliRunner().invoke(main, list(arguments), catch_exceptions=False).stdout


def test_methods_show_papers_needs_and_sizes() -> None:
    text = call("methods")
    row = next(line for line in text.splitlines() if line.strip().startswith("kda "))
    assert "text knowledge" in row
    assert "4,105,793" in row
    (line,) = (line for line in text.splitlines() if line.startswith("devise:"))
    assert "NeurIPS 2013. as the AVCA benchmark" in line


def words(text: str) -> list[str]:
    return sorted(word for word in text.split() if set(word) != {"─"})


@pytest.mark.parametrize("command", ["methods", "datasets", "plugins"])
def test_narrow_terminals_hide_nothing(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    wide = call(command)
    monkeypatch.setenv("COLUMNS", "40")
    narrow = call(command)
    assert "…" not in narrow
    assert words(narrow) == words(wide), "folding is fine, hiding is not"
