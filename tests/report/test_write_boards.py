from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from make_record import make_record

from avgzsl_bench.errors import AvbenchError
from avgzsl_bench.report.folder import FORMATS, LISTING, MARKER, write_boards
from avgzsl_bench.report.tables.board import read_boards

if TYPE_CHECKING:
    from pathlib import Path


def test_files_are_the_same_when_written_twice(tmp_path: Path) -> None:
    for seed in range(2):
        make_record(tmp_path / "results", seed=seed)
        make_record(tmp_path / "results", seed=seed, features="simulated", simulated=True)
        make_record(tmp_path / "results", seed=seed, dataset="vggsound")
    first = {
        path.name: path.read_bytes() for path in write_boards(read_boards(tmp_path / "results"), tmp_path / "a")
    }
    second = {
        path.name: path.read_bytes() for path in write_boards(read_boards(tmp_path / "results"), tmp_path / "b")
    }
    assert first == second
    assert next(iter(first)) == "README.md"
    assert str(tmp_path).encode() not in b"".join(first.values())
    readme = first["README.md"].decode()
    places = [readme.index(h) for h in ("## ucf, clip_clap", "## vggsound, clip_clap", "## SIMULATED: ucf")]
    assert places == sorted(places)


def test_outdated_tables_go_and_nothing_else(tmp_path: Path) -> None:
    results, out = tmp_path / "results", tmp_path / "out"
    path = make_record(results, calibration="avca")
    write_boards(read_boards(results), out)
    assert (out / "ucf-clip_clap-cls-avca.csv").exists()
    for name in ("notes.md", "notes.csv", "mine.csv", "ucf-mine.md"):
        (out / name).write_text("mine\n")
    path.unlink()
    make_record(results)
    copy = out / "table-of-my-paper.csv"
    copy.write_bytes((out / "ucf-clip_clap-cls-avca.csv").read_bytes())
    written = write_boards(read_boards(results), out)
    assert {p.name for p in out.iterdir()} == {p.name for p in written} | {
        "notes.md",
        "notes.csv",
        "mine.csv",
        "ucf-mine.md",
        copy.name,
        LISTING,
    }
    assert (out / "README.md").read_text().startswith(MARKER)


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    make_record(tmp_path / "results")
    (tmp_path / "out").write_text("a file")
    with pytest.raises(AvbenchError, match="cannot write"):
        write_boards(read_boards(tmp_path / "results"), tmp_path / "out")


def test_every_format_is_the_same_when_written_twice(tmp_path: Path) -> None:
    for seed in range(2):
        make_record(tmp_path / "results", seed=seed)
        make_record(tmp_path / "results", seed=seed, method="b", title="B", follows="paper")
    first, second = (
        {path.name: path.read_bytes() for path in write_boards(read_boards(tmp_path / "results"), out, FORMATS)}
        for out in (tmp_path / "a", tmp_path / "b")
    )
    assert first == second
    assert {name.rsplit(".", 1)[1] for name in first} == set(FORMATS)
    assert str(tmp_path).encode() not in b"".join(first.values())


def test_a_file_does_not_depend_on_what_else_is_written(tmp_path: Path) -> None:
    make_record(tmp_path / "results")
    boards = read_boards(tmp_path / "results")
    write_boards(boards, tmp_path / "all", ("html", "svg", "pdf"))
    for path in write_boards(boards, tmp_path / "pdf", ("pdf",)):
        assert path.read_bytes() == (tmp_path / "all" / path.name).read_bytes()


def test_outdated_files_of_every_format_go(tmp_path: Path) -> None:
    results, out = tmp_path / "results", tmp_path / "out"
    make_record(results)
    before = write_boards(read_boards(results), out, FORMATS)
    mine = [out / f"mine.{ending}" for ending in FORMATS]
    for path in mine:
        path.write_text("avbench leaderboard\n")
    written = write_boards(read_boards(results), out, ("html",))
    assert [path.name for path in written] == ["index.html"]
    assert set(out.iterdir()) == {*written, *mine, out / LISTING}
    assert len(before) > len(written)


@pytest.mark.parametrize("ending", FORMATS)
def test_foreign_files_of_every_format_are_kept(tmp_path: Path, ending: str) -> None:
    make_record(tmp_path / "results")
    boards = read_boards(tmp_path / "results")
    names = [path.name for path in write_boards(boards, tmp_path / "trial", (ending,))]
    foreign = tmp_path / "out" / names[-1]
    foreign.parent.mkdir()
    foreign.write_text("mine\n")
    with pytest.raises(AvbenchError, match="is not a leaderboard and would be lost"):
        write_boards(boards, tmp_path / "out", (ending,))
    assert [p.name for p in foreign.parent.iterdir()] == [foreign.name]
    assert foreign.read_text() == "mine\n"


def test_a_list_of_somebody_elses_files_removes_none(tmp_path: Path) -> None:
    make_record(tmp_path / "results")
    out, outside = tmp_path / "out", tmp_path / "README.md"
    out.mkdir()
    outside.write_text(f"{MARKER}\n")
    (out / "mine.md").write_text("mine\n")
    (out / LISTING).write_bytes(b"../README.md\nmine.md\n\xff\nabsent.md\n/etc/hosts.md\n")
    write_boards(read_boards(tmp_path / "results"), out)
    assert outside.exists()
    assert (out / "mine.md").read_text() == "mine\n"


def test_the_readme_names_the_page_and_the_figures(tmp_path: Path) -> None:
    make_record(tmp_path / "results")
    written = write_boards(read_boards(tmp_path / "results"), tmp_path / "out", FORMATS)
    readme = (tmp_path / "out" / "README.md").read_text()
    for path in written:
        assert path.name in ("README.md", "feature-sets.md") or f"({path.name})" in readme
