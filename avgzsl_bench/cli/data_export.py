"""`avbench data export`: features as files of a published layout."""

from __future__ import annotations

from pathlib import Path

import click

from avgzsl_bench.cli.console import plain_console
from avgzsl_bench.cli.options import data_root_option


@click.command("export", short_help="Write features in a published layout.")
@click.argument("dataset_name", metavar="DATASET")
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--features", required=True, help="Feature set; 'simulated' is generated if it is not installed.")
@click.option(
    "--layout",
    required=True,
    metavar="LAYOUT",
    help="avca: HDF5 files, one text encoder; clipclap: pickles, up to two text encoders.",
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
    from avgzsl_bench.data.store.installed import store_path

    root = locate(data_root)
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
