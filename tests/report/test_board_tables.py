"""The tables of a board, and the notes below them."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from make_record import make_board
from read_table import texts, values

from avgzsl_bench.report.tables.board import board_document, class_table

if TYPE_CHECKING:
    from pathlib import Path

    from avgzsl_bench.report.tables.document import Document
    from avgzsl_bench.report.tables.table import Table

LABELS = np.repeat(np.arange(8), 20)
SIMULATED = {"features": "simulated", "simulated": True}
BF16 = {"precision": "bf16"}


def method(name: str, title: str = "", follows: str = "paper", **facts: Any) -> dict[str, Any]:
    return {"method": name, "title": title or name, "follows": follows, **facts}


def document_of(folder: Path, *runs: dict[str, Any], seeds: int = 1) -> Document:
    return board_document(make_board(folder, *runs, seeds=seeds))


def further(document: Document, title: str) -> Table:
    (table,) = [table for table in document.text if table.title == title]
    return table


def notes(document: Document) -> str:
    return "\n".join(note for table in document.text for note in table.notes)


def column(document: Document, title: str, by: str = "Method") -> dict[str, str]:
    """The cells of a column of the main table, by those of another."""
    return {row[by]: row[title] for row in texts(document.text[0])}


def data(document: Document) -> dict[str, dict[str, Any]]:
    """The row of each method, by its name."""
    return {str(row["method"]): row for row in values(document.data)}


def test_figures_are_mean_and_deviation_in_percent(tmp_path: Path) -> None:
    board = make_board(tmp_path, {"changed": {"tokens": "va"}}, seeds=3)
    result = board.rows[0].result
    hm, interval = result.spread["hm"], result.interval["hm"]
    assert hm.std is not None
    document = board_document(board)
    (row,) = texts(document.text[0])
    columns = (
        "Method; Settings changed; Seeds; S; U; HM; HM, 95 % interval; HM, classes like these; Rank; ZSL; AUSUC"
    )
    assert list(row) == columns.split("; ")
    assert row["HM"] == f"{100 * hm.mean:.2f} ± {100 * hm.std:.2f}"
    assert row["HM, 95 % interval"] == f"{100 * interval.low:.2f} to {100 * interval.high:.2f}"
    of_classes = result.class_interval["hm"]
    assert row["HM, classes like these"] == f"{100 * of_classes.low:.2f} to {100 * of_classes.high:.2f}"
    assert of_classes.high - of_classes.low > interval.high - interval.low
    assert (row["Method"], row["Settings changed"], row["Seeds"]) == ("MFT (reconstruction)", "tokens=va", "3")
    (page,) = texts(document.page[0])
    assert (page["Method"], page["HM"], page["Training, s"]) == (board.rows[0].name, row["HM"], "0.1")
    assert page["HM, classes like these"] == row["HM, classes like these"]
    terminal = document.terminal[0]
    (shown,) = terminal.rows
    lines = dict(zip((column.title for column in terminal.columns), (cell.lines for cell in shown), strict=True))
    assert lines["Method, settings changed"] == ("MFT (reconstruction)", "tokens=va")
    assert lines["HM"] == (f"{100 * hm.mean:.2f}", f"± {100 * hm.std:.2f}")
    assert lines["S"] == (f"{100 * result.spread['seen'].mean:.2f}",)
    assert "allowing for videos and 3 seeds" in notes(document)
    assert "other classes of the same kind, allowing for classes and 3 seeds" in notes(document)
    assert "Student's t with at most 2 degrees of freedom from 3 unseen classes" in notes(document)
    (provenance,) = texts(document.provenance)
    assert list(provenance)[:4] == ["Method", "configuration", "seeds", "run ids"]
    assert provenance["device"] == "cpu"
    assert provenance["processor"] == "unknown", "records from before it was recorded"


def test_one_row_of_one_seed_has_no_deviation_rank_or_place(tmp_path: Path) -> None:
    document = document_of(tmp_path)
    main = document.text[0]
    (row,) = texts(main)
    assert not any("±" in cell for cell in row.values())
    assert "Settings changed" not in row
    assert row["Rank"] == "–"
    for table in (main, *document.paper):
        assert not any(cell.place or cell.tied for row_ in table.rows for cell in row_)
    text = notes(document) + " ".join(document.paper[0].notes)
    assert not [word for word in ("n.s.", "detectable", "Bold", "†") if word in text]
    assert "precision" not in text.replace("full precision", "")


def test_runs_show_schedule_parameters_time_and_device(tmp_path: Path) -> None:
    trained = {"config": {"batches_per_epoch": 30, "batch_size": 64}}
    document = document_of(tmp_path, trained, method("x", "X", parameters=None))
    runs = {row["Method"]: row for row in texts(further(document, "Runs"))}
    assert list(runs["MFT (reconstruction)"].values())[1:] == ["12,345", "2 x 30 x 64", "0.1", "cpu"]
    assert list(runs["X"].values())[1:] == ["–", "2", "0.1", "cpu"]


def test_rows_that_compare_with_texts_say_what_is_known_of_pre_training(tmp_path: Path) -> None:
    plain = notes(document_of(tmp_path / "plain", {}, method("chance", "Chance", "reference")))
    assert "pre-train" not in plain
    rows = method("clip_zeroshot", "CLIP zero-shot", "reference"), method("clipclap_far", "FAR", "reference")
    document = document_of(tmp_path / "joint", *rows)
    (note,) = (note for note in document.text[0].notes if "pre-trained" in note)
    assert {*note.partition(":")[0].split(", ")} == {"FAR (reference)", "CLIP zero-shot (reference)"}
    assert "may describe any of the unseen classes" in note, "from the card of the features"
    own = [row | {"features": "own", "origin": "added"} for row in rows]
    assert "test classes: not known; 'avbench encoders'" in notes(document_of(tmp_path / "own", *own))


def test_reported_figures_stand_in_columns_of_their_own(tmp_path: Path) -> None:
    others = method("devise", "DeViSE"), method("eszsl", "ESZSL", "reference", parameters=None)
    document = document_of(tmp_path, {}, *others)
    main = column(document, "Reported HM")
    # The features and split of the board: beside the measured figure. Others: in their own table.
    assert main["MFT (reconstruction)"] == "57.12 (protocol unknown)"
    assert main["DeViSE"] == main["ESZSL (reference)"] == "–"
    rows = [
        (row["Method"], row["Features, split"], row["Reported HM"].split()[0], row["Remark"])
        for row in texts(further(document, "Reported"))
    ]
    unknown = "protocol unknown: calibration, text order"
    assert sorted(rows) == [
        ("DeViSE", "c3d_vggish, cls", "31.98", "not comparable: other features: c3d_vggish"),
        ("DeViSE", "selavi, main", "23.56", "not comparable: other features and split: selavi, main"),
        ("MFT (reconstruction)", "clip_clap, cls", "57.12", unknown),
    ]
    text = notes(document)
    assert "comparable with measured ones only where these are the table's, clip_clap, cls" in text
    assert "as printed by the sources named" in text
    assert "Journal of Electronics & Information Technology" in text
    reported = data(document)
    assert reported["mft"]["reported_hm_percent"] == 57.12
    assert f"57.12 ({reported['mft']['verdict_hm']})" == main["MFT (reconstruction)"]
    assert reported["eszsl"]["reported_hm_percent"] is None


def clipclap(**facts: Any) -> dict[str, Any]:
    official = {"stage2_schedule": "official", "bn_refresh": "official"}
    run = {"calibration": "clipclap", "text_order": "official", "preset": "official", "config": official}
    return (
        method("clipclap", "ClipClap-GZSL", "published code", labels=np.repeat(np.arange(8), 1000)) | run | facts
    )


def test_the_official_preset_has_verdicts_with_the_widths_of_their_intervals(tmp_path: Path) -> None:
    board = make_board(tmp_path, clipclap(), seeds=5)
    document, (row,) = board_document(board), board.rows
    (match,) = row.reported
    half = 2.776 * 1.0954 * 100 * (row.result.spread["hm"].std or 0)
    verdict = match.verdicts["hm"]
    assert verdict.width == pytest.approx(2 * half, rel=1e-3)
    mean = 100 * row.result.spread["hm"].mean
    assert verdict.word == ("above" if mean + half < 55.97 else "inside" if mean - half < 55.97 else "below")
    assert column(document, "Reported HM") == {"ClipClap-GZSL": f"55.97 ({verdict.word})"}
    (shown,) = texts(further(document, "Reported"))
    widths = [verdict.width or 0 for verdict in match.verdicts.values()]
    assert shown["Width: S, U, HM, ZSL"] == ", ".join(f"{width:.2f}" for width in widths)
    assert shown["Reported S"] == f"77.14 ({match.verdicts['seen'].word})"
    assert "95 percent prediction interval for one more seed on the same test videos" in notes(document)
    stored = data(document)["clipclap"]
    assert (stored["verdict_hm"], stored["verdict_hm_width_percent"]) == (verdict.word, verdict.width)
    assert (stored["reported_calibration"], stored["reported_bn_refresh"]) == ("clipclap", "official")


@pytest.mark.parametrize("seeds", [1, 2])
def test_a_few_seeds_cannot_tell(tmp_path: Path, seeds: int) -> None:
    document = board_document(make_board(tmp_path, clipclap(), seeds=seeds))
    assert column(document, "Reported HM") == {"ClipClap-GZSL": "55.97 (cannot tell)"}
    (shown,) = texts(further(document, "Reported"))
    assert (shown["Remark"], "Width: S, U, HM, ZSL" in shown) == ("fewer than 3 seeds", False)
    assert "cannot tell: fewer than 3 seeds, or an interval wider than 10 points" in notes(document)


def test_another_protocol_is_named_in_place_of_a_verdict(tmp_path: Path) -> None:
    config = {"stage2_schedule": "replay", "bn_refresh": "none"}
    ours = clipclap(calibration="exact", text_order="by-name", preset=None, config=config)
    document = board_document(make_board(tmp_path, ours, seeds=3))
    assert column(document, "Reported HM") == {"ClipClap-GZSL": "55.97 (protocol differs)"}
    reason = (
        "protocol differs: calibration exact, published clipclap; text order by-name, published official; "
        "stage-2 schedule replay, published official; batch-norm passes none, published official"
    )
    (shown,) = texts(further(document, "Reported"))
    assert (shown["Reported HM"], shown["Remark"]) == ("55.97", reason)
    assert "'--preset official' runs a method as its published code does" in notes(document)
    stored = data(document)["clipclap"]
    assert (stored["verdict_hm"], stored["verdict_hm_reason"]) == ("protocol differs", reason)


def test_nothing_reported_stands_beside_simulated_figures(tmp_path: Path) -> None:
    document = document_of(tmp_path, SIMULATED)
    assert document.heading.startswith("SIMULATED: ")
    assert document.warning == "SIMULATED features: these figures say nothing about real videos."
    assert "Reported HM" not in texts(document.text[0])[0]
    (row,) = texts(further(document, "Reported"))
    assert (row["Reported HM"], row["Remark"]) == ("57.12", "not comparable: simulated features")
    assert "not comparable with figures on simulated features" in notes(document)
    assert document.link is not None
    assert document.link.target == "feature-sets.md#simulated"


def test_only_a_standard_row_stands_beside_what_is_reported(tmp_path: Path) -> None:
    audio, preset = {"changed": {"modality": "audio"}}, {"changed": {"batch": 7}, "preset": "official", "seed": 1}
    stopped = {"changed": {"epochs": 9}, "trained": 3, "seed": 2}
    document = document_of(tmp_path, {}, audio, preset, stopped, BF16)
    shown = column(document, "Reported HM", by="Settings changed")
    assert shown.pop("–").startswith("57.12 (")
    assert shown.pop("preset official").startswith("57.12 ("), "what the published code does is what they report"
    assert set(shown) == {"modality=audio", "epochs=9, stopped after 3 of 9 epochs", "precision bf16"}
    assert set(shown.values()) == {"–"}
    remarks = {row["Method"]: row["Remark"] for row in texts(further(document, "Reported"))}
    assert remarks["MFT (reconstruction) (modality=audio)"] == "not comparable: other settings"
    assert remarks["MFT (reconstruction) (precision bf16)"] == "not comparable: precision bf16"
    assert "precision bf16: of training only; evaluation always uses full precision." in notes(document)


def test_ranks_ties_and_places(tmp_path: Path) -> None:
    equal = [method(name.lower(), name, skill=3.0) for name in ("One", "Two")]
    others = method("poor", "Poor", skill=0.0), method("chance", "Chance", "reference", skill=9.0)
    document = document_of(tmp_path, *equal, *others, seeds=3)
    main = document.text[0]
    ranks = column(document, "Rank")
    assert sorted([ranks.pop("One"), ranks.pop("Two")]) in (["1–2", "1–2, n.s."], ["1–2", "1–2"])
    assert ranks == {"Poor": "3", "Chance (reference)": "–"}
    assert "n.s.: not significantly below the best" in notes(document)
    hm = [column.title for column in main.columns].index("HM")
    places = {row[0].text: row[hm].place for row in main.rows}
    assert places["Chance (reference)"] is places["Poor"] is None
    assert sorted([places["One"], places["Two"]]) in ([1, 1], [1, 2])
    assert "Bold: the best mean among competing methods." in main.notes
    rows = data(document)
    assert {name for name, row in rows.items() if row["tied_with_best"]} == {"one", "two"}
    assert (rows["poor"]["rank_best"], rows["poor"]["rank_worst"]) == (3, 3)
    assert rows["chance"]["rank_best"] is None


def test_nobody_is_tied_with_a_clear_winner(tmp_path: Path) -> None:
    runs = [method(name, skill=skill, labels=LABELS) for name, skill in (("good", 5.0), ("poor", 0.0))]
    assert column(document_of(tmp_path, *runs, seeds=3), "Rank") == {"good": "1", "poor": "2"}


def test_the_smallest_detectable_difference_is_printed(tmp_path: Path) -> None:
    names = ("aa", "bbb", "cccc")
    runs = [method(name, skill=2 + 0.4 * i, labels=LABELS) for i, name in enumerate(names)]
    yardstick = method("chance", "Chance", "reference", skill=0.0)
    board = make_board(tmp_path, *runs, yardstick | {"labels": LABELS}, seeds=5)
    document = board_document(board)
    found = {row.label: row.result.detectable for row in board.rows}
    assert found.pop("Chance (reference)") is None
    values_found = sorted(100 * value for value in found.values() if value is not None)
    assert len(values_found) == 3
    (note,) = [note for note in document.text[0].notes if note.startswith("Smallest detectable difference")]
    low, typical, high = (f"{value:.1f}" for value in values_found)
    assert f"{typical} points of HM for a typical method (median), {low} for " in note
    assert f" to {high} for " in note
    assert "a power of 0.8" in note
    rows = data(document)
    assert {name: rows[name]["hm_detectable_difference"] for name in names} == found
    assert rows["chance"]["hm_detectable_difference"] is None


def test_from_five_seeds_of_three_methods_on_variances_are_moderated(tmp_path: Path) -> None:
    runs = [method(name, skill=skill) for name, skill in (("aa", 1.0), ("bbb", 1.2), ("cccc", 1.4))]
    words = "variances over seeds moderated from 5 seeds on"
    assert words in notes(document_of(tmp_path / "five", *runs, seeds=5))
    assert words not in notes(document_of(tmp_path / "four", *runs, seeds=4))
    assert words not in notes(document_of(tmp_path / "two", *runs[:2], seeds=5))


def test_with_five_seeds_ranks_hold_together(tmp_path: Path) -> None:
    document = document_of(tmp_path, method("mft"), method("ale"), seeds=5)
    assert "all hold together with 95 percent confidence." in notes(document)


def test_few_seeds_are_named_with_the_ranks(tmp_path: Path) -> None:
    document = document_of(tmp_path, method("mft"), method("ale"), seeds=3)
    assert "all hold together with about 93 percent confidence, with 95 from 5 seeds on" in notes(document)
    text = notes(document_of(tmp_path, method("sje")))
    assert "hold together" not in text
    assert "A row of one seed stands for that trained model, not for its method." in text
    document = document_of(tmp_path, method("ale", changed={"batch": 7}), seeds=3)
    assert "fewer than 5 of several configurations of one method" in notes(document)


def test_sensitivity_marks_the_oracle(tmp_path: Path) -> None:
    board = make_board(tmp_path)
    table = further(board_document(board), "Sensitivity to the bias")
    (row,) = texts(table)
    found = board.rows[0].sensitivity
    assert row["Best bias on test (oracle)"] == f"{100 * found['oracle'].mean:.2f}"
    assert row["No bias"] == f"{100 * found['no_bias'].mean:.2f}"
    assert any("no method can claim it" in note for note in table.notes)


def test_the_heading_and_notes_name_the_data(tmp_path: Path) -> None:
    marks = {"fingerprint": "0123456789abcdef", "split_hash": "fedcba9876543210"}
    document = document_of(tmp_path, {"calibration": "avca", **marks})
    assert document.heading == "ucf, clip_clap, cls (calibration avca, text order by-name)"
    for text in (
        "Calibration avca; split cls (hash fedcba987654)",
        "data fingerprint 0123456789ab; vectors: not recorded.",
        "5 seen and 3 unseen classes, 48 test videos.",
        "sample standard deviation over n seeds",
    ):
        assert text in notes(document)


def test_contradictions_and_reruns_of_reported_figures_are_named(tmp_path: Path) -> None:
    kda, avca = (method(title.lower(), title, features="c3d_vggish") for title in ("KDA", "AVCA"))
    document = document_of(tmp_path, kda, avca)
    assert column(document, "Reported HM")["KDA"].startswith("54.84† (")
    text = notes(document)
    assert "†: the printed HM contradicts the printed S and U." in text
    assert "KDA: printed HM 54.84, but printed S and U give 54.87." in text
    assert "re-run by" in text
    stft = method("stft", "STFT", features="c3d_vggish", dataset="vggsound")
    document = board_document(make_board(tmp_path / "other", stft))
    (row,) = texts(further(document, "Reported"))
    assert row["Reported U"] == "8.83‡"
    assert row["Remark"].endswith("; the printed U is above the printed ZSL")
    assert "‡ STFT: printed U 8.83 is above printed ZSL 8.79, which is impossible" in notes(document)


def test_data_are_fractions_in_full_precision_with_provenance(tmp_path: Path) -> None:
    chance = method("chance", "Chance", "reference", skill=0.0, parameters=None, seed=0)
    board = make_board(tmp_path, {"changed": {"tokens": "va"}}, chance, seeds=3)
    result = {row.result.method.name: row.result for row in board.rows}["mft"]
    rows = data(board_document(board))
    mft = rows["mft"]
    for figure, value in result.spread.items():
        assert (mft[f"{figure}_mean"], mft[f"{figure}_std"]) == (value.mean, value.std)
    assert (mft["n_seeds"], mft["seeds"], mft["best_epochs"], mft["simulated"]) == (3, "0 1 2", "2 2 2", False)
    assert json.loads(str(mft["settings_changed"])) == {"tokens": "va"}
    assert json.loads(str(mft["configuration"])) == result.method.config
    assert mft["run_ids"] == " ".join(run.record.run_id for run in result.runs)
    assert (mft["versions"], mft["device"], mft["revision"]) == ("python 3", "cpu", "unknown")
    assert (mft["seconds"], mft["training_seconds_mean"]) == ("0.100 0.100 0.100", pytest.approx(0.1))
    assert (mft["interval_allows_for"], mft["precision"]) == ("videos and 3 seeds", "full")
    for figure, interval in result.class_interval.items():
        assert (mft[f"{figure}_classes_low"], mft[f"{figure}_classes_high"]) == (interval.low, interval.high)
    assert rows["chance"]["hm_std"] is rows["chance"]["parameters"] is None


def test_class_accuracies_span_the_competing_rows(tmp_path: Path) -> None:
    runs = method("a"), method("b", skill=2.0), method("c", follows="reference", skill=9.0)
    board = make_board(tmp_path, *(run | {"labels": LABELS[LABELS != 3]} for run in runs))
    rows = {row["Class"]: row for row in texts(class_table(board))}
    assert len(rows) == 7
    assert "class 3" not in rows
    results = {row.label: row.result for row in board.rows if row.competes}
    for position in (0, 7):
        found = {name: 100 * result.correctness.class_accuracy()[0, position] for name, result in results.items()}
        row = rows[f"class {position}"]
        assert (row["Lowest"], row["Highest"]) == (f"{min(found.values()):.2f}", f"{max(found.values()):.2f}")
        assert row["Median"] == f"{sum(found.values()) / 2:.2f}"
        assert found[row["Method with the highest"]] == max(found.values())


def test_cells_without_a_number_have_no_value(tmp_path: Path) -> None:
    board = make_board(tmp_path, {"skill": 50.0}, seeds=2)
    assert math.isnan(board.rows[0].result.interval["hm"].low)
    (row,) = values(board_document(board).page[0])
    assert row["interval"] is row["rank"] is None
    assert (row["hm"], row["seeds"]) == (1.0, 2)
