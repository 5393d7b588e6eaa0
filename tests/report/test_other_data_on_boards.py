"""Data that differs from the standard has boards of its own, and is not compared with published figures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from make_record import make_record

from avgzsl_bench.cli import main
from avgzsl_bench.data.datasets.standard import PartitionDifference
from avgzsl_bench.report.boards.board import read_boards
from avgzsl_bench.report.tables.board import board_document

FEW = {
    "stage2_test_seen": PartitionDifference(present=126, standard=555),
    "stage2_test_unseen": PartitionDifference(present=51, standard=845),
}
CLIPCLAP: dict[str, Any] = {"method": "clipclap", "title": "ClipClap-GZSL", "follows": "published code"}
VIDEOS = "other videos than the standard: 177 of 1,400 test videos"


def boards_of(folder: Path, *kinds: dict[str, Any]) -> dict[str, Any]:
    for number, kind in enumerate(kinds):
        for seed in range(3):
            make_record(folder, seed=seed, **CLIPCLAP, fingerprint=str(number) * 64, **kind)
    return {board.name: board for board in read_boards(folder)}


@pytest.mark.parametrize(
    ("kind", "name", "reason"),
    [
        ({"differences": FEW}, "ucf-clip_clap-cls-other-videos", VIDEOS),
        ({"origin": "added"}, "ucf-clip_clap-cls-added", "vectors added by hand"),
        (
            {"differences": FEW, "origin": "added"},
            "ucf-clip_clap-cls-other-videos-added",
            f"{VIDEOS}; vectors added by hand",
        ),
        ({"differences": None}, "ucf-clip_clap-cls-other-videos", "other videos than the standard: 48 of 1,400"),
    ],
)
def test_other_data_has_a_board_of_its_own_without_verdicts(
    tmp_path: Path, kind: dict[str, Any], name: str, reason: str
) -> None:
    boards = boards_of(tmp_path, {"origin": "imported", "layout": "clipclap"}, kind)
    assert set(boards) == {"ucf-clip_clap-cls", name}
    other = boards[name]
    for part in reason.split("; "):
        assert part in other.heading
    (row,) = other.rows
    assert row.comparable_reported is None
    for match in row.reported:
        assert {verdict.word for verdict in match.verdicts.values()} == {"not comparable"}
        assert reason in match.remark
    document = board_document(other)
    assert "reported" not in {column.key for column in document.text[0].columns}
    (reported,) = [table for table in document.text if table.title == "Reported"]
    assert "not comparable with the figures of this table" in reported.notes[0]
    assert reason.partition(";")[0] in document.paper[0].caption


def test_the_standard_data_beside_it_is_compared(tmp_path: Path) -> None:
    boards = boards_of(tmp_path, {"origin": "imported", "layout": "clipclap"}, {"differences": FEW})
    standard = boards["ucf-clip_clap-cls"]
    assert "standard" not in standard.heading
    assert standard.facts.obstacles == []
    assert standard.rows[0].reported[0].figure.features == "clip_clap"
    notes = " ".join(board_document(standard).text[0].notes)
    assert "vectors: imported (clipclap)." in notes
    assert "not the standard ones" not in notes


def test_notes_and_provenance_name_videos_and_origin(tmp_path: Path) -> None:
    boards = boards_of(tmp_path, {"differences": FEW, "origin": "added"})
    (board,) = boards.values()
    notes = " ".join(board_document(board).text[0].notes)
    assert "vectors: added by hand." in notes
    assert "stage2_test_seen 126 of 555, stage2_test_unseen 51 of 845" in notes
    (provenance,) = board.provenance
    assert provenance["origin"] == "added by hand"
    assert provenance["other_videos"] == "stage2_test_seen 126 of 555, stage2_test_unseen 51 of 845"


def test_vectors_added_by_hand_have_no_card_of_ours(tmp_path: Path) -> None:
    boards = boards_of(tmp_path, {}, {"origin": "added"})
    assert board_document(boards["ucf-clip_clap-cls"]).facts is not None
    added = board_document(boards["ucf-clip_clap-cls-added"])
    assert (added.facts, added.link) == (None, None)


def test_a_board_of_simulated_features_is_called_as_ever(tmp_path: Path) -> None:
    kind = {"features": "simulated", "simulated": True, "origin": "simulated"}
    (board,) = boards_of(tmp_path, kind).values()
    assert board.name == "ucf-simulated-cls"
    assert board.heading == "SIMULATED: ucf, simulated, cls (calibration exact, text order by-name)"


def test_an_ablation_of_other_videos_has_no_verdict(tmp_path: Path) -> None:
    from avgzsl_bench.method.registry import method_class, method_spec
    from avgzsl_bench.method.settings import build_config

    spec = method_spec("mft")
    config = build_config(spec, method_class(spec).Config, "ucf", "c3d_vggish", {}).model_dump(mode="json")
    kind: dict[str, Any] = {"features": "c3d_vggish", "differences": FEW, "config": config}
    for seed in range(2):
        make_record(tmp_path / "results", seed=seed, **kind)
    where = ["--method", "mft", "--dataset", "ucf", "--no-run", "--results", tmp_path / "results"]
    result = CliRunner().invoke(main, ["ablate", *map(str, where), "--out", str(tmp_path / "tables")])
    assert result.exit_code == 0, result.output
    (page,) = (tmp_path / "tables").glob("*.md")
    assert page.stem == "mft-ucf-c3d_vggish-cls-other-videos"
    text = page.read_text()
    assert VIDEOS in text
    assert f"not comparable with the measured figures ({VIDEOS})" in text
    for word in ("(inside)", "(above)", "(below)"):
        assert word not in text
