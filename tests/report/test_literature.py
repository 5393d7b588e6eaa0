from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from read_table import texts, values

import avgzsl_bench as ab
from avgzsl_bench.cli import main
from avgzsl_bench.errors import PluginError
from avgzsl_bench.plugins import manager as plugins
from avgzsl_bench.report.reported import figures
from avgzsl_bench.report.reported.figures import Paper, ReportedFigure
from avgzsl_bench.report.reported.figures import reported_specs as registered_specs
from avgzsl_bench.report.reported.literature import Best, LiteratureTable, literature_tables, read_literature
from avgzsl_bench.report.tables.literature import literature_document, origin

if TYPE_CHECKING:
    from pathlib import Path

Tables = dict[tuple[str, str], LiteratureTable]


@pytest.fixture
def tables() -> Tables:
    return {(table.features, table.split): table for table in read_literature()}


def figure(method: str, hm: float, **changes: Any) -> ReportedFigure:
    row = {"method": method, "source": "S", "citation": "C", "kind": "paper_table", "features": "f"}
    return ReportedFigure.model_validate(row | {"split": "cls", "dataset": "ucf", "hm": hm} | changes)


def one_table(*figures: ReportedFigure, **papers: Paper | None) -> LiteratureTable:
    known: dict[str, Paper | None] = {f.method: Paper(year=2020) for f in figures}
    (table,) = literature_tables(figures, known | papers)
    return table


def test_tables_show_every_primary_figure_and_no_other(tables: Tables) -> None:
    shown = [f for table in tables.values() for f in table.shown]
    assert len(shown) == 108
    assert {id(f) for f in shown} == {id(f) for f in figures.all_reported() if f.primary}
    rows = {key: len(table.rows) for key, table in tables.items()}
    assert rows == {("c3d_vggish", "cls"): 13, ("clip_clap", "cls"): 7, ("selavi", "main"): 16}


BEST = {
    ("selavi", "main", "vggsound"): ((8.64, "SGPAN"), None),
    ("selavi", "main", "ucf"): ((34.27, "STEN"), None),
    ("selavi", "main", "activitynet"): ((13.89, "ACFS"), (13.21, "MSTR")),
    ("c3d_vggish", "cls", "vggsound"): ((10.08, "STFT"), (8.77, "TCAF")),
    ("c3d_vggish", "cls", "ucf"): ((54.84, "KDA"), (51.14, "STFT")),
    ("c3d_vggish", "cls", "activitynet"): ((17.95, "KDA"), (12.2, "TCAF")),
    ("clip_clap", "cls", "vggsound"): ((19.17, "HSP-MoE-AVGZSL"), (18.80, "MFT")),
    ("clip_clap", "cls", "ucf"): ((67.03, "HSP-MoE-AVGZSL"), (57.12, "MFT")),
    ("clip_clap", "cls", "activitynet"): ((36.57, "HSP-MoE-AVGZSL"), (32.02, "MFT")),
}


def test_best_of_what_was_read(tables: Tables) -> None:
    def leaders(best: Best | None) -> tuple[object, ...] | None:
        return best and (best.hm, *(row.method for row in best.rows))

    found = {(*key, dataset): best for key, table in tables.items() for dataset, best in table.best.items()}
    assert {key: (leaders(best), leaders(best.undoubted)) for key, best in found.items()} == BEST
    assert all(bool(best.doubts) == (best.undoubted is not None) for best in found.values())


def test_conflicts_between_sources(tables: Tables) -> None:
    found = {
        (c.shown.method, c.shown.dataset): {n: (getattr(c.shown, n), getattr(c.other, n)) for n in c.names}
        for table in tables.values()
        for c in table.conflicts
    }
    assert found == {
        ("MSTR", "vggsound"): {"zsl": (6.83, 6.38)},
        ("ClipClap-GZSL", "vggsound"): {"unseen": (11.12, 11.09), "hm": (16.18, 16.15), "zsl": (11.53, 11.5)},
        ("ClipClap-GZSL", "activitynet"): {"unseen": (20.06, 20.08), "hm": (27.93, 27.95), "zsl": (22.76, 22.78)},
    }


def test_notes_name_conflicts_contradictions_and_what_is_best(tables: Tables) -> None:
    notes = "\n".join(note for table in literature_document([*tables.values()]).text for note in table.notes)
    for text in (
        "Conflict: MSTR, vggsound: ZSL 6.83 against 6.38 (SGPAN paper, Table 1; STEN paper, Table 1).",
        "HSP-MoE-AVGZSL README, re-run by HSP-MoE-AVGZSL (repository)).",
        "† KDA, ucf: printed HM 54.84, but printed S and U give 54.87.",
        "† KDA, activitynet: printed HM 17.95, but printed S and U give 16.10.",
        "† TSART, vggsound: printed HM 5.16, but printed S and U give 6.12.",
        "‡ TSART, vggsound: printed U 4.33 is above printed ZSL 4.03, which is impossible for the same scores.",
        "Best of what was read, vggsound: HM 10.08, STFT (MFT paper, Table 2; later paper's table); but printed U "
        "is above printed ZSL. Without such doubts: HM 8.77, TCAF",
        "AVCA, TCAF: calibration avca, text order official, stage-2 schedule official, batch-norm passes official",
        "Best of what was read, ucf: HM 67.03, HSP-MoE-AVGZSL (HSP-MoE-AVGZSL README; project's list; not "
        "peer-reviewed); but not peer-reviewed. Without such doubts: HM 57.12, MFT (MFT paper, Table 2",
        "AVFS (vggsound): the same four numbers",
        "STEN: the published evaluation script scores all 50 epochs of stage 2 on the",
        "MSTR (ucf): S of 86.32 beside AVCA's 51.53 is unexplained",
        "HSP-MoE-AVGZSL: one run, seed 42; undated",
    ):
        assert text in notes
    assert (notes.count("†"), notes.count("‡")) == (3, 3)


def test_rows_say_who_ran_a_method_and_what_was_not_reviewed(tables: Tables) -> None:
    rows = [row for table in tables.values() for row in table.rows]
    for row in rows:
        assert len({(f.source, f.kind, f.rerun_by) for f in row.cells.values()}) == 1
        assert ("re-run by" in origin(row)) == (row.first.rerun_by is not None)
    assert {row.method for row in rows if "not peer-reviewed" in origin(row)} == {"KDA", "HSP-MoE-AVGZSL"}
    assert {row.method for row in rows if "third party's copy" in origin(row)} >= {"SGPAN", "STEN", "ACFS"}


def test_text_has_datasets_as_groups_of_columns(tables: Tables) -> None:
    document = literature_document([tables["c3d_vggish", "cls"]])
    (table,) = document.text
    assert table.title == "c3d_vggish, cls"
    rows = [[cell.text for cell in row] for row in table.rows]
    titles = [f"{d} {f}" for d in ("activitynet", "ucf", "vggsound") for f in ("S", "U", "HM", "ZSL")]
    assert [column.title for column in table.columns] == ["Method", "Paper", *titles, "Source"]
    by_name = {row[0]: row for row in rows}
    assert by_name["KDA"][1:10] == [
        "arXiv 2023",
        "37.55",
        "10.25",
        "17.95†",
        "11.85",
        "75.88",
        "42.97",
        "54.84†",
        "52.66",
    ]
    assert by_name["ALE"][2:6] == ["–", "–", "1.55", "6.16"]
    years = [row[1].split()[-1] for row in rows]
    assert years == [*sorted(years[:-2]), "–", "–"]
    assert [cell.text for row in table.rows for cell in row if cell.place == 1] == ["17.95†", "54.84†", "10.08"]
    assert "state of the art" not in document.introduction.casefold()
    assert "no run of ours" in document.introduction
    assert any("doi.org/10.1007/978-3-031-20044-1_28" in source for source in document.notes)


def test_the_terminal_has_one_narrow_table_per_dataset(tables: Tables) -> None:
    shown = literature_document([tables["c3d_vggish", "cls"]]).terminal
    assert [table.title.split(",")[0] for table in shown] == ["activitynet", "ucf", "vggsound"]
    best = [row["HM"] for table in shown for row in texts(table) if row["HM"].endswith("*")]
    assert best == ["17.95†*", "54.84†*", "10.08*"]
    assert [bool(table.notes) for table in shown] == [False, False, True]


def test_data_hold_every_figure_read(tables: Tables) -> None:
    rows = values(literature_document([*tables.values()]).data)
    assert (len(rows), sum(bool(row["shown"]) for row in rows)) == (237, 108)
    assert sum(bool(row["best_of_what_was_read"]) for row in rows) == 9
    row = next(row for row in rows if (row["method"], row["dataset"]) == ("TSART", "vggsound"))
    assert (row["hm_percent"], row["hm_of_printed_seen_and_unseen_percent"]) == (5.16, 6.12)
    assert sum(bool(row["printed_unseen_above_zsl"]) for row in rows) == 3
    assert row["printed_unseen_above_zsl"]
    protocols = {(row["calibration"], row["bn_refresh"]) for row in rows if row["method"] == "ClipClap-GZSL"}
    assert protocols == {("clipclap", "official"), ("unknown", "unknown")}, "by its authors; quoted or re-run"
    unknown = [row[name] for row in rows if row["method"] == "ACFS" for name in ("peer_reviewed", "year", "title")]
    assert set(unknown) == {None}
    assert not any(row["hm_percent"] is None for row in rows)
    assert 2023 in {row["year"] for row in rows}


def test_rows_are_split_by_source_and_ordered_by_year() -> None:
    table = one_table(
        figure("late", 1.0),
        figure("unknown", 2.0),
        figure("early", 3.0, dataset="vggsound"),
        figure("early", 4.0),
        figure("late", 5.0, dataset="vggsound", source="T"),
        late=Paper(year=2024),
        early=Paper(year=2020),
        unknown=None,
    )
    assert [(row.method, row.first.source, list(row.cells)) for row in table.rows] == [
        ("early", "S", ["ucf", "vggsound"]),
        ("late", "S", ["ucf"]),
        ("late", "T", ["vggsound"]),
        ("unknown", "S", ["ucf"]),
    ]
    (shown,) = literature_document([table]).text
    assert [cell.text for cell in shown.rows[1]][6:10] == ["–"] * 4


def test_equal_leaders_are_both_best_and_doubts_are_told() -> None:
    table = one_table(figure("a", 5.0), figure("b", 5.0), figure("c", 4.0), b=Paper(reviewed=False))
    best = table.best["ucf"]
    assert [row.method for row in best.rows] == ["a", "b"]
    assert best.doubts == ("not peer-reviewed",)
    assert best.undoubted is not None
    assert [row.method for row in best.undoubted.rows] == ["a"]
    lonely = one_table(figure("b", 5.0), b=Paper(reviewed=False)).best["ucf"]
    assert (lonely.doubts, lonely.undoubted) == (("not peer-reviewed",), None)
    assert one_table(figure("a", 5.0)).best["ucf"].doubts == ()


def test_without_figures_there_is_nothing_to_show(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figures, "reported_specs", list)
    with pytest.raises(PluginError, match="no reported figures are registered"):
        read_literature()


class Theirs:
    """A plugin with figures of its own."""

    @ab.hookimpl
    def avbench_reported(self) -> list[ab.ReportedSpec]:
        return [ab.ReportedSpec("theirs", "figures_of_theirs:figures.json")]


def test_figures_of_a_plugin_show_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fresh_plugins: None) -> None:
    rows = [
        {"method": "Theirs", "source": "their paper", "kind": "paper_table", "split": "cls", "dataset": "ucf"}
        | {"features": features, "hm": 71.5, "seen": 80.0, "notes": ["why"]}
        for features in ("clip_clap", "their_features")
    ]
    content = {"sources": {"their paper": {"citation": "Their title, 2027"}}, "notes": {"why": "we say so"}}
    content |= {"papers": {"Theirs": {"venue": "V", "year": 2027}}, "figures": rows}
    package = tmp_path / "figures_of_theirs"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "figures.json").write_text(json.dumps(content))
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "figures_of_theirs", raising=False)
    monkeypatch.setattr(figures, "reported_specs", registered_specs)
    plugins.load_plugins().manager.register(Theirs(), name="theirs")

    out = tmp_path / "out"
    result = CliRunner().invoke(main, ["leaderboard", "--reported", "--out", str(out)])
    assert result.exit_code == 0, result.output
    text = (out / "literature.md").read_text()
    assert "## their_features, cls" in text
    assert "**71.50**" in text
    for piece in ("their paper: Their title, 2027", "Theirs (ucf): we say so.", "was read, ucf: HM 71.50"):
        assert piece in text
        assert piece in " ".join(result.output.split())


def test_the_command_prints_and_writes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    result = CliRunner().invoke(main, ["leaderboard", "--reported"])
    assert result.exit_code == 0, result.output
    assert list(tmp_path.iterdir()) == []
    assert max(map(len, result.output.splitlines())) <= 80
    assert "…" not in result.output
    for text in ("ucf, clip_clap, cls", "67.03*", "17.95†*", "HSP-MoE-AVGZSL", "no run of ours"):
        assert text in result.output


def test_results_are_not_taken_and_left_out_silently(tmp_path: Path) -> None:
    options = ["--results", str(tmp_path), "--out", str(tmp_path / "out")]
    result = CliRunner().invoke(main, ["leaderboard", "--reported", *options])
    assert result.exit_code == 2
    assert "leave out --results" in result.output
    assert not (tmp_path / "out").exists()
