"""`avbench data list` and `info`: installed features and added texts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from avgzsl_bench.cli.console import plain_console, plain_table, print_table
from avgzsl_bench.cli.data_installed import chosen_stores, nothing_installed
from avgzsl_bench.cli.options import data_root_option
from avgzsl_bench.cli.partition_counts import print_counts
from avgzsl_bench.errors import DataError

if TYPE_CHECKING:
    from avgzsl_bench.data.cards.cards import Card
    from avgzsl_bench.data.datasets.counts import PartitionCount
    from avgzsl_bench.data.datasets.facts import Dataset
    from avgzsl_bench.data.fetch.fetched import Fetched
    from avgzsl_bench.data.store.added_text import AddedText
    from avgzsl_bench.data.store.store import StoreHeader


@click.command("list")
@data_root_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_command(data_root: Path | None, as_json: bool) -> None:
    """List the installed feature sets, and texts that were added.

    Exits with 2 if something that is there cannot be read.
    """
    from avgzsl_bench.data.datasets.registry import scan_own_datasets
    from avgzsl_bench.data.store.added_text import scan_added_text
    from avgzsl_bench.data.store.installed import existing_root, scan

    root = existing_root(data_root)
    there = scan(root)
    added = scan_added_text(root)
    broken = list(dict.fromkeys([*there.unreadable, *added.unreadable, *scan_own_datasets(root).unreadable]))
    if as_json:
        content = {
            "stores": [_store_values(h) for h in there.headers],
            "added_text": [_text_values(text) for text in added.texts],
            "unreadable": [{"path": str(path), "error": error} for path, error in broken],
        }
        click.echo(json.dumps(content, indent=2))
    else:
        if there.headers:
            _list_stores(there.headers)
        elif not there.unreadable:
            click.echo(f"no features are installed in {root}; import some with 'avbench data import DIR'")
        _print_texts(added.texts)
    _report_unreadable(broken)
    if broken:
        raise click.exceptions.Exit(2)


def _list_stores(headers: Sequence[StoreHeader]) -> None:
    from avgzsl_bench.data.store.origin import origin_text

    columns = ("dataset", "features", "videos", "audio", "visual", "text", "source", "fingerprint")
    table = plain_table(*columns, fold=("text", "source"))
    for h in headers:
        text = ", ".join(f"{encoder} {width}" for encoder, width in h.text.items())
        source = origin_text(h.origin, h.layout)
        row = (h.dataset, h.features, h.videos, h.audio, h.visual, text, source, h.fingerprint[:12])
        table.add_row(*map(str, row))
    print_table(plain_console(), table)


@click.command("info", short_help="Show installed features next to the standard counts.")
@click.argument("dataset_name", metavar="DATASET")
@click.argument("features", required=False)
@data_root_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def info_command(dataset_name: str, features: str | None, data_root: Path | None, as_json: bool) -> None:
    """Show the installed features of DATASET, per partition, next to the standard counts."""
    from avgzsl_bench.data.cards.own import card_for
    from avgzsl_bench.data.datasets.registry import known_dataset
    from avgzsl_bench.data.fetch.fetched import fetched_from
    from avgzsl_bench.data.store.added_text import scan_added_text
    from avgzsl_bench.data.store.installed import existing_root
    from avgzsl_bench.data.store.origin import ADDED

    root = existing_root(data_root)
    dataset = known_dataset(dataset_name, root)
    there = chosen_stores(root, dataset.name, features)
    texts = [text for text in scan_added_text(root).texts if text.dataset == dataset.name]
    if not there.headers:
        unreadable = "; ".join(error for _, error in there.unreadable)
        raise DataError(unreadable) if unreadable else nothing_installed(root, dataset.name)
    _report_unreadable(there.unreadable)
    entries = [
        (
            h,
            card_for(root, h.dataset, h.features, added=h.origin == ADDED),
            _counts(h, dataset),
            fetched_from(root, h),
        )
        for h in there.headers
    ]
    if as_json:
        added = [_text_values(text) for text in texts]
        content = [
            {
                **_store_values(header),
                "partitions": [asdict(count) for count in counts],
                "added_text": added,
                "card": None if card is None else card.model_dump(mode="json"),
                "fetched": None if fetched is None else fetched.model_dump(mode="json"),
            }
            for header, card, counts, fetched in entries
        ]
        click.echo(json.dumps(content, indent=2))
        return
    for header, card, counts, fetched in entries:
        _print_store(header, card, fetched)
        print_counts(counts)
    _print_texts(texts)


def _print_store(header: StoreHeader, card: Card | None, fetched: Fetched | None) -> None:
    from avgzsl_bench.data.cards.text import card_facts
    from avgzsl_bench.data.store.origin import origin_text

    shown = _store_values(header) | {"origin": origin_text(header.origin, header.layout)}
    for name, value in shown.items():
        text = ", ".join(f"{k} {v}" for k, v in value.items()) if isinstance(value, dict) else value
        click.echo(f"{name:12} {text}")
    if fetched:
        where = f"{fetched.fetched} from {fetched.address} ({fetched.source})"
        click.echo(f"{'fetched':12} {where}, SHA-256 {fetched.sha256}, {fetched.size:,} bytes")
    for term, fact in card_facts(card) if card else [("card", "none; add one with 'avbench data add --card'")]:
        click.echo(f"{term:12} {fact}")


def _counts(header: StoreHeader, dataset: Dataset) -> list[PartitionCount]:
    from avgzsl_bench.data.datasets.counts import partition_counts
    from avgzsl_bench.data.store.store import read_rows

    videos = read_rows(header)
    return partition_counts(dataset, videos.label, videos.partition)


def _report_unreadable(unreadable: Sequence[tuple[Path, str]]) -> None:
    for _, error in unreadable:
        click.echo(f"cannot be read: {error}", err=True)


def _store_values(header: StoreHeader) -> dict[str, Any]:
    fields = ("dataset", "features", "simulated", "origin", "source", "videos", "sequences", "audio", "visual")
    values = {name: getattr(header, name) for name in fields}
    return {**values, "text": dict(header.text), "fingerprint": header.fingerprint, "path": str(header.path)}


def _text_values(text: AddedText) -> dict[str, Any]:
    return {
        "dataset": text.dataset,
        "name": text.name,
        "width": text.vectors.shape[1],
        "classes": int(text.present.sum()),
        "source": text.source,
        "fingerprint": text.fingerprint,
    }


def _print_texts(texts: Sequence[AddedText]) -> None:
    for text in texts:
        values = _text_values(text)
        click.echo("{dataset} text {name}: {width} numbers for {classes} classes, from {source}".format(**values))
