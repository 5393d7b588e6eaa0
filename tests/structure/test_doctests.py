"""The examples in docstrings give what they say."""

from __future__ import annotations

import doctest
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = [ROOT / path for path in ("avgzsl_bench", "baselines/avgzsl_baselines", "methods/mft/avgzsl_mft")]


def with_examples() -> list[str]:
    """Only these modules are imported, so that one without examples may need what is not installed."""
    files = [(file, package.parent) for package in PACKAGES for file in sorted(package.rglob("*.py"))]
    return [
        ".".join(file.relative_to(folder).with_suffix("").parts).removesuffix(".__init__")
        for file, folder in files
        if ">>> " in file.read_text(encoding="utf-8")
    ]


@pytest.mark.parametrize("module", with_examples())
def test_examples(module: str) -> None:
    result = doctest.testmod(import_module(module))
    assert result.attempted
    assert not result.failed
