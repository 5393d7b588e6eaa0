from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from make_record import make_record
from read_table import texts, values

from avgzsl_bench.errors import AvbenchError, ConfigError, RecordError
from avgzsl_bench.execution.ablation import Ablation, ablation_of
from avgzsl_bench.method.registry import method_spec
from avgzsl_bench.records.collect import collect
from avgzsl_bench.records.record import read_record
from avgzsl_bench.report.boards import ablation
from avgzsl_bench.report.boards.ablation import AblationRequest, ablation_boards
from avgzsl_bench.report.reported.figures import all_reported_ablations
from avgzsl_bench.report.reported.protocol import Protocol
from avgzsl_bench.report.tables.ablation import ablation_documents
from avgzsl_bench.report.tables.ablation_notes import names_of

if TYPE_CHECKING:
    from pathlib import Path

    from avgzsl_bench.report.boards.ablation import AblationBoard
    from avgzsl_bench.report.tables.document import Document

REPORTED = {
    "w/o att": (74.36, 43.89, 55.20, 45.28),
    "MFT": (72.52, 47.12, 57.12, 48.56),
    "l - l_cos": (56.88, 38.61, 46.00, 39.79),
    "l - l_kl": (78.42, 35.46, 48.84, 37.27),
    "l": (72.52, 47.12, 57.12, 48.56),
    "Audio": (55.23, 34.10, 42.25, 39.02),
    "Visual": (54.92, 43.23, 48.38, 46.17),
    "Both": (72.52, 47.12, 57.12, 48.56),
}
"""Tables 3, 4 and 5 of the MFT paper on UCF-GZSL: S, U, HM, ZSL."""


REQUEST = AblationRequest(method_spec("mft"), ablation_of("mft"), "ucf", "auto", "cls", {})
SIMULATED = {"features": "simulated", "simulated": True}


def make(folder: Path, request: AblationRequest, label: str, *, features: str = "clip_clap", **facts: Any) -> Path:
    """The record of a variant, from random scores."""
    variant = next(v for v in request.ablation.variants if v.label == label)
    config = request.config_of(variant, features)
    return make_record(folder, config=config, features=features, split=request.split, **facts)


def make_all(folder: Path, seeds: int) -> None:
    for skill, label in enumerate(("w/o att", "MFT", "l - l_cos", "l - l_kl", "Audio", "Visual")):
        for seed in range(seeds):
            make(folder, REQUEST, label, seed=seed, skill=0.5 + 0.2 * skill)


def board_of(folder: Path, request: AblationRequest = REQUEST) -> AblationBoard:
    (board,) = ablation_boards(request, collect(folder))
    return board


def document_of(folder: Path, request: AblationRequest = REQUEST) -> Document:
    (document,) = ablation_documents([board_of(folder, request)])
    return document


def notes(document: Document) -> str:
    return "\n".join(note for table in document.text for note in table.notes)


def row_of(document: Document, label: str) -> dict[str, str]:
    """The first row of a variant, by the titles of its columns."""
    return next(row for table in document.text for row in texts(table) if row["Variant"] == label)


def own_request(**table: Any) -> AblationRequest:
    return replace(REQUEST, ablation=Ablation.model_validate({"tables": [{"title": "T", **table}]}))


def test_the_layout_is_that_of_the_papers_tables(tmp_path: Path) -> None:
    make_all(tmp_path, seeds=3)
    board = board_of(tmp_path)
    laid_out = {t.declared.title: [row.variant.label for row in t.rows] for t in board.tables}
    assert laid_out == {
        "Attention (Table 3)": ["w/o att", "MFT"],
        "Losses (Table 4)": ["l - l_cos", "l - l_kl", "l"],
        "Modality (Table 5)": ["Audio", "Visual", "Both"],
    }
    printed = {row.variant.label: row.reported for row in board.rows}
    assert {k: (r.seen, r.unseen, r.hm, r.zsl) for k, r in printed.items() if r} == REPORTED
    full = [row.result for row in board.rows if not row.variant.settings]
    assert len(full) == 3
    assert full[0] == full[1] == full[2]


def test_measured_figures_are_mean_and_sample_deviation_over_seeds(tmp_path: Path) -> None:
    paths = [make(tmp_path, REQUEST, "w/o att", seed=seed) for seed in range(4)]
    hm = [100 * read_record(path).metrics.hm for path in paths]
    document = document_of(tmp_path)
    row = row_of(document, "w/o att")
    assert row["HM"] == f"{np.mean(hm):.2f} ± {np.std(hm, ddof=1):.2f}"
    assert (row["Settings"], row["n"]) == ("attention=off", "4")
    cells = [row[f"Reported {title}"] for title in ("S", "U", "HM", "ZSL")]
    assert cells == ["74.36", "43.89", "55.20", "45.28"], "how MFT was run is not known: no verdict"
    unknown = "No verdict: protocol unknown: calibration, text order, stage-2 schedule, batch-norm passes."
    assert unknown in document.text[0].notes
    assert unknown in document.paper[0].notes
    assert "over n seeds" in document.notes[0]
    terminal = document.terminal[0]
    assert [column.title for column in terminal.columns][-2:] == ["Paper\nHM", "Paper\nZSL"]
    assert terminal.rows[0][0].lines == ("w/o att", "attention=off")
    assert terminal.rows[0][4].lines == (f"{np.mean(hm):.2f}", f"±{np.std(hm, ddof=1):.2f}")
    assert terminal.rows[0][-1].lines[0] == "45.28"


def test_what_has_no_record_is_named(tmp_path: Path) -> None:
    request = replace(REQUEST, split="main", settings={"layers": 2})
    make(tmp_path, request, "w/o att")
    document = document_of(tmp_path, request)
    assert document.text[0].notes[0] == (
        "No record: MFT; make it with: avbench ablate --method mft --dataset ucf --features clip_clap "
        "--split main --set layers=2"
    )
    assert list(row_of(document, "MFT").values())[2:7] == ["0", "–", "–", "–", "–"]
    assert "layers=2 in every variant" in document.heading
    # With settings in every variant, figures are not those of the paper.
    assert row_of(document, "w/o att")["Reported HM"] == "55.20"
    assert values(document.data)[0]["verdict_reason"] == "other settings"


def test_variants_with_other_seeds_are_named(tmp_path: Path) -> None:
    for seed in range(2):
        make(tmp_path, REQUEST, "w/o att", seed=seed)
    make(tmp_path, REQUEST, "MFT", seed=1)
    assert "Not every variant has the same seeds. w/o att: 0, 1; MFT: 1." in notes(document_of(tmp_path))


@pytest.mark.parametrize(
    ("facts", "split", "verdict"),
    [
        ({}, "cls", "clip_clap, cls: features and split are those measured"),
        ({}, "main", "not comparable with figures on clip_clap, main."),
        ({"features": "selavi"}, "cls", "not comparable with figures on selavi, cls."),
        (SIMULATED, "cls", "not comparable with figures on simulated features."),
    ],
)
def test_only_like_is_called_comparable(tmp_path: Path, facts: dict[str, Any], split: str, verdict: str) -> None:
    request = replace(REQUEST, split=split)
    make(tmp_path, request, "MFT", **facts)
    document = document_of(tmp_path, request)
    assert verdict in notes(document)
    assert document.heading.startswith("SIMULATED: ") is bool(facts.get("simulated"))
    assert bool(document.warning) is bool(facts.get("simulated"))


def test_printed_hm_that_contradicts_s_and_u_is_flagged(tmp_path: Path) -> None:
    make(tmp_path, REQUEST, "MFT")
    document = document_of(tmp_path)
    assert "† Audio: printed HM 42.25, but printed S and U give 42.17." in notes(document)
    assert row_of(document, "Audio")["Reported HM"] == "42.25†"
    assert sum("†" in cell for table in document.text for row in texts(table) for cell in row.values()) == 1


@pytest.mark.parametrize(
    "other", [{"fingerprint": "e" * 64}, {"version": "0.2.0"}, {"features": "selavi"}, {"split_hash": "b" * 64}]
)
def test_records_of_another_origin_never_share_a_board(tmp_path: Path, other: dict[str, Any]) -> None:
    paths = make(tmp_path, REQUEST, "w/o att"), make(tmp_path, REQUEST, "MFT", **other)
    boards = ablation_boards(REQUEST, collect(tmp_path))
    runs = [read_record(path).run_id for path in paths]
    assert sorted([board.has_run(run) for run in runs] for board in boards) == [[False, True], [True, False]]
    measured = [{row.variant.label for row in board.rows if row.result} for board in boards]
    assert sorted(map(sorted, measured)) == [["Both", "MFT", "l"], ["w/o att"]]
    assert len(set(names_of(boards))) == 2


def test_other_methods_datasets_splits_and_settings_are_passed_over(tmp_path: Path) -> None:
    make(tmp_path, replace(REQUEST, settings={"layers": 2}), "MFT")
    make(tmp_path, replace(REQUEST, dataset="vggsound"), "MFT", dataset="vggsound")
    make(tmp_path, replace(REQUEST, split="main"), "MFT")
    make(tmp_path, REQUEST, "MFT", method="other")
    assert ablation_boards(REQUEST, collect(tmp_path)) == []
    make(tmp_path, REQUEST, "MFT")
    assert ablation_boards(replace(REQUEST, features="selavi"), collect(tmp_path)) == []
    assert len(ablation_boards(REQUEST, collect(tmp_path))) == 1


def test_variants_may_differ_in_calibration(tmp_path: Path) -> None:
    variants = [{"label": "exact"}, {"label": "grid", "settings": {"calibration": "clipclap"}}]
    request = own_request(variants=variants)
    make(tmp_path, request, "exact")
    make(tmp_path, request, "grid", calibration="clipclap")
    board = board_of(tmp_path, request)
    assert [row.result is not None for row in board.rows] == [True, True]
    document = document_of(tmp_path, request)
    assert not [note for note in document.notes if "calibration" in note], "no one calibration holds for all"
    assert [record["calibration"] for record in values(document.data)] == ["exact", "clipclap"]


def test_a_row_that_the_paper_lacks_and_a_name_that_it_does_not_have_are_named(tmp_path: Path) -> None:
    variants = [
        {"label": "ours", "settings": {"attention": "ff_only"}},
        {"label": "misspelt", "settings": {"layers": 1}, "reported": "withuot attention"},
        {"label": "full", "reported": "full"},
    ]
    request = own_request(reported={"source": "MFT paper, Tables 3 to 5", "table": 3}, variants=variants)
    make(tmp_path, request, "full")
    text = notes(document_of(tmp_path, request))
    assert "Not in MFT paper, Tables 3 to 5 (table 3): ours." in text
    assert "No reported figure for ucf in MFT paper, Tables 3 to 5 (table 3): misspelt." in text


def test_a_setting_that_does_not_work_names_the_variant() -> None:
    request = own_request(variants=[{"label": "odd", "settings": {"laers": 1}}])
    with pytest.raises(ConfigError, match=r"ablation of method 'mft', variant 'odd': .*did you mean 'layers'"):
        request.config_of(request.ablation.variants[0], "auto")
    with pytest.raises(AvbenchError, match=r"^unknown setting"):
        replace(REQUEST, settings={"laers": 1}).config_of(REQUEST.ablation.variants[0], "auto")


def test_a_variants_own_setting_comes_after_that_of_every_variant() -> None:
    request = replace(REQUEST, settings={"lambda_cos": 0.3, "layers": 2})
    configs = {v.label: request.config_of(v, "clip_clap") for v in request.ablation.variants}
    changed = {label: config["lambda_cos"] for label, config in configs.items() if config["lambda_cos"] != 0.3}
    assert changed == {"l - l_cos": 0}
    assert {config["layers"] for config in configs.values()} == {2}


def test_two_figures_for_one_seed_are_refused(tmp_path: Path) -> None:
    make(tmp_path, REQUEST, "MFT", skill=1.0, name="one")
    make(tmp_path, REQUEST, "MFT", skill=2.0, name="two")
    with pytest.raises(RecordError, match=r"one\.json.*two\.json: different figures"):
        ablation_boards(REQUEST, collect(tmp_path))


def test_data_keep_measured_and_reported_apart(tmp_path: Path) -> None:
    make_all(tmp_path, seeds=2)
    rows = {str(record["variant"]): record for record in values(document_of(tmp_path).data)}
    assert list(rows) == list(REPORTED)
    for label, figures in REPORTED.items():
        row = rows[label]
        assert tuple(row[f"reported_{name}_percent"] for name in ("seen", "unseen", "hm", "zsl")) == figures
        assert 0 <= row["hm_low"] <= row["hm_mean"] <= row["hm_high"] <= 1
        assert (row["n_seeds"], row["reported_source"]) == (2, "MFT paper, Tables 3 to 5")
        assert (row["verdict_hm"], row["reported_calibration"]) == ("protocol unknown", "unknown")
    assert rows["w/o att"]["settings"] == '{"attention": "off"}'


def test_a_variant_of_the_protocol_of_the_paper_has_verdicts_with_their_widths(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = {"calibration": "exact", "text_order": "by-name", "stage2_schedule": "replay", "bn_refresh": "none"}
    printed = [row.model_copy(update={"protocol": Protocol(**ours)}) for row in all_reported_ablations()]
    monkeypatch.setattr(ablation, "all_reported_ablations", lambda: printed)
    for seed in range(3):
        make(tmp_path, REQUEST, "w/o att", seed=seed, labels=np.repeat(np.arange(8), 1000))
    make(tmp_path, REQUEST, "MFT", labels=np.repeat(np.arange(8), 1000))
    document = document_of(tmp_path)
    verdicts = board_of(tmp_path).rows[0].verdicts
    row = row_of(document, "w/o att")
    assert row["Reported HM"] == f"55.20 ({verdicts['hm'].word})"
    assert verdicts["hm"].word == "above"
    assert row_of(document, "MFT")["Reported HM"] == "57.12 (cannot tell)"
    widths = ", ".join(f"{verdict.width:.2f}" for verdict in verdicts.values())
    assert document.text[0].notes[-1].endswith(f"in percentage points: w/o att: {widths}.")
    assert "No verdict" not in notes(document)
    assert not any("prediction interval" in note for table in document.paper for note in table.notes)
    data = {str(record["variant"]): record for record in values(document.data)}
    assert (data["w/o att"]["verdict_hm"], data["w/o att"]["verdict_hm_width_percent"]) == (
        verdicts["hm"].word,
        verdicts["hm"].width,
    )
    assert (data["MFT"]["verdict_hm"], data["MFT"]["verdict_reason"]) == ("cannot tell", "fewer than 3 seeds")


def test_tables_for_a_paper_have_no_settings_and_no_verdicts(tmp_path: Path) -> None:
    make(tmp_path, REQUEST, "MFT", **SIMULATED)
    document = document_of(tmp_path)
    assert len(document.paper) == 3
    table = document.paper[0]
    assert [column.group for column in table.columns] == ["", "", *["Measured"] * 4, *["Reported"] * 4]
    assert [cell.text for cell in table.rows[1]][-4:] == ["72.52", "47.12", "57.12", "48.56"]
    assert table.caption.startswith("SIMULATED: MFT (reconstruction)")
    assert [other.label for other in document.paper] == [f"ablation-mft-ucf-{number}" for number in (1, 2, 3)]
    assert not any("make it with" in note for other in document.paper for note in other.notes)
    assert any("make it with" in line for line in document.origin)


def test_an_ablation_is_of_one_precision(tmp_path: Path) -> None:
    for seed, precision in ((0, "full"), (1, "full"), (0, "bf16")):
        make(tmp_path, REQUEST, "MFT", seed=seed, precision=precision)
    full = board_of(tmp_path)
    other = board_of(tmp_path, replace(REQUEST, precision="bf16"))
    assert {row.result.seeds for row in full.rows if row.result} == {(0, 1)}
    assert {row.result.seeds for row in other.rows if row.result} == {(0,)}
    documents = ablation_documents([full, other])
    assert [document.name for document in documents] == ["mft-ucf-clip_clap-cls", "mft-ucf-clip_clap-cls-bf16"]
    assert "precision" not in documents[0].heading
    assert documents[1].heading.endswith("(precision bf16 in every variant)")
    assert ["--precision bf16" in document.text[0].notes[0] for document in documents] == [False, True]


def test_variants_by_other_code_are_another_board(tmp_path: Path) -> None:
    make_all(tmp_path, 1)
    for skill, (code, numerics) in enumerate([("a" * 12, 1), ("b" * 12, 1), ("b" * 12, 2)]):
        make(tmp_path, REQUEST, "MFT", skill=2.0 + skill, code=code, numerics=numerics)
    boards = ablation_boards(REQUEST, collect(tmp_path))
    assert [(board.key.methods[0].code, board.key.numerics) for board in boards] == [
        (None, None),
        ("a" * 12, 1),
        ("b" * 12, 1),
        ("b" * 12, 2),
    ]
    assert all(len(row.result.runs) == 1 for board in boards for row in board.rows if row.result)
    documents = ablation_documents(boards)
    assert len({document.name for document in documents}) == 4
    said = [re.findall(r"Measured with avgzsl-bench 0.1.0 \((.*?)\)", " ".join(d.notes)) for d in documents]
    assert said == [
        ["code not recorded"],
        ["code aaaaaaaaaaaa, numerics 1"],
        ["code bbbbbbbbbbbb, numerics 1"],
        ["code bbbbbbbbbbbb, numerics 2"],
    ]
    assert {row["code"] for row in values(documents[1].data)} == {"a" * 12}


WITH_CLIPCLAP = own_request(variants=[{"label": "base", "method": "clipclap"}, {"label": "full"}])
CLIPCLAP = {"method": "clipclap", "title": "ClipClap-GZSL", "follows": "published code"}


def test_a_variant_may_be_another_method(tmp_path: Path) -> None:
    make(tmp_path, WITH_CLIPCLAP, "full")
    assert row_of(document_of(tmp_path, WITH_CLIPCLAP), "base")["n"] == "0"
    make(tmp_path, WITH_CLIPCLAP, "base", **CLIPCLAP, code="c" * 12)
    make(tmp_path, WITH_CLIPCLAP, "base", method="other")
    document = document_of(tmp_path, WITH_CLIPCLAP)
    rows = [(row["Variant"], row["Settings"], row["n"]) for row in texts(document.text[0])]
    assert rows == [("base", "method clipclap", "1"), ("full", "–", "1")]
    base, full = values(document.data)
    assert (base["method"], base["title"], base["follows"]) == ("clipclap", "ClipClap-GZSL", "published code")
    assert (base["code"], full["code"]) == ("c" * 12, None)
    assert full["method"] == "mft"
    assert document.terminal[0].rows[0][0].lines == ("base", "method clipclap")
    own = "avgzsl-bench 0.1.0 (code not recorded)"
    assert f"Measured with {own}; clipclap: avgzsl-bench 0.1.0 (code {'c' * 12}" in document.notes[1]


def test_each_code_of_another_method_makes_a_board_with_each_of_the_methods_own(tmp_path: Path) -> None:
    for skill, code in enumerate("ab"):
        make(tmp_path, WITH_CLIPCLAP, "full", skill=2.0 + skill, code=code * 12, numerics=1)
    for skill, code in enumerate("cd"):
        make(tmp_path, WITH_CLIPCLAP, "base", **CLIPCLAP, skill=2.0 + skill, code=code * 12, numerics=1)
    boards = ablation_boards(WITH_CLIPCLAP, collect(tmp_path))
    codes = ["".join(str(method.code)[0] for method in board.key.methods) for board in boards]
    assert codes == ["ac", "ad", "bc", "bd"]
    assert all(len(row.result.runs) == 1 for board in boards for row in board.rows if row.result)
    assert len(set(names_of(boards))) == 4


def test_records_of_the_other_method_alone_make_a_board_only_where_there_are_no_others(tmp_path: Path) -> None:
    make(tmp_path, WITH_CLIPCLAP, "base", **CLIPCLAP)
    make(tmp_path, WITH_CLIPCLAP, "base", **CLIPCLAP, features="selavi")
    assert len(ablation_boards(WITH_CLIPCLAP, collect(tmp_path))) == 2
    make(tmp_path, WITH_CLIPCLAP, "full")
    assert board_of(tmp_path, WITH_CLIPCLAP).key.board.data.features == "clip_clap"


def test_settings_of_every_variant_hold_in_another_method_that_has_them() -> None:
    request = replace(WITH_CLIPCLAP, settings={"layers": 2, "epochs": 3})
    base, full = (request.config_of(variant, "clip_clap") for variant in request.ablation.variants)
    assert (base["epochs"], full["epochs"], full["layers"]) == (3, 3, 2)
    assert "layers" not in base
    odd = own_request(variants=[{"label": "odd", "method": "clipclop"}])
    with pytest.raises(ConfigError, match=r"variant 'odd': unknown method 'clipclop'; did you mean 'clipclap'"):
        odd.config_of(odd.ablation.variants[0], "auto")
    own = own_request(variants=[{"label": "odd", "method": "clipclap", "settings": {"layers": 1}}])
    with pytest.raises(ConfigError, match=r"variant 'odd': unknown setting of method 'clipclap' 'layers'"):
        own.config_of(own.ablation.variants[0], "auto")
