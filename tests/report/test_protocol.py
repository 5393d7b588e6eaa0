"""What figures state of the protocol that made them, and that `--preset official` runs it."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from avgzsl_bench.data.data_spec import DataSpec
from avgzsl_bench.gzsl.calibration import GRID_NAMES
from avgzsl_bench.method.registry import list_methods, method_class, method_spec
from avgzsl_bench.method.settings import build_config, presets
from avgzsl_bench.records.collect import BoardKey
from avgzsl_bench.report.reported.figures import ReportedFigure, all_reported, all_reported_ablations
from avgzsl_bench.report.reported.protocol import UNKNOWN, Protocol, difference

AVCA = {"calibration": "avca", "text_order": "official", "stage2_schedule": "official", "bn_refresh": "none"}
WITH_PASSES = AVCA | {"bn_refresh": "official"}


def key(calibration: str = "avca", text_order: str = "official") -> BoardKey:
    names = {"dataset": "ucf", "features": "selavi", "split": "main", "text_order": text_order}
    data = DataSpec.model_validate(names | {"simulated": False, "fingerprint": "f", "split_hash": "a"})
    return BoardKey(data, calibration)


def test_a_fact_that_a_method_has_no_setting_for_cannot_differ() -> None:
    run = {"stage2_schedule": "official"}
    assert not difference(Protocol(**AVCA), key(), run)
    assert not difference(Protocol(**AVCA | {"bn_refresh": UNKNOWN}), key(), run)
    found = difference(Protocol(**WITH_PASSES), key(), run | {"bn_refresh": "none"})
    assert str(found) == "protocol differs: batch-norm passes none, published official"
    assert not difference(Protocol(**AVCA | {"stage2_schedule": "none"}), key(), {"stage2_schedule": "replay"})


def test_differences_and_unknown_facts_are_told_apart() -> None:
    published = Protocol(calibration="avca", bn_refresh="official")
    found = difference(published, key("exact"), {"stage2_schedule": "replay", "bn_refresh": "official"})
    assert found.differing == ("calibration exact, published avca",)
    assert found.unknown == ("text order", "stage-2 schedule")
    assert str(Protocol()) == "protocol unknown"
    assert str(published) == (
        "calibration avca, text order unknown, stage-2 schedule unknown, batch-norm passes official"
    )


def test_a_grid_is_named_as_boards_name_it() -> None:
    assert {grid: Protocol(calibration=grid).calibration for grid in GRID_NAMES} == GRID_NAMES
    assert Protocol(calibration="grid:0:3:7").calibration == "grid:0:3:7"
    with pytest.raises(ValidationError, match="unknown calibration 'guessed'"):
        Protocol(calibration="guessed")


KNOWN = {("AVCA paper, Table 2", name): AVCA for name in ("ALE", "SJE", "DeViSE", "APN", "CJME", "AVGZSLNet")} | {
    ("AVCA paper, Table 2", "AVCA"): WITH_PASSES,
    ("AVCA paper, Table 2", "f-VAEGAN-D2"): AVCA | {"calibration": "fixed:0", "stage2_schedule": "none"},
    ("TCAF paper, Table 1", "CJME"): AVCA,
    ("TCAF paper, Table 1", "AVGZSLNet"): AVCA,
    ("TCAF paper, Table 1", "AVCA"): WITH_PASSES,
    ("TCAF paper, Table 1", "TCAF"): WITH_PASSES,
    ("ClipClap-GZSL paper, Section 4.2", "ClipClap-GZSL"): WITH_PASSES | {"calibration": "clipclap"},
    ("HSP-MoE-AVGZSL README", "HSP-MoE-AVGZSL"): WITH_PASSES | {"calibration": "clipclap"},
}
"""Figures of published programs, by paper and method; what the READMEs of these programs list is the same."""


def test_what_published_programs_made_is_known_and_nothing_else() -> None:
    own = {(source.split()[0], method): facts for (source, method), facts in KNOWN.items()}
    for figure in all_reported():
        project, _, kind = figure.source.partition(" ")
        listed = kind.startswith("README") or (figure.source, figure.method) in KNOWN
        expected = own.get((project, figure.method), {}) if listed else {}
        assert figure.protocol == Protocol(**expected), (figure.source, figure.method)
    assert {ablation.protocol for ablation in all_reported_ablations()} == {Protocol()}


def _is_known(figure: ReportedFigure) -> bool:
    return UNKNOWN not in figure.protocol.model_dump().values()


def _cases() -> list[tuple[str, str]]:
    figures = [figure for figure in all_reported() if _is_known(figure)]
    titles = {spec.title.casefold(): spec.name for spec in list_methods() if "official" in presets(spec)}
    return sorted({(titles[f.method.casefold()], f.features) for f in figures if f.method.casefold() in titles})


def _run(method: str, figure: ReportedFigure, preset: str | None) -> tuple[BoardKey, dict[str, Any]]:
    spec = method_spec(method)
    config = build_config(spec, method_class(spec).Config, figure.dataset, figure.features, {}, preset)
    return key(config.calibration, config.text_order), config.model_dump(mode="json")


def test_every_method_of_a_published_program_has_a_case() -> None:
    assert {name for name, _ in _cases()} == {
        *("ale", "sje", "devise", "apn", "cjme", "avgzslnet", "avca", "fvaegan", "tcaf", "clipclap", "hsp_moe")
    }


@pytest.mark.parametrize(("method", "features"), _cases())
def test_the_official_preset_runs_the_protocol_of_the_published_program(method: str, features: str) -> None:
    title = method_spec(method).title.casefold()
    figures = [
        figure
        for figure in all_reported()
        if figure.method.casefold() == title and figure.features == features and _is_known(figure)
    ]
    for figure in figures:
        assert not difference(figure.protocol, *_run(method, figure, "official")), figure
        by_default = difference(figure.protocol, *_run(method, figure, None))
        assert by_default.differing, "the defaults are our protocol"
        assert not by_default.unknown
