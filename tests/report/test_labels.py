"""Labels and settings that distinguish the rows of a board, and their seconds of training."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from make_record import make_board, make_record

from avgzsl_bench.records.record import Record
from avgzsl_bench.report.boards.board import read_boards
from avgzsl_bench.report.boards.provenance import training_seconds

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("facts", "settings"),
    [
        ({}, ""),
        ({"changed": {"tokens": "va", "layers": 2}}, "layers=2, tokens=va"),
        ({"changed": {"epochs": 5}, "trained": 3}, "epochs=5, stopped after 3 of 5 epochs"),
        ({"changed": {"batch": 7}, "preset": "official"}, "preset official"),
        ({"precision": "bf16"}, "precision bf16"),
        ({"changed": {"text": "a\nb"}}, "text=a b"),
    ],
)
def test_settings_are_the_differences_from_the_defaults(
    tmp_path: Path, facts: dict[str, Any], settings: str
) -> None:
    (row,) = make_board(tmp_path, facts).rows
    assert (row.label, row.settings) == ("MFT (reconstruction)", settings)
    assert row.name == (f"MFT (reconstruction) ({settings})" if settings else "MFT (reconstruction)")


def test_versions_show_where_there_are_two(tmp_path: Path) -> None:
    kda = {"method": "kda", "title": "KDA", "follows": "paper", "version": "0.2.0", "skill": 0.5}
    board = make_board(tmp_path, {"version": "0.1.0"}, {"version": "0.2.0", "skill": 2.0}, kda)
    assert sorted(row.label for row in board.rows) == [
        "KDA",
        "MFT (reconstruction, avgzsl-bench 0.1.0)",
        "MFT (reconstruction, avgzsl-bench 0.2.0)",
    ]


def test_defaults_that_differ_are_shown(tmp_path: Path) -> None:
    board = make_board(tmp_path, {"config": {"layers": 1}}, {"config": {"layers": 2}, "skill": 2.0})
    assert {row.settings for row in board.rows} == {"layers=1", "layers=2"}


def test_boards_of_other_data_have_a_digest_in_their_names(tmp_path: Path) -> None:
    for fingerprint in ("1" * 64, "2" * 64):
        make_record(tmp_path, fingerprint=fingerprint)
    boards = read_boards(tmp_path)
    assert [board.name for board in boards] == ["ucf-clip_clap-cls-1883df68d29e", "ucf-clip_clap-cls-f95956799925"]
    assert boards[0].heading.endswith(
        "(calibration exact, text order by-name, data 222222222222, split aaaaaaaaaaaa)"
    )


def test_shares_of_seeds_that_trained_together_are_no_training_times() -> None:
    def row(*timings: dict[str, float]) -> Any:
        records = [Record.model_construct(timing=timing) for timing in timings]
        return SimpleNamespace(runs=[SimpleNamespace(record=record) for record in records])

    alone = {"selection_seconds": 2.0, "final_seconds": 1.0}
    share = {"selection_seconds": 0.2, "final_seconds": 0.1, "seeds_together": 16}
    assert training_seconds(row(alone, alone)) == pytest.approx(3)
    assert training_seconds(row(alone, share)) == pytest.approx(3)
    assert training_seconds(row(share, share)) is None
