from __future__ import annotations

from pathlib import Path

import pytest
from own_features import OwnFiles
from published_tree import standard_plugins


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> OwnFiles:
    """Files of a user's own dataset; only the standard plugins are loaded."""
    standard_plugins(monkeypatch)
    return OwnFiles(tmp_path)
