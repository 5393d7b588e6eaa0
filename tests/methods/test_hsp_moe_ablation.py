"""The ablation of HSP-MoE: what its rows change, and its command."""

from __future__ import annotations

from pathlib import Path

import pytest
from built_methods import DATASETS
from click.testing import CliRunner

from avgzsl_bench.cli import main
from avgzsl_bench.execution.ablation import ablation_of
from avgzsl_bench.method.registry import method_spec
from avgzsl_bench.report.boards.ablation import AblationRequest

SPHERE = {"dp_weight": 0.0, "rp_weight": 0.0, "hup_weight": 0.0, "far_weight": 1.0, "moe": "off"}
CHANGED = {
    "+ sphere": SPHERE,
    "+ DP": SPHERE | {"dp_weight": 0.001},
    "+ RP": SPHERE | {"dp_weight": 0.001, "rp_weight": 0.0002},
    "+ HUP": {"far_weight": 1.0, "moe": "off"},
    "+ FAR": {"moe": "off"},
    "full": {},
}


@pytest.mark.parametrize("dataset", DATASETS)
def test_each_variant_changes_what_its_row_says_and_nothing_else(dataset: str) -> None:
    request = AblationRequest(method_spec("hsp_moe"), ablation_of("hsp_moe"), dataset, "clip_clap", "cls", {})
    first, *others = request.ablation.variants
    assert request.spec_of(first).name == "clipclap"
    configs = {variant.label: request.config_of(variant, "clip_clap") for variant in others}
    full = configs["full"]
    for label, config in configs.items():
        differing = {key: value for key, value in config.items() if value != full[key]}
        assert differing == {key: value for key, value in CHANGED[label].items() if value != full[key]}, label
    shared = request.config_of(first, "clip_clap")
    assert {key: full[key] for key in shared} == shared, "the schedule is that of ClipClap-GZSL"


def test_without_a_joint_space_it_is_refused_in_one_line(
    data_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    where = ("--features", "simulated", "--data-root", str(data_root))
    result = CliRunner().invoke(main, ["ablate", "--method", "hsp_moe", "--dataset", "ucf", *where])
    assert result.exit_code == 2
    (line,) = result.stderr.splitlines()
    assert line.startswith("error: dp_weight=0.001: features are compared with texts")
    assert list(tmp_path.iterdir()) == []
