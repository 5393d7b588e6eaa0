from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from avgzsl_bench.cli import main
from avgzsl_bench.plugins.manager import load_plugins

# Read when torch is imported: here, in every worker of xdist, and in the programs that tests start. Tests run side
# by side, one per core, and sums of floats depend on the number of threads.
os.environ["OMP_NUM_THREADS"] = "1"

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
def place(tmp_path: Path, data_root: Path) -> dict[str, Any]:
    """Options of runs on simulated features, with results in a folder of the test."""
    return {"features": "simulated", "device": "cpu", "data_root": data_root, "out": tmp_path / "results"}


@pytest.fixture
def avbench(data_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Call a command in this process, in a folder of the test and with the shared data folder."""
    monkeypatch.setenv("AVBENCH_DATA", str(data_root))
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: CliRunner().invoke(main, [str(a) for a in arguments])


@pytest.fixture
def register() -> Iterator[Callable[[object], object]]:
    """Register a plugin until the test is over."""
    manager, registered = load_plugins().manager, []

    def register(plugin: object) -> object:
        manager.register(plugin)
        registered.append(plugin)
        return plugin

    yield register
    for plugin in registered:
        manager.unregister(plugin)


@pytest.fixture
def fresh_plugins() -> Iterator[None]:
    """Plugins are loaded anew inside the test, and again after it."""
    load_plugins.cache_clear()
    yield
    load_plugins.cache_clear()
