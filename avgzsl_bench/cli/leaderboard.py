"""`avbench leaderboard`: records to tables, or what the literature reports."""

from __future__ import annotations

from pathlib import Path

import click

from avgzsl_bench.cli.paths import UserPath
from avgzsl_bench.report.formats import DEFAULT_FORMATS, FORMATS, formats_help


def _formats(context: click.Context, parameter: click.Parameter, value: str | None) -> tuple[str, ...] | None:
    """Parse formats with commas between them: in the order given, each once."""
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
    type=UserPath(path_type=Path),
    help="Folder with records, searched to any depth. [default: results]",
)
@click.option(
    "--out",
    type=UserPath(path_type=Path),
    help="Folder for README.md and the files of each table; what an earlier run wrote there and this one does "
    "not goes. With --reported, for literature.md and literature.csv. [default: leaderboards; with --reported, "
    "none]",
)
@click.option(
    "--format",
    "formats",
    callback=_formats,
    metavar="FORMAT,...",
    help=f"{formats_help()}. [default: {','.join(DEFAULT_FORMATS)}]",
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
    from avgzsl_bench.cli.console import plain_console
    from avgzsl_bench.cli.show import list_files, show_heading, show_table
    from avgzsl_bench.report.boards.board import read_boards
    from avgzsl_bench.report.folder import write_boards
    from avgzsl_bench.report.tables.board import board_document

    boards = read_boards(results)
    written = write_boards(boards, out, formats or DEFAULT_FORMATS)
    console = plain_console()
    for document in map(board_document, boards):
        show_heading(console, document.heading, document.warning)
        for table in document.terminal:
            show_table(console, table)
    list_files(written)


def _show_literature(out: Path | None) -> None:
    from avgzsl_bench.cli.console import plain_console
    from avgzsl_bench.cli.show import list_files, show_heading, show_notes, show_table
    from avgzsl_bench.report.folder import write_documents
    from avgzsl_bench.report.reported.literature import read_literature
    from avgzsl_bench.report.tables.literature import literature_document
    from avgzsl_bench.report.tables.notes import TEXTS

    document = literature_document(read_literature())
    written = [] if out is None else write_documents([document], out, ("md", "csv"), "literature table")
    console = plain_console()
    console.print(f"{TEXTS['literature']['introduction']} {TEXTS['literature']['star']}\n")
    for table in document.terminal:
        show_heading(console, table.title)
        show_table(console, table)
        if table.notes:
            console.print()
    show_heading(console, document.notes_title)
    show_notes(console, document.notes)
    list_files(written)
