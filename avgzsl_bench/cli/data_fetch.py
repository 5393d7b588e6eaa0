"""`avbench data fetch`: what is published where, and fetching it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from avgzsl_bench.cli.console import plain_console
from avgzsl_bench.cli.options import data_root_option
from avgzsl_bench.errors import DataError, UnknownNameError

if TYPE_CHECKING:
    from avgzsl_bench.data.audit.finding import Audit
    from avgzsl_bench.data.cards.published import Source
    from avgzsl_bench.data.fetch.installing import FetchResult
    from avgzsl_bench.data.fetch.transfer import ByteReport

_TITLES = {"features": "Features", "models": "Trained models", "videos": "Raw videos"}


@click.command("fetch", short_help="List what is published, or download and import it.")
@click.argument("name", required=False)
@data_root_option
@click.option("--force", is_flag=True, help="Replace installed features.")
def fetch_command(name: str | None, data_root: Path | None, force: bool) -> None:
    """Download and import the archive NAME, or all archives of the feature set NAME.

    Without NAME, list what is published: features, trained models and raw videos, with what is known of the state
    of each address.

    Archives go to 'downloads' in the data folder; one that you downloaded there with a browser is used too. A
    download that broke off is resumed. Imported features are checked as by 'avbench data import' and 'avbench data
    audit', and the SHA-256 of the archive is recorded beside them.
    """
    from avgzsl_bench.data.cards.published import published
    from avgzsl_bench.data.fetch.installing import fetch_source
    from avgzsl_bench.data.store.installed import data_root as locate

    if name is None:
        _list(published())
        return
    root = locate(data_root)
    for source in _chosen(name, published()):
        with _display(source.name) as (report_bytes, report):
            result = fetch_source(source, root, force=force, report_bytes=report_bytes, report=report, warn=_warn)
        _show(result)


def _chosen(name: str, sources: tuple[Source, ...]) -> list[Source]:
    """Choose the archives of a name, its own or that of a feature set."""
    from avgzsl_bench.data.datasets.feature_sets import SIMULATED

    if name == SIMULATED:
        raise DataError(f"{name}: made on first use, nothing to fetch: avbench run --dataset ucf --method mft")
    found = [s for s in sources if s.name == name] or [s for s in sources if name in s.features]
    if not found:
        raise UnknownNameError("archive or feature set", name, {n for s in sources for n in (s.name, *s.features)})
    by_hand = next((s for s in found if s.download is None), None)
    if by_hand is not None:
        revision = f", revision {by_hand.revision}" if by_hand.revision else ""
        raise DataError(
            f"{by_hand.name}: not downloaded by this program; see {by_hand.address}{revision} "
            f"(licence: {by_hand.licence}; {by_hand.known_state})"
        )
    return found


def _warn(line: str) -> None:
    click.echo(f"warning: {' '.join(line.split())}", err=True)


def _show(result: FetchResult) -> None:
    from avgzsl_bench.cli.data_layouts import show_imported

    click.echo(f"{result.archive}: {result.size:,} bytes, SHA-256 {result.sha256}")
    show_imported(result.imported)
    for audit in result.audits:
        _show_audit(audit)


def _show_audit(audit: Audit) -> None:
    from avgzsl_bench.data.audit.finding import Severity
    from avgzsl_bench.data.audit.report import as_text

    grave = tuple(f for f in audit.findings if f.severity is not Severity.NOTE)
    for line in as_text(replace(audit, findings=grave), plain_console().width):
        click.echo(line)


@contextmanager
def _display(name: str) -> Iterator[tuple[ByteReport, Callable[[str], None]]]:
    """Show the progress of a download, and then the steps of the import."""
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    console = plain_console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(bar_width=24), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task(name, total=None)
        yield (
            lambda count, size: bar.update(task, completed=count, total=size),
            lambda step: bar.update(task, description=step),
        )


def _list(sources: tuple[Source, ...]) -> None:
    for kind, title in _TITLES.items():
        click.echo(f"{title}\n")
        for source in (s for s in sources if s.kind == kind):
            _list_source(source)


def _list_source(source: Source) -> None:
    click.echo(f"  {source.name}: {source.holds}")
    if source.features:
        click.echo(f"    features:  {', '.join(source.features)} of {', '.join(source.datasets)}")
    revision = f", revision {source.revision}" if source.revision else ""
    click.echo(f"    address:   {source.address}{revision}")
    click.echo(f"    licence:   {source.licence}")
    click.echo(f"    state:     {source.known_state}")
    if source.download:
        click.echo(f"    get it:    avbench data fetch {source.name}")
    click.echo("")
