"""`avbench data compare`: two feature sets on the videos that they share."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from avgzsl_bench.cli.console import plain_console, plain_table, print_table
from avgzsl_bench.cli.options import data_root_option
from avgzsl_bench.errors import DataError

if TYPE_CHECKING:
    from avgzsl_bench.data.compare.comparison import Baseline, Comparison, Relation
    from avgzsl_bench.data.store.table import FeatureTable

_LOWEST = 5
"""Classes that are shown, those with the lowest cosines."""


@click.command("compare", short_help="Compare two feature sets on the videos that they share.")
@click.argument("one", metavar="A")
@click.argument("other", metavar="B")
@click.option("--dataset", help="Dataset; needed if both are installed for several.")
@data_root_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON, with every class.")
def compare_command(one: str, other: str, dataset: str | None, data_root: Path | None, as_json: bool) -> None:
    """Compare the installed feature sets A and B of a dataset, on the videos that they share by id.

    Shows cosines of the same video's vectors beside those of different videos of its class, whether both sets
    arrange the videos alike, how well simple baselines do on either, and how the text vectors agree. Sequences are
    compared by their means over time.
    """
    from avgzsl_bench.data.compare.comparison import compare_tables
    from avgzsl_bench.data.datasets.registry import known_dataset
    from avgzsl_bench.data.store.installed import existing_root

    root = existing_root(data_root)
    name = known_dataset(dataset, root).name if dataset else _common_dataset(root, one, other)
    found = known_dataset(name, root)
    comparison = compare_tables(_table(root, name, one), _table(root, name, other), found)
    if as_json:
        click.echo(json.dumps(asdict(comparison), indent=2, default=lambda verdict: verdict.value))
    else:
        _show(comparison)


def _common_dataset(root: Path, one: str, other: str) -> str:
    """Find the dataset that both feature sets are installed for."""
    from avgzsl_bench.data.store.installed import installed

    headers = installed(root)
    holding = [{h.dataset for h in headers if h.features == features} for features in (one, other)]
    common = sorted(holding[0] & holding[1])
    if len(common) == 1:
        return common[0]
    if common:
        raise DataError(f"{one} and {other} are installed for {', '.join(common)}; choose one with --dataset")
    known = ", ".join(sorted({h.features for h in headers})) or "nothing"
    raise DataError(f"no dataset has both {one} and {other} in {root}; installed: {known}")


def _table(root: Path, dataset: str, features: str) -> FeatureTable:
    from avgzsl_bench.cli.data_installed import chosen_stores
    from avgzsl_bench.data.store.fingerprint import fingerprint
    from avgzsl_bench.data.store.store import read_table

    (header,) = chosen_stores(root, dataset, features).headers
    table = read_table(header)
    if fingerprint(table) != header.fingerprint:
        raise DataError(f"{header.path}: altered: its content does not match its fingerprint; import it again")
    return table


def _show(comparison: Comparison) -> None:
    one, other = comparison.features
    videos = f"{comparison.shared:,} videos in both ({comparison.videos[0]:,} and {comparison.videos[1]:,})"
    click.echo(f"{comparison.dataset}: {one} and {other}, {videos}")
    for count, what in ((comparison.other_class, "class"), (comparison.other_partition, "partitions")):
        if count:
            click.echo(f"warning: {count:,} videos are of another {what} in {other} than in {one}", err=True)
    _show_relations({**comparison.modalities, **{f"text {e}": r for e, r in comparison.text.items()}})
    for name, relation in comparison.modalities.items():
        _show_lowest(name, relation)
    for encoder, relation in comparison.text.items():
        _show_lowest(f"text {encoder}", relation)
    _show_baselines(comparison.baselines)
    click.echo(f"verdict: {comparison.verdict.value}")


def _show_relations(relations: Mapping[str, Relation]) -> None:
    columns = ("vectors", "widths", "mean", "median", "5th pct", "other videos", "Spearman", "same neighbour")
    table = plain_table(*columns, "verdict", right=columns[2:])
    for name, relation in relations.items():
        cosines = relation.agreement
        shown = (cosines.mean, cosines.median, cosines.fifth, cosines.different) if cosines else (None,) * 4
        table.add_row(
            name,
            "/".join(map(str, relation.widths)),
            *map(_number, shown),
            _number(relation.geometry.spearman),
            _number(relation.geometry.same_neighbour),
            relation.verdict.value,
        )
    print_table(plain_console(), table)
    click.echo("cosines of the same video's vectors; 'other videos': mean cosine with others of its class")
    for name, relation in relations.items():
        if relation.agreement and relation.agreement.zero:
            click.echo(f"{name}: {relation.agreement.zero:,} without a cosine, as a vector is zero")
        if relation.remark:
            click.echo(f"{name}: {relation.remark}")


def _show_lowest(name: str, relation: Relation) -> None:
    """Name the classes with the lowest cosines, unless all are close to 1."""
    means = {c: a.mean for c, a in relation.by_class.items() if a.mean is not None}
    lowest = sorted(means, key=lambda c: means[c])[:_LOWEST]
    if lowest and means[lowest[0]] < 1 - 1e-3:
        click.echo(f"{name}, lowest classes: {', '.join(f'{c} {means[c]:.3f}' for c in lowest)}")


def _show_baselines(baselines: tuple[Baseline, ...]) -> None:
    if not baselines:
        return
    table = plain_table(
        "features", "baseline", "by", "scored", "classes", "videos", "accuracy, %", right=("accuracy, %",)
    )
    for b in baselines:
        scored = f"{b.scored}{', by recording' * b.by_recording}"
        counts = map(str, (b.accuracy.classes, b.accuracy.videos))
        table.add_row(b.features, b.rule, b.by, scored, *counts, _number(b.accuracy.accuracy, 2))
    print_table(plain_console(), table)


def _number(value: float | None, digits: int = 3) -> str:
    return "-" if value is None else f"{value:.{digits}f}"
