"""`avbench methods | datasets | plugins`: what is there. None of them imports torch."""

from __future__ import annotations

import json
from dataclasses import asdict

import click


@click.command(short_help="List the registered methods.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def methods(as_json: bool) -> None:
    """List the registered methods: paper, needs, and what each implementation follows."""
    from rich.console import Console
    from rich.table import Table

    from avgzsl_bench.plugins import list_methods, provider

    rows = []
    for spec in list_methods():
        status = provider(spec)
        rows.append(asdict(spec) | {"distribution": status.distribution if status else None})
    if as_json:
        click.echo(json.dumps(rows, indent=1))
        return
    table = Table(title="Methods", title_justify="left", show_lines=False)
    for column in ("name", "title", "venue", "follows", "needs", "from"):
        table.add_column(column)
    for row in rows:
        needs = f"text: {', '.join(row['needs']['text'])}" if row["needs"]["text"] else ""
        table.add_row(row["name"], row["title"], row["venue"], row["follows"], needs, row["distribution"] or "")
    console = Console()
    console.print(table)
    for row in rows:
        if row["note"]:
            console.print(f"{row['name']}: {row['note']}", highlight=False)


@click.command(short_help="List the datasets and their class splits.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def datasets(as_json: bool) -> None:
    """List the datasets, their class splits and the standard numbers of classes and videos."""
    from rich.console import Console
    from rich.table import Table

    from avgzsl_bench.plugins import datasets as registered

    rows = []
    for dataset in registered().values():
        for split in dataset.splits:
            facts = dataset.facts(split)
            row: dict[str, object] = {"name": dataset.name, "title": dataset.title, "split": split}
            row |= {"seen": len(facts["stage2_train"].classes)}
            row |= {"unseen": len(facts["stage2_test_unseen"].classes)}
            row |= {partition: sum(f.videos) for partition, f in facts.items()}
            rows.append(row)
    if as_json:
        click.echo(json.dumps(rows, indent=1))
        return
    table = Table(title="Datasets", title_justify="left")
    shown = {
        "name": "name",
        "title": "title",
        "split": "split",
        "seen": "seen classes",
        "unseen": "unseen classes",
        "stage2_train": "training videos",
        "stage2_test_seen": "test videos, seen",
        "stage2_test_unseen": "test videos, unseen",
    }
    for key, heading in shown.items():
        table.add_column(heading, justify="left" if key in ("name", "title", "split") else "right")
    for row in rows:
        table.add_row(*(str(row[key]) for key in shown))
    Console().print(table)


@click.command(short_help="List the plugins, and why any failed to load.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def plugins(as_json: bool) -> None:
    """List the installed plugins, with the error of any that failed to load."""
    from rich.console import Console
    from rich.table import Table

    from avgzsl_bench.plugins import load_plugins

    statuses = load_plugins().statuses
    if as_json:
        click.echo(json.dumps([asdict(status) for status in statuses], indent=1))
        return
    table = Table(title="Plugins", title_justify="left")
    for column in ("plugin", "distribution", "version", "methods", "state"):
        table.add_column(column, overflow="fold")
    for status in statuses:
        state = "[red]failed[/]" if status.error else "loaded"
        table.add_row(status.name, status.distribution, status.version, ", ".join(status.methods), state)
    console = Console()
    console.print(table)
    for status in statuses:
        if status.error:
            click.echo(f"{status.name} ({status.distribution} {status.version}): {status.error}")
