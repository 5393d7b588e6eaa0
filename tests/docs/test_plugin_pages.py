"""docs/datasets.md and docs/plugins.md describe every field of the data files that plugins bring."""

from __future__ import annotations

import hashlib
import itertools
import re

import plugin_pages
import pytest

from avgzsl_bench.data.datasets.facts import ClassNames, Dataset, PartitionFacts
from avgzsl_bench.execution.ablation import ReportedTable, Variant, VariantTable
from avgzsl_bench.report.reported.figures import Paper, ReportedAblation, ReportedFigure
from avgzsl_bench.report.reported.protocol import Protocol

PAGE, PLUGINS = (page.read_text(encoding="utf-8") for page in (plugin_pages.DATASETS, plugin_pages.PLUGINS))
EXAMPLE = Dataset.model_validate_json(plugin_pages.shown_files(plugin_pages.DATASETS)["avbench_birds/birds.json"])


@pytest.mark.parametrize("model", [Dataset, ClassNames, PartitionFacts])
def test_every_field_has_its_row(model):
    _, section = PAGE.split(f"## `{model.__name__}`\n")
    rows = re.findall(r"^\| `(\w+)` \| ([^|]+) \|", section.partition("\n## ")[0], re.M)
    assert [name for name, _ in rows] == list(model.model_fields)
    optional = {name for name, field in model.model_fields.items() if not field.is_required()}
    assert {name for name, kind in rows if "may be left out" in kind} == optional


def test_the_example_uses_every_field():
    assert EXAMPLE.model_fields_set == set(Dataset.model_fields)
    assert EXAMPLE.facts("small")["stage2_test_unseen"].classes == (5,)
    assert EXAMPLE.split_names == ("cls", "small", "cls-disjoint", "small-disjoint")


def test_the_hash_of_the_example_is_that_of_the_ids_named():
    ids = [f"{bird}{i}_{k}" for bird, i, k in itertools.product(("robin", "wren"), (1, 2), (1, 2))]
    (formula,) = re.findall(r"`(hashlib\.[^`]+)`", PAGE)
    expected = EXAMPLE.partitions["stage2_test_unseen"].ids_sha256
    assert eval(formula, {"hashlib": hashlib, "ids": ids}) == expected


@pytest.mark.parametrize("model", [Paper, ReportedFigure, ReportedAblation, Protocol])
def test_every_field_of_reported_figures_is_named(model):
    section = PLUGINS.partition("## Reported figures")[2].partition("\n## ")[0]
    assert not [name for name in model.model_fields if f"`{name}`" not in section]


@pytest.mark.parametrize("model", [VariantTable, Variant, ReportedTable])
def test_every_field_of_an_ablation_is_named(model):
    section = PLUGINS.partition("## An ablation")[2].partition("\n## ")[0]
    assert not [name for name in model.model_fields if f"{name} =" not in section and f".{name}]]" not in section]
