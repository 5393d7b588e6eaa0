"""Our data files hold what the papers print: checked against figures gathered independently, where at hand."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import pytest

import avgzsl_baselines
import avgzsl_mft
from avgzsl_bench.errors import PluginError
from avgzsl_bench.plugins.builtin import avbench_reported
from avgzsl_bench.plugins.specs import ReportedSpec
from avgzsl_bench.report.reported import figures
from avgzsl_bench.report.reported.figures import (
    ReportedAblation,
    ReportedFigure,
    all_reported,
    chosen,
    paper_of,
    read_reported,
    reported_for,
)
from avgzsl_bench.report.reported.protocol import Protocol

if TYPE_CHECKING:
    from pathlib import Path

DATASETS = ("ucf", "vggsound", "activitynet")
LETTERS = {"seen": "S", "unseen": "U", "hm": "HM", "zsl": "ZSL"}
PLACES = {
    "AVCA paper, Table 2": "AVCA paper (CVPR 2022), Table 2",
    "AVCA README": "README of ExplainableML/AVCA-GZSL",
    "ClipClap-GZSL paper, Section 4.2": "ClipClap-GZSL paper (CVPRW 2024), Section 4.2 running text",
    "ClipClap-GZSL README": "README of dkurzend/ClipClap-GZSL",
    "HSP-MoE-AVGZSL README": "README of XPX-LQL/HSP-MoE-AVGZSL",
    "MFT paper, Table 2": "MFT paper (JEIT 47(7), 2025), Table 2",
    "MSTR README": "README of xia-zhe/MSTR",
    "MSTR README, earlier version": "README of xia-zhe/MSTR (earlier version)",
    "SGPAN paper, Table 1": "SGPAN paper (ICASSP 2026), Table 1",
    "STEN paper, Table 1": "STEN paper (ICASSP 2026), Table 1",
    "TCAF paper, Table 1": "TCAF paper (ECCV 2022), Table 1",
    "TCAF README": "README of ExplainableML/TCAF-GZSL",
}
"""Our name of each source, and how the gathered one begins (what follows is where it was read)."""


@pytest.fixture(scope="module")
def ablations() -> tuple[ReportedAblation, ...]:
    return tuple(a for spec in avbench_reported() for a in read_reported(spec).ablations)


@pytest.fixture(scope="session")
def gathered(shared: Path) -> Any:
    return json.loads((shared / "spec" / "reported.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def literature(shared: Path) -> Any:
    return json.loads((shared / "facts" / "literature.json").read_text(encoding="utf-8"))


def printed(row: Any) -> dict[str, float]:
    return {letter: getattr(row, name) for name, letter in LETTERS.items()}


def place_of(entry: dict[str, Any]) -> str:
    """Our name of a gathered entry's source."""
    source = entry["source"].split(", as ")[0].split(", from ")[0]
    (place,) = (ours for ours, theirs in PLACES.items() if theirs == source)
    return place


def test_our_figures_are_those_gathered_with_their_sources_and_flags(literature: list[dict[str, Any]]) -> None:
    same = ("method", "features", "split", "dataset", "rerun_by", "primary")
    expected = [
        (place_of(e), e["source_kind"], *(e[k] for k in same), *(e[k] for k in LETTERS.values()))
        for e in literature
    ]
    actual = [(f.source, f.kind, *(getattr(f, k) for k in (*same, *LETTERS))) for f in all_reported()]
    assert len(actual) == len(expected) == len(set(actual)) == 237
    assert set(actual) == set(expected)


def test_papers_are_those_gathered(literature: list[dict[str, Any]]) -> None:
    for entry in literature:
        paper = paper_of(entry["method"])
        wanted = {k: entry[k] for k in ("title", "authors", "venue", "year", "doi", "arxiv")}
        assert (paper.model_dump(exclude={"reviewed"}) if paper else dict.fromkeys(wanted)) == wanted
        unpublished = entry["venue"] in ("arXiv", "unpublished (repository)")
        assert (paper is not None and not paper.reviewed) == unpublished, entry["method"]


def test_what_was_noted_is_noted_and_contradictions_are_found(
    literature: list[dict[str, Any]],
) -> None:
    ours = {(f.source, f.method, f.features, f.dataset): f for f in all_reported()}
    for entry in literature:
        figure = ours[place_of(entry), entry["method"], entry["features"], entry["dataset"]]
        note = entry["note"] or ""
        assert figure.notes or not note, entry
        assert (figure.recomputed_hm is not None) == ("does not follow" in note), entry
        assert figure.recomputed_hm is None or f"({figure.recomputed_hm:.2f})" in note
    read_elsewhere = {(f.source, f.read is not None) for f in ours.values()}
    assert read_elsewhere == {
        (place_of(e), ", as " in e["source"] or ", from " in e["source"]) for e in literature
    }


def test_the_mft_table_agrees_with_its_other_transcription(gathered: dict[str, Any]) -> None:
    expected = {
        (row["method"], row["dagger"], row["features"], row["split"], dataset): row[dataset]
        for row in gathered["table2_comparison"]
        for dataset in DATASETS
    }
    table = [f for f in all_reported() if f.source == "MFT paper, Table 2"]
    # The dagger of the table marks the rows on CLIP and CLAP features.
    actual = {(f.method, f.features == "clip_clap", f.features, f.split, f.dataset): printed(f) for f in table}
    assert actual == expected


def test_every_ablation_is_there(ablations: tuple[ReportedAblation, ...], gathered: dict[str, Any]) -> None:
    expected = {
        (number, row["variant"], dataset): row[dataset]
        for number, name in ((3, "table3_attention"), (4, "table4_losses"), (5, "table5_modality"))
        for row in gathered[name]
        for dataset in DATASETS
    }
    rows = [a for a in ablations if a.method == "MFT"]
    assert {(a.table, a.variant, a.dataset): printed(a) for a in rows} == expected


def test_misprints_of_the_mft_paper_are_those_gathered(
    ablations: tuple[ReportedAblation, ...], gathered: dict[str, Any]
) -> None:
    expected = {
        (m["row"], m["dataset"], m["printed_HM"], m["HM_from_S_and_U"]) for m in gathered["hm_inconsistencies"]
    }
    marked: list[tuple[str, Any]] = [(f.method, f) for f in all_reported() if f.source.startswith("MFT paper")]
    marked += [(a.variant, a) for a in ablations]
    actual = {(name, row.dataset, row.hm, row.recomputed_hm) for name, row in marked if row.recomputed_hm}
    assert actual == expected


def test_the_full_method_of_an_ablation_is_the_compared_one(ablations: tuple[ReportedAblation, ...]) -> None:
    whole = [a for a in ablations if a.variant in ("full", "both")]
    assert len(whole) == 9
    for ablation in whole:
        (figure,) = (f for f in reported_for("MFT", ablation.dataset) if f.is_like(ablation.features, "cls"))
        assert printed(figure) == printed(ablation)


def test_our_methods_are_linked_by_their_titles() -> None:
    titles = {spec.title for plugin in (avgzsl_baselines, avgzsl_mft) for spec in plugin.avbench_methods()}
    without = {title for title in titles if not reported_for(title, "ucf")}
    zero_shot = {"CLIP zero-shot", "CLAP zero-shot", "CLIP + CLAP zero-shot", "ClipClap-GZSL + raw distances"}
    assert without == {"AV-OOD-GZSL", "Chance", "ESZSL", "Hyper-single", "hyper-poincare", *zero_shot}


def test_look_up_by_title_and_dataset_gives_one_figure_for_features_and_split() -> None:
    (figure,) = reported_for("mft", "vggsound")
    assert (figure.method, figure.hm, figure.features, figure.split) == ("MFT", 18.8, "clip_clap", "cls")
    assert figure.source == "MFT paper, Table 2"
    assert "Multimodal Fusion Transformer" in figure.citation
    assert "uncertain" in figure.notes[0]
    found = {(f.features, f.split): (f.source, f.seen) for f in reported_for("AVCA", "ucf")}
    assert found == {
        ("selavi", "main"): ("AVCA paper, Table 2", 51.53),
        ("c3d_vggish", "cls"): ("TCAF paper, Table 1", 63.15),
        ("clip_clap", "cls"): ("MFT paper, Table 2", 34.9),
    }
    assert reported_for("nobody's method", "ucf") == []
    assert reported_for("MFT", "another dataset") == []


def a_figure(**changes: Any) -> ReportedFigure:
    figure = {"method": "M", "source": "S", "citation": "C", "kind": "readme", "features": "selavi"}
    return ReportedFigure.model_validate(figure | {"split": "main", "dataset": "ucf", "hm": 10.0} | changes)


def test_the_first_primary_figure_is_chosen_and_without_one_the_first() -> None:
    check, first, second = a_figure(primary=False), a_figure(hm=11.0), a_figure(method="m", hm=12.0)
    others = [a_figure(dataset="x", primary=False, hm=hm) for hm in (1.0, 2.0)]
    assert chosen([check, others[0], first, second, others[1]]) == [others[0], first]


@pytest.mark.parametrize(
    ("changes", "recomputed"),
    [
        ({"seen": 20.0, "unseen": 20.0, "hm": 20.02}, None),
        ({"seen": 20.0, "unseen": 20.0, "hm": 20.03}, 20.0),
        ({"seen": 20.0, "unseen": None, "hm": 1.0}, None),
        ({"seen": 0.0, "unseen": 0.0, "hm": 0.0}, None),
        ({"seen": 0.0, "unseen": 0.0, "hm": 5.0}, 0.0),
    ],
)
def test_an_hm_beyond_rounding_contradicts(changes: dict[str, Any], recomputed: float | None) -> None:
    assert a_figure(**changes).recomputed_hm == recomputed


@pytest.mark.parametrize(
    ("unseen", "zsl", "impossible"),
    [(8.83, 8.79, True), (5.01, 5.0, False), (5.02, 5.0, True), (5.0, 5.0, False), (None, 5.0, False)],
)
def test_a_u_above_zsl_beyond_rounding_is_impossible(unseen: float | None, zsl: float, impossible: bool) -> None:
    assert a_figure(unseen=unseen, zsl=zsl).unseen_above_zsl is impossible
    assert a_figure(unseen=unseen).unseen_above_zsl is False


def test_the_impossible_u_of_our_files() -> None:
    found = {(f.source, f.method, f.features, f.dataset) for f in all_reported() if f.unseen_above_zsl}
    assert found == {
        ("MFT paper, Table 2", "STFT", "c3d_vggish", "vggsound"),
        ("MFT paper, Table 2", "STFT", "c3d_vggish", "activitynet"),
        ("SGPAN paper, Table 1", "TSART", "selavi", "vggsound"),
    }


def test_like_is_the_same_features_in_either_form_and_the_same_split() -> None:
    figure = a_figure(features="c3d_vggish", split="cls")
    places = (("c3d_vggish", "cls"), ("c3d_vggish_seq", "cls"), ("c3d_vggish", "main"), ("selavi", "cls"))
    assert [figure.is_like(*place) for place in places] == [True, True, False, False]


ROW: dict[str, Any] = {"method": "M", "source": "P, Table 1", "kind": "paper_table"}
ROW |= {"features": "f", "split": "cls"}
ROW |= {"dataset": "d", "seen": 1.0, "unseen": 1.0, "hm": 1.0, "zsl": None, "notes": ["known"]}
VARIANT = {k: v for k, v in ROW.items() if k != "kind"} | {"table": 3, "variant": "without"}
GOOD: dict[str, Any] = {"sources": {"P, Table 1": {"citation": "C", "read": "R"}, "Q": {"citation": "D"}}}
GOOD |= {"notes": {"known": "Because"}, "papers": {"M": {"title": "T", "year": 2026}}}
GOOD |= {"figures": [ROW], "ablations": [VARIANT]}


def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> ReportedSpec:
    package = f"figures_of_{tmp_path.name}"
    (tmp_path / package).mkdir()
    (tmp_path / package / "__init__.py").touch()
    (tmp_path / package / "file.json").write_text(text, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, package, raising=False)
    return ReportedSpec("theirs", f"{package}:file.json")


def test_a_file_of_a_plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bare = {k: v for k, v in ROW.items() if k not in ("notes", "seen", "unseen", "zsl")} | {"method": "bare"}
    file = read_reported(source(tmp_path, monkeypatch, json.dumps(GOOD | {"figures": [ROW, bare]})))
    (figure, least), (ablation,) = file.figures, file.ablations
    assert (figure.citation, figure.read, figure.notes, figure.zsl) == ("C", "R", ("Because",), None)
    assert (least.seen, least.unseen, least.zsl, least.notes) == (None, None, None, ())
    assert figure.primary
    assert (ablation.citation, ablation.variant, ablation.table) == ("C", "without", 3)
    assert file.papers["M"].title == "T"


def test_a_figure_has_the_protocol_that_it_names_or_that_of_its_source(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = {"calibration": "grid:0:3:16", "text_order": "official"}
    theirs = {"protocols": {"program": program, "other": {"bn_refresh": "none"}}, "sources": dict(GOOD["sources"])}
    theirs["sources"]["P, Table 1"] = {"citation": "C", "protocol": "program"}
    protocols = {"a": None, "b": "other", "c": "unknown"}
    rows = [ROW | {"method": m} | ({"protocol": p} if p else {}) for m, p in protocols.items()]
    rows.append(ROW | {"method": "d", "source": "Q"})
    file = read_reported(source(tmp_path, monkeypatch, json.dumps(GOOD | theirs | {"figures": rows})))
    assert [figure.protocol for figure in file.figures] == [
        Protocol(calibration="avca", text_order="official"),
        Protocol(bn_refresh="none"),
        Protocol(),
        Protocol(),
    ]
    assert file.ablations[0].protocol == file.figures[0].protocol


def test_sources_alone_are_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = read_reported(source(tmp_path, monkeypatch, json.dumps({"sources": GOOD["sources"]})))
    assert (file.figures, file.ablations, file.papers) == ((), (), {})


def test_a_plugin_stands_behind_what_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [
        ROW | {"method": "avca", "features": "selavi", "split": "main", "dataset": "ucf", "hm": 99.0},
        ROW | {"method": "avca", "dataset": "ucf", "hm": 98.0},
    ]
    spec = source(tmp_path, monkeypatch, json.dumps(GOOD | {"figures": rows, "papers": {"avca": {"title": "T"}}}))
    monkeypatch.setattr(figures, "reported_specs", lambda: [*avbench_reported(), spec])
    found = {(f.features, f.split): f.hm for f in reported_for("AVCA", "ucf")}
    assert (found["selavi", "main"], found["f", "cls"]) == (27.15, 98.0)
    paper = paper_of("avca")
    assert paper is not None
    assert paper.year == 2022


OTHER = ROW | {"source": "Q"}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("not json", "Expecting value"),
        ([], "not a JSON object"),
        ({}, "no entry 'sources'"),
        (GOOD | {"figures": [ROW | {"hm": 101.0}]}, "figures.0.hm: .*less than or equal to 100"),
        (GOOD | {"figures": [ROW | {"hm": None}]}, "figures.0.hm"),
        (GOOD | {"figures": [ROW | {"seen": float("nan")}]}, "figures.0.seen"),
        (GOOD | {"figures": [ROW | {"kind": "hearsay"}]}, "figures.0.kind"),
        (GOOD | {"figures": [ROW | {"notes": ["guess"]}]}, "no entry 'guess'"),
        (GOOD | {"figures": [ROW | {"source": "nowhere"}]}, "no entry 'nowhere'"),
        (GOOD | {"figures": [ROW | {"protocol": "guess"}]}, "no entry 'guess'"),
        (GOOD | {"figures": [ROW | {"protocol": {"calibration": "avca"}}]}, "no entry .*calibration"),
        (
            GOOD | {"protocols": {"unknown": {"calibration": "avca"}}},
            "'unknown' stands for .* another name",
        ),
        (GOOD | {"protocols": {"p": {"calibration": "guess"}}}, "calibration: .*unknown calibration 'guess'"),
        (GOOD | {"protocols": {"p": {"text_order": "none"}}}, "text_order"),
        (GOOD | {"protocols": {"p": {"schedule": "official"}}}, "schedule: Extra inputs"),
        (GOOD | {"protocols": ["p"]}, "has no attribute 'items'"),
        (GOOD | {"sources": {"P, Table 1": {"citation": "C", "hm": 3.0}}}, "hm: Extra inputs"),
        (GOOD | {"figures": [ROW, ROW]}, "two figures for the same: P, Table 1, m, f, cls, d"),
        (GOOD | {"figures": [ROW, OTHER]}, "two figures for the same: primary, m, f, cls, d"),
        (GOOD | {"ablations": [VARIANT, VARIANT]}, "two figures for the same: P, Table 1, 3, M, without"),
        (GOOD | {"figures": [ROW | {"extra": 1}]}, "figures.0.extra"),
        (GOOD | {"papers": {"M": {"isbn": 1}}}, "papers.M.isbn"),
        (GOOD | {"figures": 3}, "not iterable"),
    ],
)
def test_malformed_files_are_told_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: Any, reason: str
) -> None:
    text = content if isinstance(content, str) else json.dumps(content)
    with pytest.raises(PluginError, match=reason) as caught:
        read_reported(source(tmp_path, monkeypatch, text))
    assert "\n" not in str(caught.value)
    assert "theirs" in str(caught.value)


@pytest.mark.parametrize("resource", ["no_such_package_here:x.json", "avgzsl_bench:no/such.json", ":x", ""])
def test_missing_files_are_told(resource: str) -> None:
    with pytest.raises(PluginError, match="cannot be read"):
        read_reported(ReportedSpec("theirs", resource))
