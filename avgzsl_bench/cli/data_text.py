"""`avbench data add-text`: text embeddings of a dataset, such as of class descriptions."""

from __future__ import annotations

import os
from pathlib import Path

import click

from avgzsl_bench.cli.data_installed import missing_vectors
from avgzsl_bench.cli.options import data_root_option
from avgzsl_bench.errors import DataError


@click.command("add-text", short_help="Add text embeddings, such as of class descriptions.")
@click.argument("dataset_name", metavar="DATASET")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--name",
    default="knowledge",
    show_default=True,
    help="Name that methods use: 'knowledge' stands for class descriptions.",
)
@data_root_option
@click.option("--force", is_flag=True, help="Replace the text of this name.")
def add_text_command(dataset_name: str, file: Path, name: str, data_root: Path | None, force: bool) -> None:
    """Add one text embedding per class to DATASET, for the methods that use it (KDA: class descriptions).

    FILE holds vectors by class name, never by position: JSON {"name": [numbers]}, CSV (name, numbers ...), NPZ
    (one array per name) or a pickled dictionary (.npy, .pkl). Several vectors of a class are averaged. A class
    may be called as in the class list or by its readable name.
    """
    from avgzsl_bench.data.datasets.feature_sets import ENCODERS
    from avgzsl_bench.data.datasets.registry import known_dataset
    from avgzsl_bench.data.own.class_vectors import read_class_vectors
    from avgzsl_bench.data.store.added_text import AddedText, added_text_path, missing_classes, write_added_text
    from avgzsl_bench.data.store.installed import data_root as locate

    root = locate(data_root)
    dataset = known_dataset(dataset_name, root)
    if name in ENCODERS:
        raise DataError(f"--name {name}: this is a text encoder of the known feature sets; choose another name")
    path = added_text_path(root, dataset.name, name)
    if os.path.lexists(path) and not force:
        raise DataError(f"{path} is there already; replace it with --force")
    text = AddedText(dataset.name, name, read_class_vectors(file, dataset), file.name)
    write_added_text(root, text)
    count = f"{int(text.present.sum())} of {len(dataset.classes)} classes"
    click.echo(f"{dataset.name} {name}: {text.vectors.shape[1]} numbers for {count} -> {path}")
    missing = missing_classes(text, dataset)
    if missing:
        click.echo(missing_vectors(missing), err=True)
