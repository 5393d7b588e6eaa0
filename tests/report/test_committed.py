"""The committed boards are what their records give, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from avgzsl_bench.report.boards.board import read_boards
from avgzsl_bench.report.folder import write_boards

COMMITTED = sorted((Path(__file__).resolve().parents[2] / "leaderboards").glob("*/README.md"))


@pytest.mark.parametrize("readme", COMMITTED, ids=lambda path: path.parent.name)
def test_boards_are_rebuilt_byte_for_byte(readme: Path, tmp_path: Path) -> None:
    write_boards(read_boards(readme.parent / "results"), tmp_path)
    rebuilt = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert rebuilt == {path.name: path.read_bytes() for path in readme.parent.iterdir() if path.is_file()}


def test_there_are_committed_boards() -> None:
    assert COMMITTED
