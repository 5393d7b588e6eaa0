"""`avbench predictions`: what a finished run predicted for each test video."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from avgzsl_bench.cli.options import data_root_option
from avgzsl_bench.cli.paths import UserPath
from avgzsl_bench.errors import ConfigError

if TYPE_CHECKING:
    from avgzsl_bench.records.record import Record

_file = UserPath(path_type=Path, dir_okay=False)


@click.command(short_help="Show the predictions of a finished run, by class and by video.")
@click.argument("record", type=UserPath(path_type=Path))
@click.option("--csv", type=_file, metavar="FILE", help="Write a row for each test video to this CSV file.")
@click.option("--parquet", type=_file, metavar="FILE", help="The same as a Parquet file; needs pyarrow.")
@click.option(
    "--confusion", type=_file, metavar="FILE", help="Write the confusion matrix, in videos, to this CSV file."
)
@click.option(
    "--plot",
    type=_file,
    metavar="FILE",
    help="Draw the confusion matrix with the accuracy of each class: an .svg, .pdf or .png file.",
)
@click.option(
    "--top",
    type=click.IntRange(0),
    default=10,
    show_default=True,
    metavar="N",
    help="Show the N pairs of classes that are confused most often.",
)
@click.option("--force", is_flag=True, help="Replace files that are there.")
@data_root_option
def predictions(record: Path, top: int, force: bool, data_root: Path | None, **files: Path | None) -> None:
    """Show what a finished run predicted for the test videos.

    RECORD is the JSON file of the run; its decisions lie beside it. The tables show the accuracy of each class and
    the class that it is most often taken for, and the pairs of classes that are confused most often, all at the
    bias of the run. --csv and --parquet write for each video its id, true class and role, best seen class, best
    unseen class, the gap between their scores, and the prediction. Where older decisions do not hold the ids, they
    are looked up in the installed data.
    """
    from avgzsl_bench.cli.console import plain_console
    from avgzsl_bench.cli.show import list_files, show_document
    from avgzsl_bench.records.load import load_record
    from avgzsl_bench.report.tables.predictions import predictions_document
    from avgzsl_bench.system.files import write_atomically

    wanted = {kind: path for kind, path in files.items() if path is not None}
    _require_usable(wanted, force)
    found = load_record(record)
    beside = [found.decisions.file, *(saved.file for saved in (found.weights or {}).values())]
    _require_others(wanted, [record, *map(record.with_name, beside)])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        contents = {path: _content(kind, path, found, data_root) for kind, path in wanted.items()}
    for warning in caught:
        click.echo(f"warning: {warning.message}", err=True)
    show_document(plain_console(), predictions_document(found, top))
    for path, content in contents.items():
        write_atomically(path, content)
    list_files(contents)


def _require_usable(files: Mapping[str, Path], force: bool) -> None:
    """Refuse files that exclude each other, that are there, or that cannot be written for want of a library."""
    from avgzsl_bench.report.formats.data_frame import require_parquet
    from avgzsl_bench.report.formats.plot_file import require_plot_ending

    if "csv" in files and "parquet" in files:
        raise ConfigError("--csv and --parquet exclude each other; give one")
    if len({os.path.realpath(path) for path in files.values()}) < len(files):
        options = ", ".join(f"--{kind}" for kind in files)
        raise ConfigError(f"{options}: two of them name the same file; give each its own")
    if "parquet" in files:
        require_parquet(files["parquet"])
    if "plot" in files:
        require_plot_ending(files["plot"])
    present = next((path for path in files.values() if os.path.lexists(path)), None)
    if present is not None and not force:
        raise ConfigError(f"{present}: is there already; --force replaces it")


def _require_others(files: Mapping[str, Path], record: list[Path]) -> None:
    """Refuse to replace the record itself."""
    own = {os.path.realpath(path) for path in record}
    lost = next((path for path in files.values() if os.path.realpath(path) in own), None)
    if lost is not None:
        raise ConfigError(f"{lost}: belongs to the record and would be lost; choose another file")


def _content(kind: str, path: Path, record: Record, data_root: Path | None) -> bytes:
    """Make the content of a file of one kind."""
    from avgzsl_bench.report.formats.data_frame import csv_bytes, parquet_bytes
    from avgzsl_bench.report.formats.plot_file import plot_bytes

    if kind == "plot":
        from avgzsl_bench.report.plots.confusion import confusion_plot

        return plot_bytes(confusion_plot(record), path)
    if kind == "confusion":
        return csv_bytes(record.confusion_matrix().reset_index())
    frame = record.predictions(data_root)
    return csv_bytes(frame) if kind == "csv" else parquet_bytes(frame)
