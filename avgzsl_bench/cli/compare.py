"""`avbench compare`: which of some methods is better, and in which classes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console
    from rich.table import Table

    from avgzsl_bench.report.tables.board import Line
    from avgzsl_bench.report.tables.compared import ClassGain, Compared


@click.command(short_help="Test which of some methods is better, and show in which classes.")
@click.argument("methods", nargs=-1, required=True, metavar="METHOD...")
@click.option(
    "--results",
    type=click.Path(path_type=Path),
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
    "--latex", type=click.Path(path_type=Path), metavar="FILE", help="Write the tables for a paper to this file."
)
def compare(
    methods: tuple[str, ...],
    results: Path,
    dataset: str | None,
    features: str | None,
    split: str | None,
    calibration: str | None,
    text_order: str | None,
    figure: str,
    classes: int,
    latex: Path | None,
) -> None:
    """Compare methods that were tested on the same videos, from their records.

    Every pair is tested, over test videos and seeds; p values are corrected for the number of pairs by Holm's
    procedure. One METHOD alone compares its configurations; beside others it stands with its defaults.
    """
    from avgzsl_bench.cli.console import plain_console
    from avgzsl_bench.report.formats.latex import latex_of_comparison, write_latex
    from avgzsl_bench.report.tables.board import read_boards
    from avgzsl_bench.report.tables.compared import compare_methods

    boards = read_boards(results)
    compared = compare_methods(
        boards,
        methods,
        figure.casefold(),
        dataset=dataset,
        features=features,
        split=split,
        calibration=calibration,
        text_order=text_order,
    )
    if latex is not None:
        write_latex(latex, latex_of_comparison(compared))
    console = plain_console()
    _print_tests(console, compared)
    if classes:
        _print_classes(console, compared, classes)
    if latex is not None:
        click.echo(f"wrote {latex}")


def _print_tests(console: Console, compared: Compared) -> None:
    from avgzsl_bench.cli.console import print_table
    from avgzsl_bench.report.formats.board_markdown import SIMULATED_WARNING

    console.print(compared.board.heading, style="bold", soft_wrap=True)
    if compared.board.key.simulated:
        console.print(SIMULATED_WARNING, style="yellow")
    print_table(console, _figures(compared))
    print_table(console, _tests(compared))
    for note in _notes(compared):
        console.print(f"- {note}")


def _print_classes(console: Console, compared: Compared, count: int) -> None:
    from avgzsl_bench.cli.console import print_table
    from avgzsl_bench.report.tables.compared import largest_changes

    first, *others = compared.lines
    for other in others:
        changes = largest_changes(first, other, count)
        console.print(f"\n{first.name} against {other.name}, by class", style="bold")
        print_table(console, _classes(*changes))
    console.print(
        "- The classes that gain and lose most: difference in accuracy with all classes competing, in percentage "
        "points, mean over seeds, not tested."
    )


def _figures(compared: Compared) -> Table:
    """Narrow enough for 80 characters: what belongs to a mean stands below it."""
    from rich.text import Text

    from avgzsl_bench.cli.console import plain_table
    from avgzsl_bench.report.formats.board_markdown import percent
    from avgzsl_bench.report.tables.compared import varied_of
    from avgzsl_bench.report.tables.literature_notes import TITLES

    right = ("Seeds", *TITLES.values())
    table = plain_table("Method", *right, "Varied", right=right, fold=("Method", "Varied"))
    for line, varied in zip(compared.lines, varied_of(compared), strict=True):
        spread = line.row.spread
        figures = [percent(spread[name]).replace(" ± ", "\n± ") for name in TITLES]
        table.add_row(*(Text(c) for c in (_stacked(line), str(len(line.row.seeds)), *figures, varied)))
    return table


def _tests(compared: Compared) -> Table:
    from rich.text import Text

    from avgzsl_bench.cli.console import plain_table
    from avgzsl_bench.report.tables.compared import p_value, points, verdict
    from avgzsl_bench.report.tables.literature_notes import TITLES

    right = (f"Difference in {TITLES[compared.figure]}\n95% interval", "p", "p (Holm)")
    table = plain_table("Pair", *right, "Verdict", right=right, fold=("Pair", "Verdict"))
    for c in compared.comparisons:
        pair = f"{_stacked(compared.lines[c.first])}\nagainst {_stacked(compared.lines[c.second])}"
        difference = f"{points(c.difference)}\n{points(c.low)} to {points(c.high)}"
        cells = (pair, difference, p_value(c.p), p_value(c.p_holm), verdict(c))
        table.add_row(*(Text(cell) for cell in cells))
    return table


def _classes(gains: list[ClassGain], losses: list[ClassGain]) -> Table:
    from rich.text import Text

    from avgzsl_bench.cli.console import plain_table
    from avgzsl_bench.report.tables.board import one_line
    from avgzsl_bench.report.tables.compared import points

    table = plain_table("Class", "Role", "Videos", "Gain", right=("Videos", "Gain"), fold=("Class",))
    for change in (*gains, *reversed(losses)):
        cells = (one_line(change.name), change.role, str(change.videos), points(change.gain))
        table.add_row(*(Text(cell) for cell in cells))
    return table


def _stacked(line: Line) -> str:
    return f"{line.label}\n{line.settings}" if line.settings else line.label


def _notes(compared: Compared) -> Iterator[str]:
    from avgzsl_bench.report.stats.comparison import LEVEL
    from avgzsl_bench.report.tables.compared import pairing_of
    from avgzsl_bench.report.tables.notes import precision_notes

    pairs = len(compared.comparisons)
    yield (
        "± is the sample standard deviation over seeds. Differences are in percentage points; an interval allows "
        f"for what varied in both methods, and is not corrected for the {pairs} pair{'s' if pairs != 1 else ''}."
    )
    yield f"{pairing_of(compared)} A verdict is of the first of a pair: Holm's p below {LEVEL:g}."
    yield from precision_notes(compared.lines)
    for name, count in compared.left_out.items():
        yield (
            f"Left out: {count} of {name} with settings or precision changed; 'avbench compare {name}' compares "
            "these."
        )
