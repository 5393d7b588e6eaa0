from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from avgzsl_bench.plugins.manager import load_plugins

SHARED = Path(__file__).resolve().parents[1].parent / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of official data files beside the project, where it is at hand."""
    if not SHARED.is_dir():
        pytest.skip("the official data files are not at hand (../shared)")
    return SHARED


@pytest.fixture(scope="session")
def data_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder that tests share; simulated features are made in it once."""
    return tmp_path_factory.mktemp("data")


@pytest.fixture
def fresh_plugins() -> Iterator[None]:
    """Plugins are loaded anew inside the test, and again after it."""
    load_plugins.cache_clear()
    yield
    load_plugins.cache_clear()
