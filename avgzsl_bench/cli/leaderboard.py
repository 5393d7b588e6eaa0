"""`avbench leaderboard`: records to tables, or what the literature reports."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.table import Table

    from avgzsl_bench.report.reported.literature import LiteratureTable
    from avgzsl_bench.report.tables.board import Board, Line


def _formats(context: click.Context, parameter: click.Parameter, value: str | None) -> tuple[str, ...] | None:
    """Formats with commas between them: in the order given, each once."""
    from avgzsl_bench.report.folder import FORMATS

    if value is None:
        return None
    names = tuple(dict.fromkeys(name.strip().lower() for name in value.split(",") if name.strip()))
    known = f"(known: {', '.join(FORMATS)})"
    unknown = [name for name in names if name not in FORMATS]
    if unknown:
        raise click.BadParameter(f"unknown format {unknown[0]!r} {known}", context, parameter)
    if not names:
        raise click.BadParameter(f"names no format {known}", context, parameter)
    return names


@click.command(short_help="Make tables of all records, beside what papers reported.")
@click.option(
    "--results",
    type=click.Path(path_type=Path),
    help="Folder with records, searched to any depth. [default: results]",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Folder for README.md and the files of each table; what an earlier run wrote there and this one does "
    "not goes. With --reported, for literature.md and literature.csv. [default: leaderboards; with --reported, "
    "none]",
)
@click.option(
    "--format",
    "formats",
    callback=_formats,
    metavar="FORMAT,...",
    help="md, csv, tex (a file a table each), html (one page, index.html), svg, pdf (figures of each table). "
    "[default: md,csv]",
)
@click.option(
    "--reported",
    is_flag=True,
    help="Show what papers and projects report, by feature set and split, without any run.",
)
def leaderboard(results: Path | None, out: Path | None, formats: tuple[str, ...] | None, reported: bool) -> None:
    """Rank all records: means over seeds, how certain they are, and what papers reported."""
    if reported and results is not None:
        raise click.UsageError("--reported shows no run; leave out --results")
    if reported and formats is not None:
        raise click.UsageError("--reported writes Markdown and CSV; leave out --format")
    if reported:
        _show_literature(out)
    else:
        _make_boards(results or Path("results"), out or Path("leaderboards"), formats)


def _make_boards(results: Path, out: Path, formats: tuple[str, ...] | None) -> None:
    from avgzsl_bench.cli.console import plain_console, print_table
    from avgzsl_bench.report.folder import DEFAULT_FORMATS, write_boards
    from avgzsl_bench.report.formats.board_markdown import SIMULATED_WARNING
    from avgzsl_bench.report.tables.board import read_boards

    boards = read_boards(results)
    written = write_boards(boards, out, formats or DEFAULT_FORMATS)
    console = plain_console()
    for board in boards:
        console.print(board.heading, style="bold", soft_wrap=True)
        if board.key.simulated:
            console.print(SIMULATED_WARNING, style="yellow")
        print_table(console, _table(board))
    _name(written)


def _show_literature(out: Path | None) -> None:
    from avgzsl_bench.cli.console import plain_console, print_table
    from avgzsl_bench.report.formats.literature_text import write_literature
    from avgzsl_bench.report.reported.literature import read_literature
    from avgzsl_bench.report.tables.literature_notes import INTRODUCTION, sources_of, table_notes

    tables = read_literature()
    written = [] if out is None else write_literature(tables, out)
    console = plain_console()
    console.print(f"{INTRODUCTION} *: the best of what was read; what was not read may be higher.\n")
    for table in tables:
        for dataset in table.datasets:
            console.print(f"{dataset}, {table.features}, {table.split}", style="bold", soft_wrap=True)
            print_table(console, _reported_table(table, dataset))
        for note in table_notes(table):
            console.print(f"- {note}")
        console.print()
    console.print("Sources", style="bold")
    for source in sources_of(tables):
        console.print(f"- {source}")
    _name(written)


def _name(written: list[Path]) -> None:
    for path in written:
        click.echo(f"wrote {path}")


def _table(board: Board) -> Table:
    """Few enough columns for 80 characters; the rest is in the files."""
    from rich.text import Text

    from avgzsl_bench.cli.console import plain_table
    from avgzsl_bench.report.formats.board_markdown import NONE, rank
    from avgzsl_bench.report.reported.beside import like_reported
    from avgzsl_bench.report.tables.notes import tied_lines

    reported, tied = like_reported(board), tied_lines(board)
    figures = ("Seeds", "S", "U", "HM", "ZSL", "Rank")
    columns = ("Method, settings changed", *figures, *(("Reported\nHM",) if reported else ()))
    table = plain_table(*columns, right=figures, fold=(columns[0],))
    for position, line in enumerate(board.lines):
        cells = [*_cells(line), rank(line.row, tied).replace(", ", "\n")]
        if reported:
            cells.append(reported[position].cell("hm").replace(" ", "\n") if position in reported else NONE)
        table.add_row(*(Text(cell) for cell in cells))
    return table


def _cells(line: Line) -> list[str]:
    from avgzsl_bench.report.formats.board_markdown import percent

    spread = line.row.spread
    seen, unseen, zsl = (f"{100 * spread[figure].mean:.2f}" for figure in ("seen", "unseen", "zsl"))
    method = f"{line.label}\n{line.settings}" if line.settings else line.label
    return [method, str(len(line.row.seeds)), seen, unseen, percent(spread["hm"]).replace(" ± ", "\n± "), zsl]


def _reported_table(table: LiteratureTable, dataset: str) -> Table:
    """One dataset of a literature table: narrow enough for 80 characters, for all datasets are not."""
    from rich.text import Text

    from avgzsl_bench.cli.console import plain_table
    from avgzsl_bench.report.tables.board import one_line
    from avgzsl_bench.report.tables.literature_notes import TITLES, origin, printed

    columns = tuple(TITLES.values())
    shown = plain_table("Method", *columns, "Source", right=columns, fold=("Method", "Source"))
    best = table.best[dataset].rows
    for row in table.rows:
        if dataset in row.cells:
            figures = {name: printed(row.cells[dataset], name) for name in TITLES}
            figures["hm"] += "*" if row in best else ""
            shown.add_row(*(Text(cell) for cell in (one_line(row.method), *figures.values(), origin(row))))
    return shown
