"""Tests of whole programs: fresh environments, killed processes, clusters, a browser."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from avgzsl_bench.execution.options import RunOptions
from avgzsl_bench.execution.plan import Plan
from avgzsl_bench.execution.sweep.grid import make_grid

FOLDER = Path(__file__).parent
SHORT = {"epochs": 2, "batches_per_epoch": 5}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(FOLDER):
            item.add_marker(pytest.mark.e2e)


@pytest.fixture
def runs(place: dict[str, Any]) -> Callable[..., list[Plan]]:
    def make(settings=SHORT, seeds=2, methods=("devise",)) -> list[Plan]:
        return list(make_grid(methods, ["ucf"], range(seeds), RunOptions(settings=settings, **place)).runs)

    return make
