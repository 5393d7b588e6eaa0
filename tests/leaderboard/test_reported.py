from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from avgzsl_bench.errors import PluginError
from avgzsl_bench.reported import ReportedSpec
from avgzsl_bench.reported.figures import ReportedSource, read_reported, reported_for
from avgzsl_bench.standard import avbench_reported

GATHERED = Path(__file__).resolve().parents[2].parent / "shared" / "spec" / "reported.json"
LETTERS = {"seen": "S", "unseen": "U", "hm": "HM", "zsl": "ZSL"}


@pytest.fixture(scope="module")
def ours() -> ReportedSource:
    (spec,) = avbench_reported()
    return read_reported(spec)


@pytest.fixture(scope="module")
def gathered() -> dict[str, Any]:
    if not GATHERED.is_file():
        pytest.skip("the gathered figures are not beside this checkout")
    content: dict[str, Any] = json.loads(GATHERED.read_text(encoding="utf-8"))
    return content


def printed(row: Any) -> dict[str, float]:
    return {letter: getattr(row, name) for name, letter in LETTERS.items()}


def test_every_compared_figure_is_there(ours: ReportedSource, gathered: dict[str, Any]) -> None:
    expected = {
        (row["method"], row["venue"], row["dagger"], row["features"], row["split"], dataset): row[dataset]
        for row in gathered["table2_comparison"]
        for dataset in ("ucf", "vggsound", "activitynet")
    }
    actual = {(f.method, f.venue, f.marked, f.features, f.split, f.dataset): printed(f) for f in ours.figures}
    assert actual == expected
    assert {f.table for f in ours.figures} == {2}


@pytest.mark.parametrize(
    ("number", "name"), [(3, "table3_attention"), (4, "table4_losses"), (5, "table5_modality")]
)
def test_every_ablation_is_there(ours: ReportedSource, gathered: dict[str, Any], number: int, name: str) -> None:
    expected = {
        (row["variant"], dataset): row[dataset]
        for row in gathered[name]
        for dataset in ("ucf", "vggsound", "activitynet")
    }
    rows = [a for a in ours.ablations if a.table == number]
    assert {(a.variant, a.dataset): printed(a) for a in rows} == expected


def test_misprints_are_those_gathered(ours: ReportedSource, gathered: dict[str, Any]) -> None:
    expected = {
        (m["table"].split("_")[0], m["row"], m["dataset"], m["printed_HM"], m["HM_from_S_and_U"])
        for m in gathered["hm_inconsistencies"]
    }
    marked = [(f.method, f) for f in ours.figures] + [(a.variant, a) for a in ours.ablations]
    actual = {
        (f"table{row.table}", name, row.dataset, row.hm, row.recomputed_hm)
        for name, row in marked
        if row.recomputed_hm is not None
    }
    assert actual == expected


def test_misprints_are_the_cells_whose_hm_does_not_follow(ours: ReportedSource) -> None:
    for row in [*ours.figures, *ours.ablations]:
        hm = 2 * row.seen * row.unseen / (row.seen + row.unseen)
        assert (abs(hm - row.hm) > 0.02) == (row.recomputed_hm is not None), row
        if row.recomputed_hm is not None:
            assert row.recomputed_hm == pytest.approx(hm, abs=0.005)


def test_look_up_by_title_and_dataset() -> None:
    (figure,) = reported_for("mft", "vggsound")
    assert (figure.method, figure.hm, figure.features, figure.split) == ("MFT", 18.8, "clip_clap", "cls")
    assert figure.source == "mft_jeit2025"
    assert "Multimodal Fusion Transformer" in figure.citation
    assert "uncertain" in figure.why
    assert reported_for("nobody's method", "ucf") == []
    assert reported_for("MFT", "another dataset") == []


ROW = {
    "table": 1,
    "method": "M",
    "venue": "V",
    "marked": True,
    "features": "f",
    "split": "cls",
    "dataset": "d",
}
ROW |= {"seen": 1.0, "unseen": 1.0, "hm": 1.0, "zsl": 1.0, "why": "known"}
GOOD: dict[str, Any] = {"citation": "C", "doi": "D", "ablated": "M", "reasons": {"known": "Because"}}
GOOD |= {"figures": [ROW], "ablations": [], "misprints": []}
MISPRINT = {"table": 9, "row": "M", "dataset": "d", "printed_hm": 1.0, "recomputed_hm": 2.0}


def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> ReportedSpec:
    package = f"figures_of_{tmp_path.name}"
    (tmp_path / package).mkdir()
    (tmp_path / package / "__init__.py").touch()
    (tmp_path / package / "file.json").write_text(text, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, package, raising=False)
    return ReportedSpec("theirs", f"{package}:file.json")


def test_a_source_of_a_plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (figure,) = read_reported(source(tmp_path, monkeypatch, json.dumps(GOOD))).figures
    assert (figure.source, figure.citation, figure.why) == ("theirs", "C, https://doi.org/D", "Because")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("not json", "Expecting value"),
        ("[]", "not a JSON object"),
        ("{}", "no entry 'reasons'"),
        (json.dumps(GOOD | {"figures": [ROW | {"hm": 101.0}]}), "figures.0.hm: .*less than or equal to 100"),
        (json.dumps(GOOD | {"figures": [ROW | {"why": "guess"}]}), "no entry 'guess'"),
        (json.dumps(GOOD | {"figures": [ROW, ROW]}), "two rows"),
        (json.dumps(GOOD | {"figures": [ROW | {"extra": 1}]}), "figures.0.extra"),
        (json.dumps(GOOD | {"figures": 3}), "not iterable|Value after"),
        (json.dumps(GOOD | {"misprints": [MISPRINT]}), "misprint without a row"),
    ],
)
def test_malformed_files_are_told_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, reason: str
) -> None:
    with pytest.raises(PluginError, match=reason) as caught:
        read_reported(source(tmp_path, monkeypatch, text))
    assert "\n" not in str(caught.value)
    assert "theirs" in str(caught.value)


@pytest.mark.parametrize("resource", ["no_such_package_here:x.json", "avgzsl_bench:no/such.json", ":x", ""])
def test_missing_files_are_told(resource: str) -> None:
    with pytest.raises(PluginError, match="cannot be read"):
        read_reported(ReportedSpec("theirs", resource))
