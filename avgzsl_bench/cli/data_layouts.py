"""`avbench data import` and `export`: features in published layouts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from avgzsl_bench.cli.console import plain_console
from avgzsl_bench.cli.options import data_root_option
from avgzsl_bench.cli.paths import UserPath

if TYPE_CHECKING:
    from avgzsl_bench.data.layouts.importing import ImportResult


@click.command("import", short_help="Import published feature sets.")
@click.argument("directory", type=UserPath(path_type=Path))
@data_root_option
@click.option("--force", is_flag=True, help="Replace installed features.")
def import_command(directory: Path, data_root: Path | None, force: bool) -> None:
    """Import every published feature set at or below DIRECTORY.

    DIRECTORY is a feature-set folder (with 'audio', 'video' and 'text'), or one of the folders above it, up
    to the one that holds the datasets. Videos that differ from the standard ones are named; a feature set with a
    video in two partitions of a stage is refused.
    """
    from avgzsl_bench.data.layouts.importing import import_tree
    from avgzsl_bench.data.store.installed import data_root as locate

    faults: list[str] = []
    with plain_console(stderr=True).status("importing") as status:
        results = import_tree(directory, locate(data_root), force=force, report=status.update, warn=faults.append)
    for line in faults:
        click.echo(f"warning: {' '.join(line.split())}", err=True)
    show_imported(results)


def show_imported(results: Sequence[ImportResult]) -> None:
    """Print what was imported, and warn of videos that are not the standard ones."""
    for result in results:
        item = result.found
        click.echo(f"{item.dataset} {item.features} ({item.reader}): {result.videos} videos -> {result.path}")
        if result.other_splits:
            name = f"{item.dataset} {item.features}"
            splits = f"split{'s'[: len(result.other_splits) > 1]} {', '.join(result.other_splits)}"
            click.echo(
                f"warning: {name} does not hold the standard videos of {splits}: figures on it are not comparable "
                f"with published ones; 'avbench data verify {name}' lists what differs",
                err=True,
            )


@click.command("export", short_help="Write features in a published layout.")
@click.argument("dataset_name", metavar="DATASET")
@click.argument("directory", metavar="DIR", type=UserPath(path_type=Path))
@click.option("--features", required=True, help="Feature set; 'simulated' is generated if it is not installed.")
@click.option(
    "--layout",
    required=True,
    metavar="LAYOUT",
    help="avca: HDF5 files, one text encoder; clipclap: pickles, up to two text encoders; tcaf: sequences.",
)
@data_root_option
def export_command(dataset_name: str, directory: Path, features: str, layout: str, data_root: Path | None) -> None:
    """Write installed features of DATASET to the new folder DIR in a layout that the published code reads.

    DIR then holds the dataset's folder with its class lists ('class-split') and features. A marker file beside the
    features keeps their name and whether they are simulated. Importing DIR with 'avbench data import', here or on
    another machine, gives identical data.
    """
    from avgzsl_bench.data.datasets.feature_sets import SIMULATED
    from avgzsl_bench.data.datasets.registry import known_dataset
    from avgzsl_bench.data.layouts.export import export_tree
    from avgzsl_bench.data.simulated.simulated import ensure_simulated
    from avgzsl_bench.data.store.installed import data_root as locate
    from avgzsl_bench.data.store.installed import existing_root, store_path

    root = locate(data_root) if features == SIMULATED else existing_root(data_root)
    dataset = known_dataset(dataset_name, root)
    with plain_console(stderr=True).status("exporting"):
        store = (
            ensure_simulated(root, dataset).path
            if features == SIMULATED
            else store_path(root, dataset.name, features)
        )
        folder = export_tree(store, dataset, layout, directory)
    simulated = ", SIMULATED" if features == SIMULATED else ""
    click.echo(f"{dataset.name} {features} ({layout}{simulated}) -> {folder}")
