"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path

import click

data_root_option = click.option(
    "--data-root",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of installed data. [default: $AVBENCH_DATA, else the platform's user data folder]",
)
