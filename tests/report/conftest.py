from __future__ import annotations

import pytest

from avgzsl_bench.plugins import builtin as standard
from avgzsl_bench.report.reported import figures


@pytest.fixture(autouse=True)
def only_our_reported_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever else is installed, the reported figures are those that ship with the harness."""
    monkeypatch.setattr(figures, "reported_specs", standard.avbench_reported)
