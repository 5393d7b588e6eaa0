"""`avbench data import`: published feature sets."""

from __future__ import annotations

from pathlib import Path

import click

from avgzsl_bench.cli.console import plain_console
from avgzsl_bench.cli.options import data_root_option


@click.command("import", short_help="Import published feature sets.")
@click.argument("directory", type=click.Path(path_type=Path))
@data_root_option
@click.option("--force", is_flag=True, help="Replace installed features.")
def import_command(directory: Path, data_root: Path | None, force: bool) -> None:
    """Import every published feature set at or below DIRECTORY.

    DIRECTORY is a feature-set folder (with 'audio', 'video' and 'text'), or one of the folders above it, up
    to the one that holds the datasets.
    """
    from avgzsl_bench.data.layouts.importing import import_tree
    from avgzsl_bench.data.store.installed import data_root as locate

    faults: list[str] = []
    with plain_console(stderr=True).status("importing") as status:
        results = import_tree(directory, locate(data_root), force=force, report=status.update, warn=faults.append)
    for line in faults:
        click.echo(f"warning: {' '.join(line.split())}", err=True)
    for result in results:
        item = result.found
        click.echo(f"{item.dataset} {item.features} ({item.reader}): {result.videos} videos -> {result.path}")
