from __future__ import annotations

from pathlib import Path

import pytest
from own_features import OwnFiles
from published_tree import standard_plugins


@pytest.fixture
def standard(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the standard plugins are loaded."""
    standard_plugins(monkeypatch)


@pytest.fixture
def own(tmp_path: Path, standard: None) -> OwnFiles:
    """Files of a user's own dataset."""
    return OwnFiles(tmp_path)
