"""Folders of boards, ablations and literature, and single LaTeX files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from make_record import make_board, make_record

from avgzsl_bench.errors import AvbenchError
from avgzsl_bench.execution.ablation import ablation_of
from avgzsl_bench.method.registry import method_spec
from avgzsl_bench.records.collect import collect
from avgzsl_bench.report.boards.ablation import AblationRequest, ablation_boards
from avgzsl_bench.report.boards.board import read_boards
from avgzsl_bench.report.folder import LISTING, write_boards, write_documents, write_latex
from avgzsl_bench.report.formats import FORMATS
from avgzsl_bench.report.reported.literature import read_literature
from avgzsl_bench.report.tables.ablation import ablation_documents
from avgzsl_bench.report.tables.board import board_document
from avgzsl_bench.report.tables.document import MARKER
from avgzsl_bench.report.tables.literature import literature_document

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from pathlib import Path


REQUEST = AblationRequest(method_spec("mft"), ablation_of("mft"), "ucf", "auto", "cls", {})


def write(results: Path, out: Path, formats: Collection[str] = ("md", "csv")) -> list[Path]:
    return write_boards(read_boards(results), out, formats)


def write_literature(out: Path) -> list[Path]:
    return write_documents([literature_document(read_literature())], out, ("md", "csv"), "literature table")


def write_ablations(results: Path, out: Path) -> list[Path]:
    documents = ablation_documents(ablation_boards(REQUEST, collect(results)))
    return write_documents(documents, out, ("md", "csv", "tex"), "ablation")


def contents(paths: Iterable[Path]) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in paths}


def test_every_format_is_the_same_when_written_twice(tmp_path: Path) -> None:
    results = tmp_path / "results"
    for seed in range(2):
        make_record(results, seed=seed)
        make_record(results, seed=seed, method="b", title="B", follows="paper")
    first, second = (contents(write(results, tmp_path / out, FORMATS)) for out in ("a", "b"))
    assert first == second
    assert {name.rsplit(".", 1)[1] for name in first} == set(FORMATS)
    assert str(tmp_path).encode() not in b"".join(first.values())
    readme = first["README.md"].decode()
    for name in first.keys() - {"README.md", "feature-sets.md"}:
        assert f"({name})" in readme
    for name in ("html", "svg", "pdf"):  # by itself, each writes the same files
        assert contents(write(results, tmp_path / name, (name,))).items() <= first.items()


def test_the_readme_has_all_boards_simulated_ones_last(tmp_path: Path) -> None:
    make_record(tmp_path / "results", features="simulated", simulated=True)
    for dataset in ("vggsound", "ucf"):
        make_record(tmp_path / "results", dataset=dataset)
    readme, *_ = write(tmp_path / "results", tmp_path / "out")
    text = readme.read_text()
    assert text.startswith(MARKER)
    places = [text.index(h) for h in ("## ucf, clip_clap", "## vggsound, clip_clap", "## SIMULATED: ucf")]
    assert places == sorted(places)
    assert "(index.html)" not in text


def test_outdated_files_go_and_nothing_else(tmp_path: Path) -> None:
    results, out = tmp_path / "results", tmp_path / "out"
    outdated = make_record(results, calibration="avca")
    before = write(results, out, FORMATS)
    mine = [out / f"{name}.{ending}" for name in ("mine", "ucf-mine") for ending in FORMATS]
    for path in mine:
        path.write_text("avbench leaderboard\n")
    copy = out / "table-of-my-paper.csv"
    copy.write_bytes((out / "ucf-clip_clap-cls-avca.csv").read_bytes())
    outdated.unlink()
    make_record(results)
    written = write(results, out)
    assert set(out.iterdir()) == {*written, *mine, copy, out / LISTING}
    assert len(before) > len(written)
    assert [path.name for path in write(results, out, ("html",))] == ["index.html"]
    assert set(out.iterdir()) == {out / "index.html", *mine, copy, out / LISTING}


@pytest.mark.parametrize("ending", FORMATS)
def test_foreign_files_of_every_format_are_kept(tmp_path: Path, ending: str) -> None:
    results = tmp_path / "results"
    make_record(results)
    of_kind = {"tables": f"ucf-clip_clap-cls.{ending}", "plots": f"ucf-clip_clap-cls-time.{ending}"}
    foreign = tmp_path / "out" / of_kind.get(FORMATS[ending].kind, "index.html")
    foreign.parent.mkdir()
    foreign.write_text("mine\n")
    with pytest.raises(AvbenchError, match="is not a leaderboard and would be lost"):
        write(results, foreign.parent, (ending,))
    assert contents(foreign.parent.iterdir()) == {foreign.name: b"mine\n"}


def test_a_list_of_somebody_elses_files_removes_none(tmp_path: Path) -> None:
    make_record(tmp_path / "results")
    out, outside = tmp_path / "out", tmp_path / "README.md"
    out.mkdir()
    outside.write_text(f"{MARKER}\n")
    (out / "mine.md").write_text("mine\n")
    (out / LISTING).write_bytes(b"../README.md\nmine.md\n\xff\nabsent.md\n/etc/hosts.md\n")
    write(tmp_path / "results", out)
    assert outside.exists()
    assert (out / "mine.md").read_text() == "mine\n"


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    make_record(tmp_path / "results")
    (tmp_path / "out").write_text("a file")
    with pytest.raises(AvbenchError, match="cannot write"):
        write(tmp_path / "results", tmp_path / "out")


def test_literature_is_the_same_when_written_twice_and_boards_leave_it_alone(tmp_path: Path) -> None:
    results, out = tmp_path / "results", tmp_path / "out"
    first = contents(write_literature(out))
    marker = "<!-- Generated by `avbench leaderboard --reported`; do not edit. -->"
    assert first["literature.md"].decode().startswith(f"{marker}\n\n# Reported figures\n")
    make_record(results)
    write(results, out)
    assert contents(write_literature(out)) == first
    write(results, out)
    assert contents(out / name for name in first) == first


def test_ablations_are_the_same_wherever_their_records_lie(tmp_path: Path) -> None:
    configs = {v.label: REQUEST.config_of(v, "clip_clap") for v in REQUEST.ablation.variants}
    written = {}
    for folder, labels in (("a", ["w/o att", "MFT"]), ("b", ["MFT", "w/o att"])):
        for number, label in enumerate(labels):
            for seed in range(2):
                make_record(tmp_path / folder / str(number), config=configs[label], seed=seed)
        written[folder] = contents(write_ablations(tmp_path / folder, tmp_path / f"out_{folder}"))
    assert written["a"] == written["b"]
    assert list(written["a"]) == [f"mft-ucf-clip_clap-cls.{ending}" for ending in ("md", "csv", "tex")]
    assert written["a"]["mft-ucf-clip_clap-cls.md"].startswith(b"<!-- Generated by `avbench ablate`")


@pytest.mark.parametrize("name", ["literature.md", "literature.csv", "mft-ucf-clip_clap-cls.csv"])
def test_files_of_others_are_not_replaced_by_literature_and_ablations(tmp_path: Path, name: str) -> None:
    def call(out: Path) -> list[Path]:
        if name.startswith("literature"):
            return write_literature(out)
        make_record(tmp_path / "results", config=REQUEST.config_of(REQUEST.ablation.variants[0], "clip_clap"))
        return write_ablations(tmp_path / "results", out)

    out = tmp_path / "out"
    out.mkdir()
    (out / name).write_text("mine\n")
    with pytest.raises(AvbenchError, match=f"{name} is no .* and would be lost"):
        call(out)
    assert contents(out.iterdir()) == {name: b"mine\n"}
    (out / name).unlink()
    assert contents(call(out)) == contents(call(out))


def test_only_a_latex_file_of_ours_is_replaced(tmp_path: Path) -> None:
    document, path = board_document(make_board(tmp_path / "results")), tmp_path / "new" / "table.tex"
    for _ in range(2):
        write_latex(document, path)
    assert r"\begin{table}" in path.read_text()
    path.write_text("my paper")
    for foreign, reason in ((path, "was not made by avbench and would be lost"), (tmp_path, "not a file")):
        with pytest.raises(AvbenchError, match=reason):
            write_latex(document, foreign)
    assert path.read_text() == "my paper"
