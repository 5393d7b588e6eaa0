from __future__ import annotations

import pytest
from audit_faults import standard
from plausible_tree import UCF_VIDEOS
from published_tree import BY_NAME

from avgzsl_bench.data.datasets import registry


@pytest.fixture(autouse=True)
def _small_standard(monkeypatch: pytest.MonkeyPatch) -> None:
    """The small tree is the standard, for the audit and the import."""
    known = {**BY_NAME, "ucf": standard("ucf", UCF_VIDEOS)}
    monkeypatch.setattr(registry, "registered_datasets", lambda: known)
    monkeypatch.setattr(registry, "registered_dataset", known.__getitem__)
