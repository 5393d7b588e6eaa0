"""Leaderboards: pure functions of records and of the figures that papers reported.

    records -> collect -> statistics -> board -> render -> write

`collect` reads, checks and groups the records, `statistics` aggregates seeds, `board` labels and orders the
rows and puts reported figures beside them, `render` makes Markdown and CSV, `write` keeps a folder of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def write_leaderboard(results: Path, out: Path) -> list[Path]:
    """Make the leaderboards of all records below `results` and write them to `out`.

    Returns:
        The files written: `README.md` with every table, then a `.md` and a `.csv` for each.

    Raises:
        RecordError: no records, a file that is none, one that was altered, or two that contradict each other.
        AvbenchError: `out` cannot be written to.
    """
    from avgzsl_bench.leaderboard.board import read_boards
    from avgzsl_bench.leaderboard.write import write_boards

    return write_boards(read_boards(results), out)
