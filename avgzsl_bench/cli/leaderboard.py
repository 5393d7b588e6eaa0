"""`avbench leaderboard`: records to tables."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.table import Table

    from avgzsl_bench.leaderboard.board import Board, Line


@click.command(short_help="Make tables of all records, beside what papers reported.")
@click.option(
    "--results",
    type=click.Path(path_type=Path),
    default=Path("results"),
    show_default=True,
    help="Folder with records, searched to any depth.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("leaderboards"),
    show_default=True,
    help="Folder for README.md and one .md and .csv a table; tables of earlier runs that no longer apply go.",
)
def leaderboard(results: Path, out: Path) -> None:
    """Rank all records: means over seeds, beside what papers reported."""
    from avgzsl_bench.cli.console import plain_console, print_table
    from avgzsl_bench.leaderboard.board import read_boards
    from avgzsl_bench.leaderboard.render import SIMULATED_WARNING
    from avgzsl_bench.leaderboard.write import write_boards

    boards = read_boards(results)
    written = write_boards(boards, out)
    console = plain_console()
    for board in boards:
        console.print(board.heading, style="bold", soft_wrap=True)
        if board.key.simulated:
            console.print(SIMULATED_WARNING, style="yellow")
        print_table(console, _table(board))
    for path in written:
        click.echo(f"wrote {path}")


def _table(board: Board) -> Table:
    """Few enough columns for 80 characters; the rest is in the files."""
    from rich.text import Text

    from avgzsl_bench.cli.console import plain_table

    figures = ("Seeds", "S", "U", "HM", "ZSL")
    columns = ("Method, settings changed", *figures, "Reported HM")
    table = plain_table(*columns, right=figures, fold=(columns[0], columns[-1]))
    for line in board.lines:
        table.add_row(*(Text(cell) for cell in _cells(line)))
    return table


def _cells(line: Line) -> list[str]:
    from avgzsl_bench.leaderboard.render import percent

    spread = line.row.spread
    seen, unseen, zsl = (f"{100 * spread[figure].mean:.2f}" for figure in ("seen", "unseen", "zsl"))
    method = f"{line.label}\n{line.settings}" if line.settings else line.label
    reported = "\n".join(f"{r.hm:.2f} on\n{r.features}, {r.split}" for r in line.reported)
    return [method, str(len(line.row.seeds)), seen, unseen, percent(spread["hm"]), zsl, reported]
