"""What the tests themselves rely on."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import torch

TESTS = Path(__file__).resolve().parents[1]


def test_torch_has_one_thread() -> None:
    assert torch.get_num_threads() == 1


def test_every_file_of_tests_has_a_name_of_its_own() -> None:
    """They are imported by their names, wherever they lie."""
    names = Counter(path.name for path in TESTS.rglob("*.py") if path.name not in ("conftest.py", "__init__.py"))
    assert [name for name, count in names.items() if count > 1] == []
