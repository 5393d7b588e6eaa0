from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
from published_tree import write_tree


@pytest.fixture
def selavi(tmp_path: Path) -> SimpleNamespace:
    return write_tree(tmp_path, "selavi")


@pytest.fixture
def clip_clap(tmp_path: Path) -> SimpleNamespace:
    return write_tree(tmp_path, "clip_clap")


@pytest.fixture
def sequences(tmp_path: Path) -> SimpleNamespace:
    return write_tree(tmp_path, "selavi_seq")
