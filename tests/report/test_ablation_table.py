from __future__ import annotations

import io
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from make_record import make_record

from avgzsl_bench.errors import AvbenchError, ConfigError, RecordError
from avgzsl_bench.execution.ablation import Ablation, ablation_of
from avgzsl_bench.method.registry import method_spec
from avgzsl_bench.records.collect import collect
from avgzsl_bench.records.record import read_record
from avgzsl_bench.report.formats.ablation_text import MARKER, csv_of, latex_of, markdown_of, write_ablations
from avgzsl_bench.report.tables.ablation import AblationRequest, ablation_boards
from avgzsl_bench.report.tables.ablation_notes import board_notes, heading_of, missing_notes, names_of, table_notes

if TYPE_CHECKING:
    from pathlib import Path

    from avgzsl_bench.report.tables.ablation import AblationBoard

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


@pytest.fixture
def request_() -> AblationRequest:
    return AblationRequest(method_spec("mft"), ablation_of("mft"), "ucf", "auto", "cls", {})


def make(folder: Path, request: AblationRequest, label: str, *, features: str = "clip_clap", **facts: Any) -> Path:
    """The record of a variant, from random scores."""
    variant = next(v for v in request.ablation.variants if v.label == label)
    config = request.config_of(variant, features)
    return make_record(folder, config=config, features=features, split=request.split, **facts)


def make_all(folder: Path, request: AblationRequest, seeds: int = 3, **facts: Any) -> None:
    for skill, label in enumerate(("w/o att", "MFT", "l - l_cos", "l - l_kl", "Audio", "Visual")):
        for seed in range(seeds):
            make(folder, request, label, seed=seed, skill=0.5 + 0.2 * skill, **facts)


def board_of(folder: Path, request: AblationRequest) -> AblationBoard:
    (board,) = ablation_boards(request, collect(folder))
    return board


def notes(board: AblationBoard) -> str:
    return "\n".join(note for table in board.tables for note in table_notes(board, table))


def own_request(tables: list[dict[str, Any]], request: AblationRequest) -> AblationRequest:
    return replace(request, ablation=Ablation.model_validate({"tables": tables}))


def test_the_layout_is_that_of_the_papers_tables(tmp_path: Path, request_: AblationRequest) -> None:
    make_all(tmp_path, request_)
    board = board_of(tmp_path, request_)
    laid_out = {t.declared.title: [line.variant.label for line in t.lines] for t in board.tables}
    assert laid_out == {
        "Attention (Table 3)": ["w/o att", "MFT"],
        "Losses (Table 4)": ["l - l_cos", "l - l_kl", "l"],
        "Modality (Table 5)": ["Audio", "Visual", "Both"],
    }
    printed = {line.variant.label: line.reported for line in board.lines}
    assert {k: (r.seen, r.unseen, r.hm, r.zsl) for k, r in printed.items() if r} == REPORTED
    full = [line.row for line in board.lines if not line.variant.settings]
    assert len(full) == 3
    assert full[0] == full[1] == full[2]


def test_measured_figures_are_mean_and_sample_deviation_over_seeds(
    tmp_path: Path, request_: AblationRequest
) -> None:
    paths = [make(tmp_path, request_, "w/o att", seed=seed) for seed in range(4)]
    hm = [100 * read_record(path).metrics.hm for path in paths]
    board = board_of(tmp_path, request_)
    row = next(line for line in markdown_of(board).splitlines() if line.startswith("| w/o att"))
    assert f" {np.mean(hm):.2f} ± {np.std(hm, ddof=1):.2f} " in row
    assert row.split("|")[3].strip() == "4"
    reported = [re.fullmatch(r"([0-9.]+) \((inside|above|below)\)", c.strip()) for c in row.split("|")[-5:-1]]
    assert [found and found[1] for found in reported] == ["74.36", "43.89", "55.20", "45.28"]
    assert "over n seeds" in " ".join(board_notes(board))


def test_what_has_no_record_is_said(tmp_path: Path, request_: AblationRequest) -> None:
    request = replace(request_, split="main", settings={"layers": 2})
    make(tmp_path, request, "w/o att")
    board = board_of(tmp_path, request)
    (note,) = missing_notes(board, board.tables[0])
    assert note == (
        "No record: MFT; make it with: avbench ablate --method mft --dataset ucf --features clip_clap "
        "--split main --set layers=2"
    )
    row = next(line for line in markdown_of(board).splitlines() if line.startswith("| MFT "))
    assert [cell.strip() for cell in row.split("|")[3:8]] == ["0", "–", "–", "–", "–"]
    assert "layers=2 in every variant" in heading_of(board)


def test_variants_with_other_seeds_are_told(tmp_path: Path, request_: AblationRequest) -> None:
    for seed in range(2):
        make(tmp_path, request_, "w/o att", seed=seed)
    make(tmp_path, request_, "MFT", seed=1)
    assert "Not every variant has the same seeds. w/o att: 0, 1; MFT: 1." in notes(board_of(tmp_path, request_))


@pytest.mark.parametrize(
    ("facts", "split", "verdict"),
    [
        ({}, "cls", "clip_clap, cls: features and split are those measured"),
        ({}, "main", "not comparable with figures on clip_clap, main."),
        ({"features": "selavi"}, "cls", "not comparable with figures on selavi, cls."),
        (
            {"features": "simulated", "simulated": True},
            "cls",
            "not comparable with figures on simulated features.",
        ),
    ],
)
def test_only_like_is_called_comparable(
    tmp_path: Path, request_: AblationRequest, facts: dict[str, Any], split: str, verdict: str
) -> None:
    request = replace(request_, split=split)
    make(tmp_path, request, "MFT", **facts)
    board = board_of(tmp_path, request)
    assert verdict in notes(board)
    assert heading_of(board).startswith("SIMULATED: ") is bool(facts.get("simulated"))


def test_printed_hm_that_contradicts_s_and_u_is_flagged(tmp_path: Path, request_: AblationRequest) -> None:
    make(tmp_path, request_, "MFT")
    board = board_of(tmp_path, request_)
    assert "† Audio: printed HM 42.25, but printed S and U give 42.17." in notes(board)
    assert " 42.25† |" in markdown_of(board)
    assert markdown_of(board).count("†") == 2


@pytest.mark.parametrize(
    "other", [{"fingerprint": "e" * 64}, {"version": "0.2.0"}, {"features": "selavi"}, {"split_hash": "b" * 64}]
)
def test_records_of_another_origin_never_share_a_board(
    tmp_path: Path, request_: AblationRequest, other: dict[str, Any]
) -> None:
    make(tmp_path, request_, "w/o att")
    make(tmp_path, request_, "MFT", **other)
    boards = ablation_boards(request_, collect(tmp_path))
    measured = [{line.variant.label for line in board.lines if line.row} for board in boards]
    assert sorted(map(sorted, measured)) == [["Both", "MFT", "l"], ["w/o att"]]
    assert len(set(names_of(boards))) == 2


def test_other_methods_datasets_splits_and_settings_are_passed_over(
    tmp_path: Path, request_: AblationRequest
) -> None:
    make(tmp_path, replace(request_, settings={"layers": 2}), "MFT")
    make(tmp_path, replace(request_, dataset="vggsound"), "MFT", dataset="vggsound")
    make(tmp_path, replace(request_, split="main"), "MFT")
    make(tmp_path, request_, "MFT", method="other")
    assert ablation_boards(request_, collect(tmp_path)) == []
    make(tmp_path, request_, "MFT")
    assert ablation_boards(replace(request_, features="selavi"), collect(tmp_path)) == []
    assert len(ablation_boards(request_, collect(tmp_path))) == 1


def test_variants_may_differ_in_calibration(tmp_path: Path, request_: AblationRequest) -> None:
    variants = [{"label": "exact"}, {"label": "grid", "settings": {"calibration": "clipclap"}}]
    request = own_request([{"title": "Calibration", "variants": variants}], request_)
    make(tmp_path, request, "exact")
    make(tmp_path, request, "grid", calibration="clipclap")
    board = board_of(tmp_path, request)
    assert [line.row is not None for line in board.lines] == [True, True]
    assert not [note for note in board_notes(board) if "calibration" in note], "no one calibration holds for all"
    assert list(pd.read_csv(io.StringIO(csv_of(board)))["calibration"]) == ["exact", "clipclap"]


def test_a_row_that_the_paper_lacks_and_a_name_that_it_does_not_have_are_said(
    tmp_path: Path, request_: AblationRequest
) -> None:
    table = {
        "title": "T",
        "reported": {"source": "MFT paper, Tables 3 to 5", "table": 3},
        "variants": [
            {"label": "ours", "settings": {"attention": "ff_only"}},
            {"label": "misspelt", "settings": {"layers": 1}, "reported": "withuot attention"},
            {"label": "full", "reported": "full"},
        ],
    }
    request = own_request([table], request_)
    make(tmp_path, request, "full")
    told = notes(board_of(tmp_path, request))
    assert "Not in MFT paper, Tables 3 to 5 (table 3): ours." in told
    assert "No reported figure for ucf in MFT paper, Tables 3 to 5 (table 3): misspelt." in told


def test_a_setting_that_does_not_work_names_the_variant(request_: AblationRequest) -> None:
    request = own_request([{"title": "T", "variants": [{"label": "odd", "settings": {"laers": 1}}]}], request_)
    with pytest.raises(ConfigError, match=r"ablation of method 'mft', variant 'odd': .*did you mean 'layers'"):
        request.config_of(request.ablation.variants[0], "auto")
    with pytest.raises(AvbenchError, match=r"^unknown setting"):
        replace(request_, settings={"laers": 1}).config_of(request_.ablation.variants[0], "auto")


def test_a_variants_own_setting_comes_after_that_of_every_variant(request_: AblationRequest) -> None:
    request = replace(request_, settings={"lambda_cos": 0.3, "layers": 2})
    configs = {v.label: request.config_of(v, "clip_clap") for v in request.ablation.variants}
    assert {label: config["lambda_cos"] for label, config in configs.items() if config["lambda_cos"] != 0.3} == {
        "l - l_cos": 0
    }
    assert {config["layers"] for config in configs.values()} == {2}


def test_two_figures_for_one_seed_are_refused(tmp_path: Path, request_: AblationRequest) -> None:
    make(tmp_path, request_, "MFT", skill=1.0, name="one")
    make(tmp_path, request_, "MFT", skill=2.0, name="two")
    with pytest.raises(RecordError, match=r"one\.json.*two\.json: different figures"):
        ablation_boards(request_, collect(tmp_path))


def test_csv_keeps_measured_and_reported_apart(tmp_path: Path, request_: AblationRequest) -> None:
    make_all(tmp_path, request_, seeds=2)
    table = pd.read_csv(io.StringIO(csv_of(board_of(tmp_path, request_)))).set_index("variant")
    assert list(table.index) == list(REPORTED)
    for label, figures in REPORTED.items():
        columns = [f"reported_{name}_percent" for name in ("seen", "unseen", "hm", "zsl")]
        assert tuple(table.loc[label, columns]) == figures
    assert (table["n_seeds"] == 2).all()
    assert table["hm_mean"].between(0, 1).all()
    assert ((table["hm_low"] <= table["hm_mean"]) & (table["hm_mean"] <= table["hm_high"])).all()
    assert table.loc["w/o att", "settings"] == '{"attention": "off"}'


def test_latex_is_escaped_and_says_simulated(tmp_path: Path, request_: AblationRequest) -> None:
    make(tmp_path, request_, "MFT", features="simulated", simulated=True)
    text = latex_of(board_of(tmp_path, request_))
    assert text.count(r"\begin{table}") == text.count(r"\toprule") == text.count(r"\bottomrule") == 3
    assert text.count(r"\caption{\textbf{SIMULATED features: these figures say nothing about real videos.}") == 3
    assert text.count("SIMULATED: MFT (reconstruction)") == 4
    assert text.count(r"\label{tab:ablation-mft-ucf-") == 3
    assert "make it with" not in "".join(line for line in text.splitlines() if not line.startswith("%"))
    assert r"l - l\_cos" in text
    assert r"clip\_clap" in text
    assert not [line for line in text.splitlines() if not line.startswith("%") and "_" in line.replace(r"\_", "")]


def test_the_same_records_give_the_same_bytes_wherever_they_lie(tmp_path: Path, request_: AblationRequest) -> None:
    for folder, labels in (("a", ["w/o att", "MFT"]), ("b", ["MFT", "w/o att"])):
        for number, label in enumerate(labels):
            for seed in range(2):
                make(tmp_path / folder / f"{number}", request_, label, seed=seed)
        write_ablations([board_of(tmp_path / folder, request_)], tmp_path / f"out_{folder}")
    files = [sorted((tmp_path / f"out_{folder}").iterdir()) for folder in "ab"]
    assert [p.name for p in files[0]] == [f"mft-ucf-clip_clap-cls{end}" for end in (".csv", ".md", ".tex")]
    assert [p.read_bytes() for p in files[0]] == [p.read_bytes() for p in files[1]]


def test_a_file_of_somebody_elses_is_not_replaced(tmp_path: Path, request_: AblationRequest) -> None:
    make(tmp_path / "results", request_, "MFT")
    board = board_of(tmp_path / "results", request_)
    out = tmp_path / "out"
    out.mkdir()
    theirs = out / "mft-ucf-clip_clap-cls.csv"
    theirs.write_text("mine\n")
    with pytest.raises(AvbenchError, match="would be lost"):
        write_ablations([board], out)
    assert [p.name for p in out.iterdir()] == [theirs.name]
    theirs.unlink()
    for _ in range(2):
        written = write_ablations([board], out)
    assert written[0].read_text().startswith(MARKER)
