"""`avbench methods | datasets | plugins`: list what is registered. None of them imports torch."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from avgzsl_bench.cli.options import data_root_option


@click.command(short_help="List the registered methods.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def methods(as_json: bool) -> None:
    """List the registered methods: paper, needs, and what each implementation follows."""
    from avgzsl_bench.cli.console import plain_console, plain_table, print_table
    from avgzsl_bench.method.registry import list_methods, provider

    rows = []
    for spec in list_methods():
        status = provider(spec)
        rows.append(asdict(spec) | {"distribution": status.distribution if status else None})
    if as_json:
        click.echo(json.dumps(rows, indent=1))
        return
    columns = {
        "name": [row["name"] for row in rows],
        "title": [row["title"] for row in rows],
        "venue": [row["venue"] for row in rows],
        "follows": [row["follows"] for row in rows],
        "needs": [_needs(row["needs"]) for row in rows],
        "parameters": ["" if row["parameters"] is None else f"{row['parameters']:,}" for row in rows],
        "from": [row["distribution"] or "" for row in rows],
    }
    table = plain_table(*columns, fold=("title", "venue", "follows", "needs"), right=("parameters",))
    for cells in zip(*columns.values(), strict=True):
        table.add_row(*cells)
    print_table(plain_console(), table)
    click.echo(
        "parameters: number of trained parameters with default settings on UCF-GZSL with CLIP and CLAP features"
    )
    for row in rows:
        about = [part.rstrip(".") for part in (row["paper"], row["note"]) if part]
        if about:
            click.echo(f"{row['name']}: {'. '.join(about)}")


def _needs(needs: Mapping[str, Any]) -> str:
    sequences = {"none": [], "used": ["sequences"], "required": ["sequences only"]}[needs["sequences"]]
    texts = [*(f"text {name}" for name in needs["text"]), *(f"added text {name}" for name in needs["added_text"])]
    spaces = [f"{modality} and text {encoder} in one space" for modality, encoder in needs["joint"].items()]
    return ", ".join([*texts, *spaces, *sequences])


@click.command(short_help="List the datasets and their class splits.")
@data_root_option
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def datasets(data_root: Path | None, as_json: bool) -> None:
    """List the datasets, their class splits and the standard numbers of classes and videos.

    Exits with 2 if a dataset of the data folder cannot be read.
    """
    from avgzsl_bench.data.datasets.registry import registered_datasets, scan_own_datasets
    from avgzsl_bench.data.store.installed import existing_root

    rows: list[dict[str, object]] = []
    own = scan_own_datasets(existing_root(data_root))
    for dataset in (*registered_datasets().values(), *own.datasets.values()):
        for split in dataset.splits:
            facts = dataset.facts(split)
            row: dict[str, object] = {"name": dataset.name, "title": dataset.title, "split": split}
            row |= {"seen": len(facts["stage2_train"].classes)}
            row |= {"unseen": len(facts["stage2_test_unseen"].classes)}
            row |= {partition: sum(f.videos) for partition, f in facts.items()}
            rows.append(row)
    for _, error in own.unreadable:
        click.echo(f"cannot be read: {error}", err=True)
    if as_json:
        click.echo(json.dumps(rows, indent=1))
    else:
        _print_datasets(rows)
    if own.unreadable:
        raise click.exceptions.Exit(2)


def _print_datasets(rows: list[dict[str, object]]) -> None:
    from avgzsl_bench.cli.console import plain_console, plain_table, print_table

    shown = {
        "name": "dataset",
        "split": "split",
        "seen": "seen\nclasses",
        "unseen": "unseen\nclasses",
        "stage2_train": "training\nvideos",
        "stage2_test_seen": "seen\ntest",
        "stage2_test_unseen": "unseen\ntest",
    }
    table = plain_table(*shown.values(), right=list(shown.values())[2:])
    for row in rows:
        table.add_row(*(str(row[key]) for key in shown))
    print_table(plain_console(), table)


@click.command(short_help="List the plugins, and why any failed to load.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def plugins(as_json: bool) -> None:
    """List the installed plugins, with the error of any that failed to load, and the trackers for --log."""
    from avgzsl_bench.cli.console import plain_console, plain_table, print_table
    from avgzsl_bench.cli.plugin_status import all_plugin_statuses
    from avgzsl_bench.execution.trackers.registry import REGISTRY, missing_modules

    statuses = all_plugin_statuses()
    if as_json:
        click.echo(json.dumps([asdict(status) for status in statuses], indent=1))
        return
    table = plain_table("plugin", "distribution", "version", "methods", "state", fold=("methods",))
    for status in statuses:
        state = "FAILED" if status.error else "loaded"
        table.add_row(status.name, status.distribution, status.version, ", ".join(status.methods), state)
    print_table(plain_console(), table)
    for status in statuses:
        if status.error:
            click.echo(f"{status.name} ({status.distribution} {status.version}): {status.error}")
    for spec in REGISTRY.items().values():
        missing = missing_modules(spec)
        absent = f" (not installed here: {', '.join(missing)})" if missing else ""
        click.echo(f"--log {spec.form}: {spec.summary}{absent}")
