"""Numbers of parameters of every method, in all and by part of its network (`parameters.toml`)."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from built_methods import build, by_part, parameters

from avgzsl_bench import FeatureDims
from avgzsl_bench.method.registry import method_class, method_spec
from avgzsl_bench.method.settings import default_settings

TABLES = tomllib.loads(Path(__file__).with_name("parameters.toml").read_text(encoding="utf-8"))
ROWS = [(method, row) for method, rows in TABLES["methods"].items() for row in rows]


@pytest.mark.parametrize(("method", "row"), ROWS, ids=str)
def test_parameters(method: str, row: dict[str, Any]) -> None:
    spec = method_spec(method)
    published = default_settings(spec, *row["published"]) if "published" in row else {}
    shape = FeatureDims(**TABLES["shapes"][row["shape"]])
    built = build(method_class(spec), shape, **published, **row.get("settings", {}))
    assert parameters(built.module) == row["total"]
    trained = row.get("trained", row["total"])
    assert built.parameter_count() == trained
    if hasattr(built, "optimizer"):
        assert sum(p.numel() for group in built.optimizer.param_groups for p in group["params"]) == trained
    parts = by_part(built.module)
    assert parts == parts | row.get("some", {})
    if "parts" in row:
        assert parts == TABLES["common"].get(method, {}) | row["parts"]
