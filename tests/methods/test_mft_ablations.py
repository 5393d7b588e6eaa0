from __future__ import annotations

import pytest
from built_methods import DATASETS

from avgzsl_bench.execution.ablation import ablation_of
from avgzsl_bench.method.registry import method_spec
from avgzsl_bench.report.boards.ablation import AblationRequest
from avgzsl_bench.report.reported.figures import read_reported, reported_specs
from avgzsl_mft.method import MFTConfig

CHANGED = {
    "w/o att": {"attention": "off"},
    "l - l_cos": {"lambda_cos": 0.0},
    "l - l_kl": {"lambda_kl": 0.0},
    "Audio": {"modality": "audio"},
    "Visual": {"modality": "visual"},
}


def request_on(dataset: str) -> AblationRequest:
    return AblationRequest(method_spec("mft"), ablation_of("mft"), dataset, "clip_clap", "cls", {})


@pytest.mark.parametrize("dataset", DATASETS)
def test_each_variant_changes_what_its_row_says_and_nothing_else(dataset: str) -> None:
    request = request_on(dataset)
    configs = {v.label: request.config_of(v, "clip_clap") for v in request.ablation.variants}
    full = configs["MFT"]
    assert full["epochs"] == 20, "the paper's schedule, not the one for simulated features"
    assert set(full) == set(MFTConfig.model_fields)
    for label, config in configs.items():
        assert {k: v for k, v in config.items() if v != full[k]} == CHANGED.get(label, {}), label


def test_the_full_method_is_the_last_row_of_each_table() -> None:
    tables = ablation_of("mft").tables
    assert [table.variants[-1].label for table in tables] == ["MFT", "l", "Both"]
    assert not any(table.variants[-1].settings for table in tables)


@pytest.mark.parametrize("dataset", DATASETS)
def test_every_row_has_the_figures_that_the_paper_reports_and_none_is_left(dataset: str) -> None:
    reported = {
        (row.source, row.table, row.variant)
        for spec in reported_specs()
        for row in read_reported(spec).ablations
        if row.method == "MFT" and row.dataset == dataset
    }
    declared = {
        (table.reported.source, table.reported.table, variant.reported)
        for table in ablation_of("mft").tables
        if table.reported
        for variant in table.variants
    }
    assert len(declared) == 8
    assert declared == reported
