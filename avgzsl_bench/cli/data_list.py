"""`avbench data list`: installed features and added texts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from avgzsl_bench.cli.console import plain_console, plain_table, print_table
from avgzsl_bench.cli.data_installed import print_texts, report_unreadable, store_values, text_values
from avgzsl_bench.cli.options import data_root_option

if TYPE_CHECKING:
    from avgzsl_bench.data.store.store import StoreHeader


@click.command("list")
@data_root_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
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
        content = {
            "stores": [store_values(h) for h in there.headers],
            "added_text": [text_values(text) for text in added.texts],
            "unreadable": [{"path": str(path), "error": error} for path, error in broken],
        }
        click.echo(json.dumps(content, indent=2))
        return
    report_unreadable(broken)
    if not there.headers:
        click.echo(f"no features are installed in {root}; import some with 'avbench data import DIR'")
    else:
        _print_stores(there.headers)
    print_texts(added.texts)


def _print_stores(headers: Sequence[StoreHeader]) -> None:
    columns = ("dataset", "features", "videos", "audio", "visual", "text", "source", "fingerprint")
    table = plain_table(*columns, fold=("text", "source"))
    for h in headers:
        text = ", ".join(f"{encoder} {width}" for encoder, width in h.text.items())
        row = (h.dataset, h.features, h.videos, h.audio, h.visual, text, h.source, h.fingerprint[:12])
        table.add_row(*map(str, row))
    print_table(plain_console(), table)
