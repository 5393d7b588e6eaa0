from __future__ import annotations

from importlib.metadata import EntryPoint

import pytest

from avgzsl_bench.plugins import manager


@pytest.fixture
def add_entry_point(tmp_path, monkeypatch, fresh_plugins):
    """Makes a module or package in `tmp_path` an entry point beside the real ones."""
    monkeypatch.syspath_prepend(str(tmp_path))
    real = manager.entry_points(group=manager.GROUP)

    def add(name: str, module: str) -> None:
        extra = EntryPoint(name, module, manager.GROUP)
        monkeypatch.setattr(manager, "entry_points", lambda group: [*real, extra])

    return add
