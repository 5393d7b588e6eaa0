"""`avbench compare`: which of some methods is better, and in which classes."""

from __future__ import annotations

from pathlib import Path

import click

from avgzsl_bench.cli.paths import UserPath


@click.command(short_help="Test which of some methods is better, and show in which classes.")
@click.argument("methods", nargs=-1, required=True, metavar="METHOD...")
@click.option(
    "--results",
    type=UserPath(path_type=Path),
    default=Path("results"),
    show_default=True,
    help="Folder with records, searched to any depth.",
)
@click.option("--dataset", help="Only records of this dataset.")
@click.option("--features", help="Only records of this feature set.")
@click.option("--split", help="Only records of this class split.")
@click.option("--calibration", help="Only records of this calibration, e.g. exact.")
@click.option("--text-order", help="Only records of this text order, e.g. by-name.")
@click.option("--figure", default="hm", show_default=True, help="What is tested: hm, seen, unseen or zsl.")
@click.option(
    "--classes",
    type=click.IntRange(0),
    default=5,
    show_default=True,
    metavar="N",
    help="Show the N classes in which the first method gains most, and those in which it loses most.",
)
@click.option(
    "--latex", type=UserPath(path_type=Path), metavar="FILE", help="Write the tables for a paper to this file."
)
def compare(
    methods: tuple[str, ...], results: Path, figure: str, classes: int, latex: Path | None, **only: str | None
) -> None:
    """Compare methods that were tested on the same videos, from their records.

    Every pair is tested, over test videos and seeds; p values are corrected for the number of pairs by Holm's
    procedure. One METHOD alone compares its configurations; beside others it stands with its defaults.
    """
    from avgzsl_bench.cli.console import plain_console
    from avgzsl_bench.cli.show import list_files, show_document
    from avgzsl_bench.report.boards.board import read_boards
    from avgzsl_bench.report.boards.comparison import compare_methods
    from avgzsl_bench.report.folder import write_latex
    from avgzsl_bench.report.tables.comparison import comparison_document

    comparison = compare_methods(read_boards(results), methods, figure.casefold(), **only)
    document = comparison_document(comparison, classes)
    if latex is not None:
        write_latex(document, latex)
    show_document(plain_console(), document)
    list_files([latex] if latex else [])
