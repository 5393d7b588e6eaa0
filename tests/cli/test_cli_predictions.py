"""`avbench predictions`: tables, files, and what is typed wrongly."""

from __future__ import annotations

import json
import re
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from click.testing import Result
from make_record import LABELS, make_record

import avgzsl_bench as ab

Avbench = Callable[..., Result]
Refused = Callable[..., str]
IDS = [f"v_{video:02}, é" for video in range(len(LABELS))]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return make_record(tmp_path / "results", ids=IDS)


def rows_below(output: str, title: str) -> list[list[str]]:
    """The cells of the table with a title; two blanks end a cell."""
    block = output.partition(f"{title}\n")[2].lstrip("\n ")
    lines = [line.strip() for line in block.splitlines()]
    return [re.split(" {2,}", line) for line in lines[2 : [*lines, ""].index("")]]


def test_the_tables_are_those_of_the_record(avbench: Avbench, path: Path) -> None:
    result = avbench("predictions", path)
    assert result.exit_code == 0, result.output
    record = ab.load_record(path)
    assert result.stdout.startswith("MFT on ucf (clip_clap, cls), seed 0, 48 test videos\n")
    accuracies = record.class_accuracies()
    shown = {row[0]: row for row in rows_below(result.stdout, "Accuracy of each class, percent")}
    assert list(shown) == accuracies.index.tolist()
    for name, cells in shown.items():
        expected = accuracies.loc[name]
        assert cells[1:4] == [expected["role"], str(expected["videos"]), f"{100 * expected['accuracy']:.2f}"]
    figures = [f"{100 * getattr(record.metrics, name):.2f}" for name in ("seen", "unseen", "hm", "zsl", "ausuc")]
    assert rows_below(result.stdout, "All test videos, percent")[0][:5] == figures
    assert "SIMULATED" not in result.output


def test_the_pairs_that_are_confused_most_come_first(avbench: Avbench, path: Path) -> None:
    frame = ab.load_record(path).predictions()
    wrong = frame[~frame["correct"]].groupby(["true_class", "predicted"]).size().sort_values(ascending=False)
    output = avbench("predictions", path, "--top", 3).stdout
    title = f"Classes most often taken for another: 3 of {len(wrong)} pairs"
    shown = rows_below(output, title)
    assert [int(videos) for _, _, videos, _ in shown] == wrong.iloc[:3].tolist()
    for true, predicted, videos, share in shown:
        assert wrong[true, predicted] == int(videos)
        assert share == f"{100 * int(videos) / 6:.2f}"
    assert "taken for another" not in avbench("predictions", path, "--top", 0).stdout


def test_every_file_at_once(avbench: Avbench, path: Path, tmp_path: Path) -> None:
    record = ab.load_record(path)
    files = {"--csv": "deep/er/p.csv", "--confusion": "c.csv", "--plot": "p.svg"}
    result = avbench("predictions", path, *(word for pair in files.items() for word in pair))
    assert result.exit_code == 0, result.output
    assert result.stdout.endswith("wrote deep/er/p.csv\nwrote c.csv\nwrote p.svg\n")
    assert not result.stderr
    written = pd.read_csv(tmp_path / "deep/er/p.csv", dtype={"gap": str})
    assert written.astype({"gap": float}).equals(record.predictions())
    matrix = pd.read_csv(tmp_path / "c.csv", index_col="true_class")
    assert matrix.to_numpy().tolist() == record.confusion_matrix().to_numpy().tolist()
    assert matrix.columns.tolist() == matrix.index.tolist() == record.confusion_matrix().index.tolist()
    assert ElementTree.parse(tmp_path / "p.svg").getroot().tag.endswith("svg")


def test_parquet_holds_the_same_as_csv(avbench: Avbench, path: Path, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    assert avbench("predictions", path, "--parquet", "p.parquet").exit_code == 0
    assert pd.read_parquet(tmp_path / "p.parquet").equals(ab.load_record(path).predictions())


def test_a_file_that_is_there_is_replaced_with_force_only(avbench: Avbench, refused: Refused, path: Path) -> None:
    Path("p.csv").write_text("mine")
    line = refused("predictions", path, "--csv", "p.csv", "--plot", "new.svg")
    assert line == "error: p.csv: is there already; --force replaces it"
    assert Path("p.csv").read_text() == "mine"
    assert not Path("new.svg").exists()
    assert avbench("predictions", path, "--csv", "p.csv", "--force").exit_code == 0
    assert Path("p.csv").read_text().startswith("video,true_class,")


def test_a_run_of_now_has_its_ids_and_says_that_it_is_simulated(avbench: Avbench, refused: Refused) -> None:
    short = ("--epochs", 1, "--set", "batches_per_epoch=2", "--features", "simulated", "--device", "cpu", "--save")
    assert avbench("run", "--method", "devise", "--dataset", "ucf", *short).exit_code == 0
    (path,) = Path("results").rglob("*.json")
    result = avbench("predictions", path, "--csv", "p.csv", "--data-root", "nowhere")
    assert result.exit_code == 0, result.output
    assert "SIMULATED features" in result.stdout
    assert not result.stderr
    assert pd.read_csv("p.csv")["video"].str.match(r"sim_\d{3}_\d{5}$").all()
    for own in path.parent.iterdir():
        assert "belongs to the record" in refused("predictions", path, "--csv", own, "--force")


def test_older_decisions_without_their_data_give_numbers_and_one_line(avbench: Avbench, tmp_path: Path) -> None:
    path = make_record(tmp_path / "results")
    shown = avbench("predictions", path)
    assert (shown.exit_code, shown.stderr) == (0, ""), "the tables need no ids"
    result = avbench("predictions", path, "--csv", "p.csv")
    assert result.exit_code == 0, result.output
    (line,) = result.stderr.splitlines()
    assert line.startswith(
        "warning: the decisions hold no video ids, and they cannot be looked up: no 'clip_clap'"
    )
    assert line.endswith("; videos are numbered instead")
    assert pd.read_csv("p.csv")["video"].tolist() == list(range(48))


def altered(path: Path) -> Path:
    content = json.loads(path.read_text())
    content["metrics"]["hm"] += 0.01
    path.write_text(json.dumps(content))
    return path


def without_decisions(path: Path) -> Path:
    path.with_suffix(".npz").unlink()
    return path


def foreign(path: Path) -> Path:
    path.write_text("{}")
    return path


@pytest.mark.parametrize(
    ("of", "message"),
    [
        (foreign, "not a record of schema 1"),
        (altered, "metrics.hm is"),
        (without_decisions, ".npz: cannot be read: no such file"),
        (lambda path: path.with_suffix(".npz"), "not a record: 'utf-8' codec"),
        (lambda path: path.parent, "not a file"),
        (lambda path: path.parent / "none.json", "none.json: cannot be read: no such file"),
    ],
    ids=["foreign", "altered", "no decisions", "the decisions", "a folder", "nothing"],
)
def test_what_is_no_record_is_refused_and_nothing_is_written(
    refused: Refused, path: Path, of: Callable[[Path], Path], message: str
) -> None:
    assert message in refused("predictions", of(path), "--csv", "p.csv")
    assert not Path("p.csv").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--csv", "a", "--parquet", "b"], "--csv and --parquet exclude each other; give one"),
        (["--csv", "a", "--confusion", "./a"], "--csv, --confusion: two of them name the same file"),
        (["--plot", "a.gif"], "a.gif: unknown kind of plot; end the name in one of .svg, .pdf, .png"),
        (["--plot", "svg"], "svg: unknown kind of plot"),
        (["--csv", "."], "is a directory"),
        (["--csv", "a", "--csv", "b"], "--csv is given twice"),
        (["--top", "-1"], "is not in the range"),
        (["--csv", "/proc/none/a.csv"], "error: cannot write /proc/none/a.csv"),
    ],
)
def test_options_that_cannot_work_are_refused(
    refused: Refused, path: Path, tmp_path: Path, options: list[str], message: str
) -> None:
    before = sorted(tmp_path.rglob("*"))
    assert message in refused("predictions", path, *options)
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("ending", [".json", ".npz"])
def test_the_record_itself_is_never_replaced(refused: Refused, path: Path, ending: str) -> None:
    own = path.with_suffix(ending)
    before = own.read_bytes()
    line = refused("predictions", path, "--csv", own, "--force")
    assert line == f"error: {own}: belongs to the record and would be lost; choose another file"
    assert own.read_bytes() == before


def test_parquet_without_pyarrow(refused: Refused, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    line = refused("predictions", path, "--parquet", "p.parquet")
    assert line == "error: p.parquet: Parquet needs pyarrow: pip install 'pyarrow>=15', or write CSV"


def test_a_full_disk_leaves_what_was_there(avbench: Avbench, path: Path, monkeypatch: Any) -> None:
    Path("p.csv").write_text("mine")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    result = avbench("predictions", path, "--csv", "p.csv", "--force")
    assert result.exit_code == 2
    assert "cannot write p.csv: No space left on device" in result.stderr
    assert Path("p.csv").read_text() == "mine"
