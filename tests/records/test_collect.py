from __future__ import annotations

import json
import os
import shutil
import statistics
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner
from make_record import LABELS, make_record

from avgzsl_bench.cli import main
from avgzsl_bench.errors import RecordError
from avgzsl_bench.records.collect import collect, find_records
from avgzsl_bench.records.record import read_record
from avgzsl_bench.report.boards.board import read_boards
from avgzsl_bench.report.stats.rows import FIGURES, rows_of

if TYPE_CHECKING:
    from pathlib import Path


def test_seeds_become_one_row_with_mean_and_sample_deviation(tmp_path: Path) -> None:
    paths = [make_record(tmp_path, seed=seed) for seed in (2, 0, 1)]
    (table,) = collect(tmp_path)
    (row,) = rows_of(table)
    assert row.seeds == (0, 1, 2)
    for figure in (*FIGURES, "bias"):
        values = [getattr(read_record(path).metrics, figure) for path in paths]
        assert row.spread[figure].mean == pytest.approx(statistics.fmean(values))
        assert row.spread[figure].std == pytest.approx(statistics.stdev(values))


def alter(path: Path, group: str, **changes: object) -> None:
    content = json.loads(path.read_text())
    content[group].update(changes)
    path.write_text(json.dumps(content))


def test_a_single_seed_has_no_deviation(tmp_path: Path) -> None:
    make_record(tmp_path)
    (row,) = rows_of(collect(tmp_path)[0])
    assert row.spread["hm"].std is None


OTHER = {"calibration": "clipclap", "text_order": "official", "fingerprint": "e" * 64, "split_hash": "b" * 64}
OTHER |= {"simulated": True, "dataset": "vggsound", "features": "selavi", "split": "main"}


@pytest.mark.parametrize("other", [{name: value} for name, value in OTHER.items()], ids=list(OTHER))
def test_records_that_cannot_be_compared_get_tables_of_their_own(tmp_path: Path, other: dict[str, str]) -> None:
    make_record(tmp_path, name="a")
    make_record(tmp_path, name="b", **other)  # type: ignore[arg-type]
    boards = read_boards(tmp_path)
    assert len(boards) == len({board.name for board in boards}) == len({board.heading for board in boards}) == 2


SETTINGS = [{"changed": {"tokens": "va"}}, {"config": {"tokens": "va"}}, {"config": {"epochs": 3}}]


@pytest.mark.parametrize("other", [*SETTINGS, {"version": "0.2.0"}, {"method": "mft2"}])
def test_runs_of_another_configuration_are_another_row(tmp_path: Path, other: dict[str, str]) -> None:
    make_record(tmp_path, seed=0, name="a")
    make_record(tmp_path, seed=1, name="b", **other)  # type: ignore[arg-type]
    (board,) = read_boards(tmp_path)
    assert [len(row.result.seeds) for row in board.rows] == [1, 1]
    if "method" not in other:
        assert len({(row.label, row.settings) for row in board.rows}) == 2


def test_names_of_the_plain_protocol_stay_short(tmp_path: Path) -> None:
    make_record(tmp_path)
    make_record(tmp_path, calibration="grid:0:3:16")
    make_record(tmp_path, calibration="avca", seed=1)
    make_record(tmp_path, calibration="grid:0:1:5")
    make_record(tmp_path, text_order="official")
    make_record(tmp_path, features="simulated", simulated=True)
    assert [board.name for board in read_boards(tmp_path)] == [
        "ucf-clip_clap-cls",
        "ucf-clip_clap-cls-avca",
        "ucf-clip_clap-cls-grid_0_1_5",
        "ucf-clip_clap-cls-official",
        "ucf-simulated-cls",
    ]


def test_a_copy_of_a_run_counts_once(tmp_path: Path) -> None:
    path = make_record(tmp_path / "results")
    shutil.copytree(path.parent, tmp_path / "results" / "copy")
    (row,) = rows_of(collect(tmp_path / "results")[0])
    assert row.seeds == (0,)


def test_runs_of_one_seed_that_differ_are_refused(tmp_path: Path) -> None:
    one = make_record(tmp_path, skill=1.0, name="one")
    two = make_record(tmp_path, skill=2.0, name="two")
    with pytest.raises(RecordError, match="different figures for the same method") as caught:
        read_boards(tmp_path)
    assert str(one) in str(caught.value)
    assert str(two) in str(caught.value)


def test_other_test_videos_under_the_same_fingerprint_are_refused(tmp_path: Path) -> None:
    make_record(tmp_path, seed=0)
    make_record(tmp_path, seed=1, labels=LABELS[:-1])
    with pytest.raises(RecordError, match="other classes or video counts"):
        collect(tmp_path)


def test_classes_without_a_video_are_not_counted(tmp_path: Path) -> None:
    make_record(tmp_path, labels=LABELS[LABELS != 7])
    (board,) = read_boards(tmp_path)
    assert (board.seen, board.unseen, board.videos, board.missing) == (5, 2, 42, ("class 7",))


@pytest.mark.parametrize("folder", ["", "missing"])
def test_no_records_says_how_to_make_one(tmp_path: Path, folder: str) -> None:
    with pytest.raises(RecordError, match="avbench run --method mft --dataset ucf"):
        collect(tmp_path / folder)


def test_results_that_are_a_file(tmp_path: Path) -> None:
    path = make_record(tmp_path)
    with pytest.raises(RecordError, match="not a folder"):
        collect(path)


def test_an_altered_record_is_refused(tmp_path: Path) -> None:
    path = make_record(tmp_path)
    alter(path, "metrics", hm=0.01)
    with pytest.raises(RecordError, match=r"metrics\.hm") as caught:
        collect(tmp_path)
    assert str(path) in str(caught.value)


def test_json_that_is_no_record_is_refused(tmp_path: Path) -> None:
    make_record(tmp_path)
    (tmp_path / "notes.json").write_text("{}")
    with pytest.raises(RecordError, match=r"notes\.json: not a record.*move notes\.json out of"):
        collect(tmp_path)


@pytest.mark.parametrize("field", ["dataset", "features", "split", "text_order", "fingerprint", "split_hash"])
@pytest.mark.parametrize("value", ["../up", "", ".hidden", "a|b", "a\nb", "ü", "x" * 200])
def test_names_that_cannot_be_file_names_are_refused(tmp_path: Path, field: str, value: str) -> None:
    alter(make_record(tmp_path), "data", **{field: value})
    with pytest.raises(RecordError, match=f"data.{field}"):
        collect(tmp_path)


def test_rows_are_ordered_by_hm_then_name(tmp_path: Path) -> None:
    for title, skill in (("Zeta", 1.0), ("beta", 1.0), ("Best", 3.0)):
        make_record(tmp_path, method=title.lower(), title=title, skill=skill)
    (board,) = read_boards(tmp_path)
    assert [row.label for row in board.rows] == [f"{title} (reconstruction)" for title in ("Best", "beta", "Zeta")]


def test_hidden_files_and_folders_are_passed_over(tmp_path: Path) -> None:
    """As Jupyter, macOS and an editor leave them; named themselves they are read."""
    results = tmp_path / ".results"
    record = make_record(results)
    checkpoints = record.parent / ".ipynb_checkpoints"
    checkpoints.mkdir()
    shutil.copy(record, checkpoints / f"{record.stem}-checkpoint.json")
    (record.parent / f"._{record.name}").write_bytes(b"\0\5\26\7\0\2\0\0Mac OS X        ")
    (record.parent / f".~lock.{record.name}").write_text(",user,computer")
    (results / ".linked").symlink_to(tmp_path, target_is_directory=True)
    assert find_records(results) == [record]
    assert [stored.path for table in collect(results) for stored in table.stored] == [record]
    assert len(find_records(checkpoints)) == 1
    for folder, said in ((results, "1 ok, 0 failed"), (checkpoints, "0 ok, 1 failed"), (record, "1 ok, 0 failed")):
        assert said in CliRunner().invoke(main, ["verify", str(folder)]).output


def test_a_linked_folder_is_told_rather_than_left_out(tmp_path: Path) -> None:
    make_record(tmp_path / "elsewhere")
    make_record(tmp_path / "results", method="ale", title="ALE")
    (tmp_path / "results" / "more").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(RecordError, match="more: a link to a folder, which is not followed"):
        find_records(tmp_path / "results")


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_an_unreadable_folder_is_told_rather_than_left_out(tmp_path: Path) -> None:
    make_record(tmp_path)
    (tmp_path / "closed").mkdir(mode=0)
    with pytest.raises(RecordError, match="closed: cannot be looked into"):
        find_records(tmp_path)


def test_a_pipe_is_no_record(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x.json")
    with pytest.raises(RecordError, match="not a file"):
        collect(tmp_path)


def test_one_fingerprint_is_one_feature_set(tmp_path: Path) -> None:
    make_record(tmp_path, features="simulated", simulated=True, fingerprint="1" * 64)
    make_record(tmp_path, features="own", simulated=False, fingerprint="1" * 64)
    with pytest.raises(RecordError, match="other dataset, features or 'simulated' than"):
        collect(tmp_path)
