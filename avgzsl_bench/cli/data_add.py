"""`avbench data add` and `add-text`: features and text embeddings of a user's own."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from avgzsl_bench.cli.console import plain_console
from avgzsl_bench.cli.data_installed import missing_vectors
from avgzsl_bench.cli.options import data_root_option
from avgzsl_bench.cli.paths import UserPath
from avgzsl_bench.errors import ConfigError, DataError
from avgzsl_bench.system.folders import user_path

_file, _text_path = UserPath(path_type=Path), UserPath(path_type=str)


@click.command("add", short_help="Add features of your own, from arrays and a table.")
@click.argument("dataset", metavar="DATASET")
@click.option(
    "--features",
    required=True,
    metavar="NAME",
    help="What to call the feature set: any name but those of published ones.",
)
@click.option(
    "--videos",
    required=True,
    metavar="FILE",
    type=_file,
    help="Table of videos, .csv or .parquet: video (id), class, partition (one or several).",
)
@click.option(
    "--audio",
    required=True,
    metavar="FILE",
    type=_text_path,
    help="Audio vectors, row by row: .npy, .h5 or FILE.h5:NAME.",
)
@click.option("--visual", required=True, metavar="FILE", type=_text_path, help="Visual vectors, likewise.")
@click.option(
    "--text",
    required=True,
    multiple=True,
    metavar="ENCODER=FILE",
    help="Text embeddings by class name (.npz, .json, .csv, .npy, .pkl), such as clip=text.npz; one or several.",
)
@click.option(
    "--classes",
    metavar="FILE",
    type=_file,
    help="For a new dataset, table of classes, .csv or .parquet: name, readable, and one column per split (e.g. "
    "'cls') holding train, val_unseen, test_unseen or nothing.",
)
@click.option("--card", metavar="FILE", type=_file, help="A card of the features, as JSON.")
@data_root_option
@click.option("--force", is_flag=True, help="Replace features of this name.")
def add_command(text: tuple[str, ...], data_root: Path | None, force: bool, **files: Any) -> None:
    """Add features of your own to DATASET, or a dataset of your own, to be used by name in every command.

    The rows of --audio and --visual are those of --videos, in its order. Partitions are stage1_train,
    stage1_val_seen, stage1_val_unseen, stage2_train, stage2_test_seen and stage2_test_unseen; a video
    of stage 1 is in stage2_train as well. Differences from the dataset's standard are shown; contradictions end
    with exit code 2, and nothing is written.
    """
    from avgzsl_bench.data.own.adding import FeatureSources, add_features
    from avgzsl_bench.data.store.installed import data_root as locate

    sources = FeatureSources(text=_by_encoder(text), **files)
    with plain_console(stderr=True).status("adding") as status:
        added = add_features(locate(data_root), sources, force=force, report=status.update)
    if added.dataset_file is not None:
        click.echo(f"{sources.dataset}: new dataset -> {added.dataset_file}")
    click.echo(f"{sources.dataset} {sources.features}: {added.videos} videos -> {added.path}")
    for finding in added.findings:
        click.echo(f"{finding.severity.value}: {finding.name}: {finding.text}", err=True)


def _by_encoder(texts: tuple[str, ...]) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for text in texts:
        encoder, sign, path = text.partition("=")
        if not (sign and encoder and path):
            raise ConfigError(f"--text {text}: write ENCODER=FILE, such as clip=text.npz")
        if encoder in found:
            raise ConfigError(f"--text {text}: a second file of encoder {encoder!r}")
        found[encoder] = user_path(path)
    return found


@click.command("add-text", short_help="Add text embeddings, such as of class descriptions.")
@click.argument("dataset_name", metavar="DATASET")
@click.argument("file", type=UserPath(path_type=Path))
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
