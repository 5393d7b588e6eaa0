"""`avbench encoders`: the registered encoders, whether their weights are here, and fetching those of one."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from avgzsl_bench.plugins.specs import EncoderSpec


@click.command(short_help="List the encoders of videos and texts, or fetch the weights of one.")
@click.option("--fetch", "fetched", metavar="NAME", help="Download the weights of this encoder.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def encoders(fetched: str | None, as_json: bool) -> None:
    """List the registered encoders: what they encode, widths, licence, and whether their weights are here.

    With --fetch, download the weights of one encoder instead: the revision that its spec names, into the cache of
    the Hugging Face hub. Nothing else downloads weights unless it is told to.
    """
    from avgzsl_bench.encoders.registry import REGISTRY

    if fetched is not None:
        _fetch(REGISTRY.item(fetched), as_json)
        return
    gathered = REGISTRY.gather()
    rows = [_row(spec, gathered.owners[spec.name]) for spec in gathered.items.values()]
    if as_json:
        click.echo(json.dumps(rows, indent=1))
        return
    _print_rows(rows)


def _fetch(spec: EncoderSpec, as_json: bool) -> None:
    from avgzsl_bench.encoders.weights.fetching import fetch_weights

    folder = fetch_weights(spec)
    click.echo(json.dumps({"name": spec.name, "folder": str(folder)}) if as_json else f"{spec.name} -> {folder}")


def _row(spec: EncoderSpec, plugin: str) -> dict[str, Any]:
    """Give the fields of a spec, with where its weights are, what is not installed, and who registered it."""
    from avgzsl_bench.encoders.registry import missing_modules
    from avgzsl_bench.encoders.weights.places import how_to_get, local_weights

    folder = local_weights(spec.weights) if spec.weights else None
    absent = spec.weights is not None and folder is None
    return {
        **asdict(spec),
        "widths": dict(spec.widths),
        "not_installed": missing_modules(spec),
        "folder": str(folder) if folder else None,
        "get": how_to_get(spec.name, spec.weights) if spec.weights and absent else None,
        "distribution": plugin.partition(":")[0],
    }


def _print_rows(rows: list[dict[str, Any]]) -> None:
    from avgzsl_bench.cli.console import plain_console, plain_table, print_table

    table = plain_table("name", "modality", "width", "licence", "weights", "from", fold=("width", "licence"))
    for row in rows:
        width = ", ".join(f"{modality} {width}" for modality, width in row["widths"].items())
        table.add_row(row["name"], row["modality"], width, row["licence"], _state(row), row["distribution"])
    print_table(plain_console(), table)
    for row in rows:
        about = [part.rstrip(".") for part in (row["title"], row["cite"], row["note"]) if part]
        click.echo(f"{row['name']}: {'. '.join(about)}")
        if row["not_installed"]:
            click.echo(f"{row['name']}: not installed here: {', '.join(row['not_installed'])}")
        if row["get"]:
            click.echo(f"{row['name']}: weights: {row['get']}")


def _state(row: dict[str, Any]) -> str:
    if row["weights"] is None:
        return "none needed"
    return "here" if row["folder"] else "not here"
