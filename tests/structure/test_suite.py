"""The examples in docstrings give what they say, and the tests have what they rely on."""

from __future__ import annotations

import doctest
from collections import Counter
from importlib import import_module
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).resolve().parents[2]
TESTS = ROOT / "tests"
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


def test_torch_has_one_thread() -> None:
    assert torch.get_num_threads() == 1


def test_every_file_of_tests_has_a_name_of_its_own() -> None:
    """They are imported by their names, wherever they lie."""
    names = Counter(path.name for path in TESTS.rglob("*.py") if path.name not in ("conftest.py", "__init__.py"))
    assert [name for name, count in names.items() if count > 1] == []
