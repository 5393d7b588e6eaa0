"""`avbench data fetch`: archives of published features."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from avgzsl_bench.cli.console import plain_console
from avgzsl_bench.cli.options import data_root_option
from avgzsl_bench.cli.paths import UserPath
from avgzsl_bench.errors import DataError, UnknownNameError

if TYPE_CHECKING:
    from avgzsl_bench.data.cards.cards import Card
    from avgzsl_bench.data.fetch.manifest import Archive, Manifest


@click.command("fetch", short_help="Download published features.")
@click.argument("name", required=False)
@click.option(
    "--manifest",
    "manifest_path",
    metavar="FILE",
    type=UserPath(path_type=Path),
    help="A manifest of your own, for instance for your laboratory's mirror.",
)
@data_root_option
def fetch_command(name: str | None, manifest_path: Path | None, data_root: Path | None) -> None:
    """Download the archive NAME, or all of the feature set NAME; without NAME, list the archives.

    Archives are fetched from several mirrors in turn, resumed where they broke off, and checked by size and
    SHA-256. They go to 'downloads' in the data folder. The manifest lists only archives whose address and checksum
    are known for certain; for all other feature sets, the place where the authors publish them is shown.
    """
    from avgzsl_bench.data.cards.cards import card_of, has_card, known_cards
    from avgzsl_bench.data.fetch.manifest import read_manifest
    from avgzsl_bench.data.store.installed import data_root as locate

    manifest = read_manifest(manifest_path)
    if name is None:
        _list(manifest, [card for card in known_cards() if not card.simulated])
        return
    archives = manifest.find(name)
    if not archives and has_card(name):
        raise DataError(_by_hand(card_of(name)))
    if not archives:
        known = {text for a in manifest.archives for text in (a.name, a.features)}
        raise UnknownNameError("archive or feature set", name, known | {card.features for card in known_cards()})
    for archive in archives:
        path = _fetch_shown(archive, locate(data_root) / "downloads")
        click.echo(f"{archive.name}: {archive.size:,} bytes, SHA-256 as expected -> {path}")
    click.echo("unpack it, then: avbench data import DIR")


def _fetch_shown(archive: Archive, folder: Path) -> Path:
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    from avgzsl_bench.data.fetch.download import fetch

    console = plain_console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(bar_width=24), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task(archive.file, total=archive.size)
        return fetch(
            archive,
            folder,
            report_bytes=lambda count: bar.update(task, completed=count),
            report=lambda line: click.echo(line, err=True),
        )


def _list(manifest: Manifest, cards: list[Card]) -> None:
    for archive in manifest.archives:
        mirrors = f"{len(archive.mirrors)} mirror{'s' if len(archive.mirrors) > 1 else ''}"
        click.echo(f"{archive.name}: {archive.features}, {archive.size:,} bytes, {mirrors}")
    fetchable = {archive.features for archive in manifest.archives}
    for card in cards:
        if card.features not in fetchable:
            click.echo(_by_hand(card))


def _by_hand(card: Card) -> str:
    """Explain where the authors publish a feature set that is not in the manifest, and what to do then."""
    if card.simulated:
        return f"{card.features}: made on first use, nothing to fetch: avbench run --dataset ucf --method mft"
    return (
        f"{card.features}: not in the manifest, because no download address and checksum are known for "
        f"certain; its authors publish it at {', '.join(card.published)} ({card.obtain}); download it, unpack it, "
        "then: avbench data import DIR"
    )
