"""`avbench data audit`: look for known faults in data, downloaded or installed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from avgzsl_bench.cli.options import data_root_option
from avgzsl_bench.cli.paths import UserPath
from avgzsl_bench.errors import DataError, UnknownNameError

if TYPE_CHECKING:
    from avgzsl_bench.data.audit.finding import Audit


@click.command("audit", short_help="Look for known faults in downloaded or installed data.")
@click.argument("path", metavar="[DIR]", required=False, type=UserPath(path_type=Path))
@click.option("--dataset", "dataset_name", help="Without DIR: audit the installed features of this dataset only.")
@click.option("--features", help="Without DIR: audit this installed feature set only.")
@data_root_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def audit_command(
    path: Path | None, dataset_name: str | None, features: str | None, data_root: Path | None, as_json: bool
) -> None:
    """Look for known faults in DIR, or in installed features.

    DIR is a tree as its authors publish it (AVCA, TCAF, ClipClap), at any level that 'data import' accepts, or a
    folder with caches of the published code, or one such cache. Every fault is listed with its evidence, its
    effect on results and what to do about it; 'data import' stops at the first fault. Nothing is changed.

    The exit code is 1 if an error is found, 0 with warnings and notes only, 2 if there is nothing to audit.
    """
    from avgzsl_bench.cli.console import plain_console
    from avgzsl_bench.data.audit.audit import audit_path
    from avgzsl_bench.data.audit.report import as_text, as_values
    from avgzsl_bench.data.datasets.registry import known_datasets
    from avgzsl_bench.data.store.installed import data_root as locate
    from avgzsl_bench.data.store.installed import existing_root

    if path is not None and (dataset_name is not None or features is not None):
        raise click.UsageError(
            "--dataset and --features are for installed features; leave out DIR or these options"
        )
    console = plain_console(stderr=True)
    with console.status("auditing") as status:
        if path is not None:
            audits = audit_path(path, list(known_datasets(locate(data_root)).values()), status.update)
        else:
            audits = _installed(dataset_name, features, existing_root(data_root), status.update)
    if as_json:
        click.echo(json.dumps([as_values(item) for item in audits], indent=2))
    else:
        blocks = ["\n".join(as_text(item, min(plain_console().width, 110))) for item in audits]
        click.echo("\n\n".join(blocks))
    if any(item.failed for item in audits):
        raise click.exceptions.Exit(1)


def _installed(
    dataset_name: str | None, features: str | None, root: Path, report: Callable[[str], None]
) -> list[Audit]:
    """Audit the installed stores of a dataset and feature set; None stands for all."""
    from avgzsl_bench.data.audit.audit import audit_store, unreadable_store
    from avgzsl_bench.data.datasets.feature_sets import PUBLISHED, SIMULATED
    from avgzsl_bench.data.datasets.registry import known_dataset
    from avgzsl_bench.data.store.installed import scan

    if dataset_name is not None:
        dataset_name = known_dataset(dataset_name, root).name
    there = scan(root, dataset_name)
    unreadable = [(path, error, path.relative_to(root).parts) for path, error in there.unreadable]
    known = {SIMULATED, *(f.name for f in PUBLISHED), *(h.features for h in there.headers)}
    known |= {parts[1] for _, _, parts in unreadable if len(parts) > 1}
    if features is not None and features not in known:
        raise UnknownNameError("feature set", features, known)
    chosen = [h for h in there.headers if features in (None, h.features)]
    audits = [
        unreadable_store(path, error, *parts[:2])
        for path, error, parts in unreadable
        if features is None or features in parts[1:2] or len(parts) == 1
    ]
    if not chosen and not audits:
        what = " ".join(filter(None, (dataset_name, features))) or "nothing"
        raise DataError(
            f"{what}: not installed in {root}; import features with 'avbench data import DIR', or audit a "
            "download with 'avbench data audit DIR'"
        )
    for header in chosen:
        report(f"reading {header.path}")
        try:
            audits.append(audit_store(header, known_dataset(header.dataset, root)))
        except DataError as error:
            audits.append(unreadable_store(header.path, str(error), header.dataset, header.features))
    return audits
