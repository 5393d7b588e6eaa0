from __future__ import annotations

import io
import json
import re
from typing import TYPE_CHECKING

import pandas as pd
import pytest
from make_record import make_record

from avgzsl_bench.report.formats.board_csv import csv_of
from avgzsl_bench.report.formats.board_markdown import markdown_of, summary_of
from avgzsl_bench.report.stats.sensitivity import sensitivity_of
from avgzsl_bench.report.tables.board import read_boards

if TYPE_CHECKING:
    from pathlib import Path


def cells(markdown: str, table: int = 0) -> list[dict[str, str]]:
    """The rows of a table, bare; the first one unless told otherwise."""
    blocks = [block for block in markdown.split("\n\n") if block.startswith("|")]
    split = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in blocks[table].splitlines()]
    return [dict(zip(split[0], row, strict=True)) for row in split[2:]]


def test_a_row_shows_mean_and_deviation_in_percent(tmp_path: Path) -> None:
    for seed in range(3):
        make_record(tmp_path, seed=seed, changed={"tokens": "va"})
    (board,) = read_boards(tmp_path)
    (row,) = cells(markdown_of(board, 1))
    hm = board.lines[0].row.spread["hm"]
    assert hm.std is not None
    assert row["HM"] == f"{100 * hm.mean:.2f} ± {100 * hm.std:.2f}"
    assert row["Method"] == "MFT (reconstruction)"
    assert row["Settings changed"] == "tokens=va"
    assert row["Seeds"] == "3"
    found = board.lines[0].row.interval["hm"]
    assert row["HM, 95 % interval"] == f"{100 * found.low:.2f} to {100 * found.high:.2f}"
    (run,) = cells(markdown_of(board, 1), -1)
    assert run["Parameters"] == "12,345"
    assert run["Stage 1"] == str(board.lines[0].row.epochs)
    assert run["Training, s"] == "0.1"
    assert "allowing for videos and 3 seeds" in markdown_of(board, 1)


def test_what_was_trained_is_shown(tmp_path: Path) -> None:
    make_record(tmp_path, config={"batches_per_epoch": 30, "batch_size": 64})
    (board,) = read_boards(tmp_path)
    (row,) = cells(markdown_of(board, 1), -1)
    assert row["Stage 1"] == f"{board.lines[0].row.epochs} x 30 x 64"


def test_reported_figures_stand_in_columns_of_their_own(tmp_path: Path) -> None:
    make_record(tmp_path)
    make_record(tmp_path, method="devise", title="DeViSE", follows="published code")
    make_record(tmp_path, method="eszsl", title="ESZSL", follows="reference", parameters=None)
    (board,) = read_boards(tmp_path)
    text = markdown_of(board, 1)
    main = {row["Method"]: row for row in cells(text)}
    # The features and split of the board: beside the measured figure, with a verdict. Others: in their own table.
    assert re.fullmatch(r"57\.12 \((inside|above|below)\)", main["MFT (reconstruction)"]["Reported HM"])
    assert main["DeViSE"]["Reported HM"] == main["ESZSL (reference)"]["Reported HM"] == "–"
    rows = [
        (row["Method"], row["Features, split"], row["Reported HM"].split()[0], row["Remark"])
        for row in cells(text, 2)
    ]
    assert sorted(rows) == [
        ("DeViSE", "c3d_vggish, cls", "31.98", "not comparable: other features: c3d_vggish"),
        ("DeViSE", "selavi, main", "23.56", "not comparable: other features and split: selavi, main"),
        (
            "MFT (reconstruction)",
            "clip_clap, cls",
            "57.12",
            "one seed: the interval is that of the test videos alone",
        ),
    ]
    assert "comparable with measured ones only where these are the table's, clip_clap, cls" in text
    assert "Journal of Electronics &amp; Information Technology" in text


def test_nothing_reported_stands_beside_simulated_figures(tmp_path: Path) -> None:
    make_record(tmp_path, features="simulated", simulated=True)
    (board,) = read_boards(tmp_path)
    assert "Reported HM" not in summary_of(board, 1)
    (row,) = cells(markdown_of(board, 1), 2)
    assert (row["Reported HM"], row["Remark"]) == ("57.12", "not comparable: simulated features")


def test_ranks_and_ties(tmp_path: Path) -> None:
    for seed in range(3):
        make_record(tmp_path, seed=seed, method="one", title="One", follows="paper", skill=3.0)
        make_record(tmp_path, seed=seed, method="two", title="Two", follows="paper", skill=3.0)
        make_record(tmp_path, seed=seed, method="poor", title="Poor", follows="paper", skill=0.0)
        make_record(tmp_path, seed=seed, method="chance", title="Chance", follows="reference", skill=0.0)
    (board,) = read_boards(tmp_path)
    ranks = {row["Method"]: row["Rank"] for row in cells(markdown_of(board, 1))}
    assert ranks == {"One": "1–2, tied", "Two": "1–2, tied", "Poor": "3", "Chance (reference)": "–"}
    assert "can be tied with everything" in markdown_of(board, 1)
    table = pd.read_csv(io.StringIO(csv_of(board)), index_col="method")
    assert table["tied_with_best"].to_dict() == {"one": True, "two": True, "poor": False, "chance": False}
    assert (table.loc["poor", "rank_best"], table.loc["poor", "rank_worst"]) == (3, 3)
    assert pd.isna(table.loc["chance", "rank_best"])


def test_nobody_is_tied_with_itself(tmp_path: Path) -> None:
    make_record(tmp_path)
    (board,) = read_boards(tmp_path)
    assert cells(markdown_of(board, 1))[0]["Rank"] == "–"
    assert "tied" not in markdown_of(board, 1)


def test_sensitivity_marks_the_oracle(tmp_path: Path) -> None:
    make_record(tmp_path)
    (board,) = read_boards(tmp_path)
    (row,) = cells(markdown_of(board, 1), 1)
    found = sensitivity_of(board.lines[0].row)
    assert row["Best bias on test (oracle)"] == f"{100 * found['oracle'].mean:.2f}"
    assert row["No bias"] == f"{100 * found['no_bias'].mean:.2f}"
    assert "no method can claim it" in markdown_of(board, 1)


def test_csv_tells_where_a_row_comes_from(tmp_path: Path) -> None:
    for seed in range(2):
        make_record(tmp_path, seed=seed)
    (board,) = read_boards(tmp_path)
    (row,) = pd.read_csv(io.StringIO(csv_of(board)), dtype=str).to_dict("records")
    assert json.loads(row["configuration"]) == board.lines[0].row.method.config
    run_ids = " ".join(run.record.run_id for run in board.lines[0].row.runs)
    assert (row["run_ids"], row["versions"], row["device"]) == (run_ids, "python 3", "cpu")
    assert (row["revision"], row["seconds"]) == ("unknown", "0.100 0.100")
    assert (row["verdict_hm"] in ("inside", "above", "below"), row["interval_allows_for"]) == (
        True,
        "videos and 2 seeds",
    )


def test_a_misprinted_hm_is_told(tmp_path: Path) -> None:
    make_record(tmp_path, method="kda", title="KDA", follows="paper")
    (board,) = read_boards(tmp_path)
    assert "KDA: printed HM 54.84, but printed S and U give 54.87." in markdown_of(board, 1)


def test_a_single_seed_shows_no_deviation(tmp_path: Path) -> None:
    make_record(tmp_path)
    (board,) = read_boards(tmp_path)
    (row,) = cells(markdown_of(board, 1))
    assert not any("±" in cell for cell in row.values())


def test_bold_is_the_best_competitor(tmp_path: Path) -> None:
    make_record(tmp_path, method="oracle", title="Oracle", follows="reference", skill=9.0)
    make_record(tmp_path, method="good", title="Good", follows="paper", skill=3.0)
    make_record(tmp_path, method="poor", title="Poor", follows="paper", skill=0.0)
    (board,) = read_boards(tmp_path)
    bold = {row["Method"]: row["HM"].startswith("**") for row in cells(markdown_of(board, 1))}
    assert bold == {"Oracle (reference)": False, "Good": True, "Poor": False}


def test_one_competitor_is_not_the_best(tmp_path: Path) -> None:
    make_record(tmp_path)
    (board,) = read_boards(tmp_path)
    text = markdown_of(board, 1)
    assert "**" not in text
    assert "Bold" not in text


def test_what_was_measured_is_said_under_the_table(tmp_path: Path) -> None:
    make_record(tmp_path, calibration="avca", fingerprint="0123456789abcdef", split_hash="fedcba9876543210")
    (board,) = read_boards(tmp_path)
    text = markdown_of(board, 2)
    assert text.startswith("## ucf, clip_clap, cls (calibration avca, text order by-name)\n")
    assert "Calibration avca; split cls (hash fedcba987654)" in text
    assert "data fingerprint 0123456789ab." in text
    assert "5 seen and 3 unseen classes, 48 test videos." in text
    assert "sample standard deviation over n seeds" in text


def test_simulated_tables_say_so(tmp_path: Path) -> None:
    make_record(tmp_path, features="simulated", simulated=True)
    (board,) = read_boards(tmp_path)
    text = markdown_of(board, 1)
    assert text.startswith("# SIMULATED: ")
    assert "**SIMULATED features: these figures say nothing about real videos.**" in text
    assert "not comparable with figures on simulated features" in text


def test_shortened_runs_say_so(tmp_path: Path) -> None:
    make_record(tmp_path, changed={"epochs": 5}, trained=3)
    (board,) = read_boards(tmp_path)
    assert cells(markdown_of(board, 1))[0]["Settings changed"] == "epochs=5, stopped after 3 of 5 epochs"


def test_versions_show_where_there_are_two(tmp_path: Path) -> None:
    make_record(tmp_path, version="0.1.0")
    make_record(tmp_path, version="0.2.0", skill=2.0)
    make_record(tmp_path, method="kda", title="KDA", follows="paper", version="0.2.0", skill=0.5)
    (board,) = read_boards(tmp_path)
    assert sorted(line.label for line in board.lines) == [
        "KDA",
        "MFT (reconstruction, avgzsl-bench 0.1.0)",
        "MFT (reconstruction, avgzsl-bench 0.2.0)",
    ]


def test_defaults_that_differ_are_shown(tmp_path: Path) -> None:
    make_record(tmp_path, config={"layers": 1})
    make_record(tmp_path, config={"layers": 2}, skill=2.0)
    (board,) = read_boards(tmp_path)
    assert {line.settings for line in board.lines} == {"layers=1", "layers=2"}


@pytest.mark.parametrize(
    ("title", "shown"),
    [
        ("a|b", r"a\|b"),
        ("two\nlines\r\x1b[31m", r"two lines \[31m"),
        ("`code`", r"\`code\`"),
        ("<script>x</script>", "&lt;script&gt;x&lt;/script&gt;"),
        ("**loud**", r"\*\*loud\*\*"),
        ("[click](javascript:x)", r"\[click\](javascript:x)"),
    ],
)
def test_text_of_records_cannot_break_a_table(tmp_path: Path, title: str, shown: str) -> None:
    make_record(tmp_path, title=title, follows="paper", changed={"name": title})
    (board,) = read_boards(tmp_path)
    (row,) = cells(markdown_of(board, 1))
    assert row["Method"] == shown
    assert row["Settings changed"] == f"name={shown}"
    assert len(pd.read_csv(io.StringIO(csv_of(board)))) == 1


def test_csv_holds_fractions_in_full_precision(tmp_path: Path) -> None:
    for seed in range(3):
        make_record(tmp_path, seed=seed, changed={"tokens": "va"})
    make_record(tmp_path, method="chance", title="Chance", follows="reference", skill=0.0, parameters=None)
    (board,) = read_boards(tmp_path)
    table = pd.read_csv(io.StringIO(csv_of(board))).set_index("method")
    row = {line.row.method.name: line.row for line in board.lines}["mft"]
    for figure, value in row.spread.items():
        assert table.loc["mft", f"{figure}_mean"] == pytest.approx(value.mean, rel=1e-14)
        assert table.loc["mft", f"{figure}_std"] == pytest.approx(value.std, rel=1e-14)
    assert table.loc["mft", "n_seeds"] == 3
    assert table.loc["mft", "seeds"] == "0 1 2"
    assert table.loc["mft", "best_epochs"] == "2 2 2"
    assert json.loads(str(table.loc["mft", "settings_changed"])) == {"tokens": "va"}
    assert table.loc["mft", "reported_hm_percent"] == 57.12
    assert pd.isna(table.loc["chance", "hm_std"])
    assert pd.isna(table.loc["chance", "reported_hm_percent"])
    assert pd.isna(table.loc["chance", "parameters"])
    assert not table["simulated"].any()


def test_a_changed_row_is_not_set_beside_what_is_reported_of_the_method(tmp_path: Path) -> None:
    make_record(tmp_path)
    make_record(tmp_path, changed={"modality": "audio"})
    make_record(tmp_path, changed={"batch": 7}, preset="official", seed=1)
    make_record(tmp_path, changed={"epochs": 9}, trained=3, seed=2)
    (board,) = read_boards(tmp_path)
    shown = {row["Settings changed"]: row["Reported HM"] for row in cells(markdown_of(board, 1))}
    assert shown["modality=audio"] == shown["epochs=9, stopped after 3 of 9 epochs"] == "–"
    assert shown["–"].startswith("57.12 (")
    assert shown["preset official"].startswith("57.12 ("), "what the authors' program does is what they report"
    assert "not comparable: other settings" in markdown_of(board, 1)


def test_a_contradictory_hm_is_marked_where_it_stands_beside_ours(tmp_path: Path) -> None:
    make_record(tmp_path, method="kda", title="KDA", follows="paper", features="c3d_vggish")
    (board,) = read_boards(tmp_path)
    (row,) = cells(markdown_of(board, 1))
    assert row["Reported HM"].startswith("54.84† (")
    assert "†: the printed HM contradicts the printed S and U." in markdown_of(board, 1)


def test_few_seeds_are_told_with_the_ranks(tmp_path: Path) -> None:
    for method, seeds in (("mft", 3), ("ale", 3)):
        for seed in range(seeds):
            make_record(tmp_path, method=method, title=method.upper(), seed=seed)
    assert "all hold together with 95 percent confidence" in markdown_of(read_boards(tmp_path)[0], 1)
    make_record(tmp_path, method="sje", title="SJE")
    text = markdown_of(read_boards(tmp_path)[0], 1)
    assert "hold together" not in text
    assert "A row of one seed stands for that trained model, not for its method." in text
    for seed in range(3):
        make_record(tmp_path, method="ale", title="ALE", seed=seed, changed={"batch": 7})
    assert "fewer than 5 of several configurations of one method" in markdown_of(read_boards(tmp_path)[0], 1)


def test_who_ran_what_is_reported_is_told(tmp_path: Path) -> None:
    make_record(tmp_path, method="avca", title="AVCA", follows="published program")
    (board,) = read_boards(tmp_path)
    text = markdown_of(board, 1)
    assert "as printed by the sources named" in text
    assert "re-run by" in text
