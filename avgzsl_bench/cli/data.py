"""`avbench data`: import features, and look at what is installed."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from avgzsl_bench.cli.console import plain_console, plain_table, print_table
from avgzsl_bench.cli.data_add import add_command
from avgzsl_bench.cli.data_audit import audit_command
from avgzsl_bench.cli.data_export import export_command
from avgzsl_bench.cli.data_fetch import fetch_command
from avgzsl_bench.cli.group import NearMissGroup
from avgzsl_bench.cli.options import data_root_option
from avgzsl_bench.errors import DataError, UnknownNameError

if TYPE_CHECKING:
    from avgzsl_bench.data.datasets.facts import Dataset
    from avgzsl_bench.data.store.added_text import AddedText
    from avgzsl_bench.data.store.installed import Installed
    from avgzsl_bench.data.store.store import StoreHeader

_as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group(cls=NearMissGroup)
def data() -> None:
    """Import features and look at what is installed."""


data.add_command(add_command)
data.add_command(audit_command)
data.add_command(export_command)
data.add_command(fetch_command)


@data.command("import", short_help="Import published feature sets.")
@click.argument("directory", type=click.Path(path_type=Path))
@data_root_option
@click.option("--force", is_flag=True, help="Replace what is installed already.")
def import_command(directory: Path, data_root: Path | None, force: bool) -> None:
    """Import every published feature set at or below DIRECTORY.

    DIRECTORY is a feature-set folder (with 'audio', 'video' and 'text'), or one of the folders above it, up
    to the one that holds the datasets.
    """
    from avgzsl_bench.data.layouts.importing import import_tree
    from avgzsl_bench.data.store.installed import data_root as locate

    with plain_console(stderr=True).status("importing") as status:
        results = import_tree(directory, locate(data_root), force=force, announce=status.update)
    for result in results:
        item = result.found
        click.echo(f"{item.dataset} {item.features} ({item.reader}): {result.videos} videos -> {result.path}")


@data.command("add-text", short_help="Add text embeddings, such as of class descriptions.")
@click.argument("dataset_name", metavar="DATASET")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--name",
    default="knowledge",
    show_default=True,
    help="What methods ask for: 'knowledge' is class descriptions.",
)
@data_root_option
@click.option("--force", is_flag=True, help="Replace what was added under this name.")
def add_text_command(dataset_name: str, file: Path, name: str, data_root: Path | None, force: bool) -> None:
    """Add a text embedding of each class to DATASET, for the methods that ask for one (KDA: descriptions).

    FILE holds vectors by class name, never by position: JSON {"name": [numbers]}, CSV (name, numbers ...), NPZ
    (an array a name) or a pickled dictionary (.npy, .pkl). Several vectors of a class are averaged. A class
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
        raise DataError(f"--name {name}: so the text embeddings of a feature set are called; choose another name")
    path = added_text_path(root, dataset.name, name)
    if os.path.lexists(path) and not force:
        raise DataError(f"{path} is there already; replace it with --force")
    text = AddedText(dataset.name, name, read_class_vectors(file, dataset), file.name)
    write_added_text(root, text)
    count = f"{int(text.present.sum())} of {len(dataset.classes)} classes"
    click.echo(f"{dataset.name} {name}: {text.vectors.shape[1]} numbers for {count} -> {path}")
    missing = missing_classes(text, dataset)
    if missing:
        click.echo(_refusal(missing), err=True)


@data.command("list")
@data_root_option
@_as_json
def list_command(data_root: Path | None, as_json: bool) -> None:
    """List the installed feature sets, and texts that were added."""
    from avgzsl_bench.data.datasets.registry import scan_own_datasets
    from avgzsl_bench.data.store.added_text import scan_added_text
    from avgzsl_bench.data.store.installed import data_root as locate
    from avgzsl_bench.data.store.installed import scan

    root = locate(data_root)
    there = scan(root)
    added = scan_added_text(root)
    broken = [*there.unreadable, *added.unreadable, *scan_own_datasets(root).unreadable]
    if as_json:
        unreadable = [{"path": str(p), "error": error} for p, error in broken]
        content = {
            "stores": [_shown(h) for h in there.headers],
            "added_text": [_shown_text(text) for text in added.texts],
            "unreadable": unreadable,
        }
        click.echo(json.dumps(content, indent=2))
        return
    for _, error in broken:
        click.echo(f"cannot be read: {error}", err=True)
    if not there.headers:
        click.echo(f"no features are installed in {root}; import some with 'avbench data import DIR'")
    else:
        _list_stores(there)
    _list_texts(added.texts)


def _list_texts(texts: list[AddedText]) -> None:
    for text in texts:
        shown = _shown_text(text)
        click.echo("{dataset} text {name}: {width} numbers for {classes} classes, from {source}".format(**shown))


def _list_stores(there: Installed) -> None:
    columns = ("dataset", "features", "videos", "audio", "visual", "text", "source", "fingerprint")
    table = plain_table(*columns, fold=("text", "source"))
    for h in there.headers:
        text = ", ".join(f"{encoder} {width}" for encoder, width in h.text.items())
        row = (h.dataset, h.features, h.videos, h.audio, h.visual, text, h.source, h.fingerprint[:12])
        table.add_row(*map(str, row))
    print_table(plain_console(), table)


@data.command("info", short_help="Show what is installed, next to the standard counts.")
@click.argument("dataset_name", metavar="DATASET")
@click.argument("features", required=False)
@data_root_option
@_as_json
def info_command(dataset_name: str, features: str | None, data_root: Path | None, as_json: bool) -> None:
    """Show what is installed of DATASET, partition by partition, next to the standard counts."""
    from avgzsl_bench.data.cards.own import card_for
    from avgzsl_bench.data.cards.text import card_facts
    from avgzsl_bench.data.datasets.registry import known_dataset
    from avgzsl_bench.data.store.added_text import scan_added_text
    from avgzsl_bench.data.store.installed import data_root as locate

    root = locate(data_root)
    dataset = known_dataset(dataset_name, root)
    there = _chosen(root, dataset_name, features)
    texts = [text for text in scan_added_text(root).texts if text.dataset == dataset_name]
    headers = there.headers
    if not headers:
        raise _unreadable(there) if there.unreadable else _nothing_installed(root, dataset_name)
    _tell_unreadable(there)
    counts = [_counts(header, dataset) for header in headers]
    cards = [card_for(root, h.dataset, h.features) for h in headers]
    if as_json:
        added = [_shown_text(text) for text in texts]
        shown = [{**_shown(h), "partitions": c, "added_text": added} for h, c in zip(headers, counts, strict=True)]
        for entry, card in zip(shown, cards, strict=True):
            entry["card"] = None if card is None else card.model_dump(mode="json")
        click.echo(json.dumps(shown, indent=2))
        return
    for header, count, card in zip(headers, counts, cards, strict=True):
        for name, value in _shown(header).items():
            text = ", ".join(f"{k} {v}" for k, v in value.items()) if isinstance(value, dict) else value
            click.echo(f"{name:12} {text}")
        for term, told in card_facts(card) if card else [("card", "none; add one with 'avbench data add --card'")]:
            click.echo(f"{term:12} {told}")
        table = plain_table("partition", "split", "classes", "standard", "videos", "standard")
        for row in count:
            cells = ("partition", "split", "classes", "standard_classes", "videos", "standard_videos")
            table.add_row(*(str(row[cell]) for cell in cells))
        print_table(plain_console(), table)
    _list_texts(texts)


@data.command("verify", short_help="Check what is installed.")
@click.argument("dataset_name", metavar="[DATASET]", required=False)
@click.argument("features", required=False)
@data_root_option
def verify_command(dataset_name: str | None, features: str | None, data_root: Path | None) -> None:
    """Check installed features and added texts: unaltered, consistent, and how they differ from the standard.

    Differences from the standard data are shown. Damage and contradictions end with exit code 2.
    """
    from avgzsl_bench.data.datasets.registry import known_dataset
    from avgzsl_bench.data.store.added_text import check_added_text, missing_classes, scan_added_text
    from avgzsl_bench.data.store.installed import data_root as locate
    from avgzsl_bench.data.store.installed import scan
    from avgzsl_bench.data.store.verify import verify_store

    root = locate(data_root)
    if dataset_name is None:
        there = scan(root)
    else:
        known_dataset(dataset_name, root)
        there = _chosen(root, dataset_name, features)
    added = scan_added_text(root)
    texts = [text for text in added.texts if dataset_name in (None, text.dataset)]
    unreadable = [(p, error) for p, error in added.unreadable if dataset_name in (None, p.parent.name)]
    unreadable += there.unreadable
    if not there.headers and not texts and not unreadable:
        raise _nothing_installed(root, dataset_name)
    failed = []
    for path, error in unreadable:
        click.echo(f"error: {error}")
        failed.append(str(path))
    for header in there.headers:
        label = f"{header.dataset} {header.features}"
        try:
            report = verify_store(header, known_dataset(header.dataset, root))
        except (DataError, UnknownNameError) as fault:
            click.echo(f"{label}: error: {fault}")
            failed.append(label)
            continue
        for finding in report.findings:
            click.echo(f"{label}: {finding.severity.value}: {finding.name}: {finding.text}")
        if report.errors:
            failed.append(label)
        else:
            click.echo(f"{label}: {report.verdict}")
    for text in texts:
        label = f"{text.dataset} text {text.name}"
        try:
            facts = known_dataset(text.dataset, root)
            check_added_text(text, facts, label)
        except (DataError, UnknownNameError) as fault:
            click.echo(f"{label}: error: {fault}")
            failed.append(label)
            continue
        missing = missing_classes(text, facts)
        click.echo(f"{label}: {_refusal(missing) if missing else 'unaltered'}")
        failed += [label] if missing else []
    if failed:
        raise DataError(
            f"not to be used: {', '.join(failed)}; import again with 'avbench data import DIR --force', or "
            "'avbench data add-text DATASET FILE --force'"
        )


def _chosen(root: Path, dataset: str, features: str | None) -> Installed:
    """What is installed of a dataset, or of one of its feature sets.

    Raises:
        DataError: the feature set is not installed, or not readable.
        UnknownNameError: nobody knows a feature set of that name.
    """
    from avgzsl_bench.data.datasets.feature_sets import PUBLISHED, SIMULATED
    from avgzsl_bench.data.store.installed import Installed, scan, store_path
    from avgzsl_bench.data.store.store import read_header

    there = scan(root)
    headers = [h for h in there.headers if h.dataset == dataset]
    if features is None:
        return Installed(headers, [(p, error) for p, error in there.unreadable if p.parts[-3] == dataset])
    path = store_path(root, dataset, features)
    if os.path.lexists(path):
        return Installed([read_header(path)], [])
    names = [h.features for h in headers]
    known = {SIMULATED, *(f.name for f in PUBLISHED), *names}
    if features not in known:
        raise UnknownNameError("feature set", features, known)
    raise DataError(
        f"{features} of {dataset} is not installed in {root} (installed: {', '.join(names) or 'none'}); "
        f"import it with 'avbench data import DIR'"
    )


def _nothing_installed(root: Path, dataset: str | None) -> DataError:
    what = f"nothing of {dataset}" if dataset else "nothing"
    return DataError(f"{what} is installed in {root}; import features with 'avbench data import DIR'")


def _unreadable(there: Installed) -> DataError:
    return DataError("; ".join(error for _, error in there.unreadable))


def _tell_unreadable(there: Installed) -> None:
    for _, error in there.unreadable:
        click.echo(f"cannot be read: {error}", err=True)


def _shown(header: StoreHeader) -> dict[str, Any]:
    """A header as plain values."""
    fields = ("dataset", "features", "simulated", "source", "videos", "sequences", "audio", "visual")
    shown = {name: getattr(header, name) for name in fields}
    return {**shown, "text": dict(header.text), "fingerprint": header.fingerprint, "path": str(header.path)}


def _refusal(missing: list[str]) -> str:
    some = ", ".join(missing[:3]) + (f" and {len(missing) - 3} more" if len(missing) > 3 else "")
    return f"no vector for {some}, which runs need: they will be refused"


def _shown_text(text: AddedText) -> dict[str, Any]:
    """An added text as plain values."""
    return {
        "dataset": text.dataset,
        "name": text.name,
        "width": text.vectors.shape[1],
        "classes": int(text.present.sum()),
        "source": text.source,
        "fingerprint": text.fingerprint,
    }


def _counts(header: StoreHeader, dataset: Dataset) -> list[dict[str, Any]]:
    """Classes and videos of each partition under each split, and the standard ones."""
    import numpy as np

    from avgzsl_bench.data.datasets.facts import PARTITIONS, partition_bit
    from avgzsl_bench.data.store.store import read_rows

    videos = read_rows(header)
    rows: list[dict[str, Any]] = []
    for partition in PARTITIONS:
        there = videos.label[(videos.partition & partition_bit(partition)) != 0]
        for split in dataset.splits:
            facts = dataset.facts(split)[partition]
            listed = there[np.isin(there, facts.classes)]
            rows.append(
                {
                    "partition": partition,
                    "split": split,
                    "classes": len(np.unique(listed)),
                    "standard_classes": len(facts.classes),
                    "videos": len(listed),
                    "standard_videos": sum(facts.videos),
                }
            )
    return rows
