"""`avbench data verify`: integrity of installed features and added texts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from avgzsl_bench.cli.data_installed import chosen_stores, missing_vectors, nothing_installed
from avgzsl_bench.cli.options import data_root_option
from avgzsl_bench.errors import DataError, UnknownNameError

if TYPE_CHECKING:
    from avgzsl_bench.data.store.added_text import AddedText
    from avgzsl_bench.data.store.store import StoreHeader


@click.command("verify", short_help="Check installed features.")
@click.argument("dataset_name", metavar="[DATASET]", required=False)
@click.argument("features", required=False)
@data_root_option
def verify_command(dataset_name: str | None, features: str | None, data_root: Path | None) -> None:
    """Check installed features and added texts: unaltered, consistent, and how they differ from the standard.

    Differences from the standard data are shown. Damage and contradictions end with exit code 2.
    """
    from avgzsl_bench.data.datasets.registry import known_dataset, scan_own_datasets
    from avgzsl_bench.data.store.added_text import scan_added_text
    from avgzsl_bench.data.store.installed import existing_root, scan

    root = existing_root(data_root)
    if dataset_name is None:
        there = scan(root)
    else:
        dataset_name = known_dataset(dataset_name, root).name
        there = chosen_stores(root, dataset_name, features)
    added = scan_added_text(root)
    texts = [text for text in added.texts if dataset_name in (None, text.dataset)]
    unreadable = [error for p, error in added.unreadable if dataset_name in (None, p.parent.name)]
    unreadable += (error for _, error in there.unreadable)
    if dataset_name is None:
        unreadable += (error for _, error in scan_own_datasets(root).unreadable if error not in unreadable)
    if not there.headers and not texts and not unreadable:
        raise nothing_installed(root, dataset_name)
    for error in unreadable:
        click.echo(f"error: {error}")
    failed = []
    for header in there.headers:
        failed += _check_store(header, root)
    for text in texts:
        failed += _check_text(text, root)
    if failed:
        unreadable.append(
            f"not to be used: {', '.join(failed)}; import again with 'avbench data import DIR --force', or "
            "'avbench data add-text DATASET FILE --force'"
        )
    if unreadable:
        raise DataError("; ".join(unreadable))


def _check_store(header: StoreHeader, root: Path) -> list[str]:
    """Verify a store and print the findings; give its name if it must not be used."""
    from avgzsl_bench.data.datasets.registry import known_dataset
    from avgzsl_bench.data.store.verify import verify_store

    label = f"{header.dataset} {header.features}"
    try:
        report = verify_store(header, known_dataset(header.dataset, root))
    except (DataError, UnknownNameError) as fault:
        click.echo(f"{label}: error: {fault}")
        return [label]
    for finding in report.findings:
        click.echo(f"{label}: {finding.severity.value}: {finding.name}: {finding.text}")
    if report.errors:
        return [label]
    click.echo(f"{label}: {report.verdict}")
    return []


def _check_text(text: AddedText, root: Path) -> list[str]:
    """Verify an added text and print the findings; give its name if it must not be used."""
    from avgzsl_bench.data.datasets.registry import known_dataset
    from avgzsl_bench.data.store.added_text import check_added_text, missing_classes

    label = f"{text.dataset} text {text.name}"
    try:
        dataset = known_dataset(text.dataset, root)
        check_added_text(text, dataset, label)
    except (DataError, UnknownNameError) as fault:
        click.echo(f"{label}: error: {fault}")
        return [label]
    missing = missing_classes(text, dataset)
    click.echo(f"{label}: {missing_vectors(missing) if missing else 'unaltered'}")
    return [label] if missing else []
