"""docs/plugins.md names every field of the data files that plugins bring; its plugin: tests/plugins/."""

from __future__ import annotations

import plugin_pages
import pytest

from avgzsl_bench.execution.ablation import ReportedTable, Variant, VariantTable
from avgzsl_bench.report.reported.figures import Paper, ReportedAblation, ReportedFigure

PAGE = plugin_pages.PLUGINS.read_text(encoding="utf-8")


@pytest.mark.parametrize("model", [Paper, ReportedFigure, ReportedAblation])
def test_every_field_of_reported_figures_is_named(model):
    section = PAGE.partition("## Reported figures")[2].partition("\n## ")[0]
    assert not [name for name in model.model_fields if f"`{name}`" not in section]


@pytest.mark.parametrize("model", [VariantTable, Variant, ReportedTable])
def test_every_field_of_an_ablation_is_named(model):
    section = PAGE.partition("## An ablation")[2].partition("\n## ")[0]
    assert not [name for name in model.model_fields if f"{name} =" not in section and f".{name}]]" not in section]
