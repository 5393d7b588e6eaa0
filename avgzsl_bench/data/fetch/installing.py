"""From a published archive to installed feature sets: downloaded, unpacked, imported, audited and recorded."""

from __future__ import annotations

import datetime
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from avgzsl_bench.data.audit.audit import audit_path
from avgzsl_bench.data.audit.finding import Audit
from avgzsl_bench.data.cards.published import Source
from avgzsl_bench.data.datasets.registry import known_datasets
from avgzsl_bench.data.fetch.download import STALLED, download
from avgzsl_bench.data.fetch.fetched import (
    Fetched,
    difference,
    fetched_path,
    read_fetched,
    write_fetched,
)
from avgzsl_bench.data.fetch.transfer import ByteReport
from avgzsl_bench.data.fetch.unpack import unpack
from avgzsl_bench.data.layouts.importing import ImportResult, import_tree
from avgzsl_bench.data.layouts.tree import feature_folders
from avgzsl_bench.data.store.installed import store_path
from avgzsl_bench.data.store.store import read_header
from avgzsl_bench.errors import DataError
from avgzsl_bench.system.files import file_sha256
from avgzsl_bench.system.locks import writing_alone

_DEEPEST = 4
"""Levels of folders in an archive that are searched for feature trees."""


@dataclass(frozen=True)
class FetchResult:
    """What came of an archive.

    Attributes:
        archive: the file, which is kept.
        size, sha256: of the file.
        imported: the feature sets.
        audits: of the unpacked files.
    """

    archive: Path
    size: int
    sha256: str
    imported: list[ImportResult]
    audits: list[Audit]


def fetch_source(
    source: Source,
    root: Path,
    *,
    force: bool = False,
    report_bytes: ByteReport = lambda count, size: None,
    report: Callable[[str], None] = lambda step: None,
    warn: Callable[[str], None] = lambda line: None,
    stalled: float = STALLED,
) -> FetchResult:
    """Fetch a published archive to `downloads` in a data folder, and import what it holds.

    Args:
        source: it has an address to download from.
        root: the data folder.
        force: replace feature sets that are installed.
        report_bytes: called as bytes arrive.
        report: called with each step before it begins, for display.
        warn: called with a line for each fault that does not end the import: of a plugin's reader, a feature set
            that is missing, an archive that is not the one fetched before.
        stalled: seconds without a byte after which the server is given up.

    Raises:
        DataError: nothing to download, not to be had, damaged or refused, not what `source` says, or installed.
        AvbenchError: the data folder cannot be written to, or the disk is full.
    """
    if source.download is None:
        raise DataError(f"{source.name}: nothing to download without a browser; see {source.address}")
    before = _recorded(source, root, force=force)
    archive = root / "downloads" / f"{source.name}.zip"
    with writing_alone(archive, report):
        try:
            download(source.download, archive, report_bytes=report_bytes, report=report, stalled=stalled)
        except DataError as error:
            raise DataError(f"{error} (known of this address: {source.known_state})") from error
        report(f"computing the SHA-256 of {archive}")
        seen = archive.stat().st_size, file_sha256(archive)
        imported: list[ImportResult] = []
        with _unpacked(archive, report) as folder:
            roots = _tree_roots(folder)
            for below in roots:
                for result in import_tree(below, root, force=force, report=report, warn=warn):
                    _record(result, source, seen, before, root, warn)
                    imported.append(result)
            datasets = list(known_datasets(root).values())
            audits = [_audit_inside(a, folder) for r in roots for a in audit_path(r, datasets, report)]
    found = {(result.found.dataset, result.found.features) for result in imported}
    for dataset, features in sorted(before.keys() - found):
        warn(f"{source.name}: {features} of {dataset} is not in the archive")
    return FetchResult(archive, *seen, imported, audits)


def _record(
    result: ImportResult,
    source: Source,
    seen: tuple[int, str],
    before: Mapping[tuple[str, str], Fetched | None],
    root: Path,
    warn: Callable[[str], None],
) -> None:
    """Record the archive beside a feature set, and compare it with the one before."""
    name = result.found.dataset, result.found.features
    size, sha256 = seen
    record = Fetched(
        source=source.name,
        address=source.address,
        fetched=datetime.datetime.now(datetime.UTC).date(),
        size=size,
        sha256=sha256,
        fingerprint=read_header(result.path).fingerprint,
    )
    earlier = before.get(name)
    if earlier and (text := difference(earlier, record)):
        warn(f"{' '.join(name)}: {text}")
    write_fetched(fetched_path(root, *name), record)


def _audit_inside(audit: Audit, folder: Path) -> Audit:
    """Name the target of an audit as in the archive."""
    return replace(audit, target=audit.target.replace(f"{folder}/", ""))


@contextmanager
def _unpacked(archive: Path, report: Callable[[str], None]) -> Iterator[Path]:
    """Unpack an archive for the block; errors name places in the archive."""
    folder = archive.with_suffix(".unpacked")
    shutil.rmtree(folder, ignore_errors=True)  # of a process that was killed
    try:
        unpack(archive, folder, report)
        yield folder
    except DataError as error:
        inside = str(error).replace(f"{folder}/", "").replace(f"{folder}: ", "")
        raise DataError(inside if str(archive) in inside else f"{archive}: {inside}") from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _tree_roots(folder: Path) -> list[Path]:
    """Find the folders in an archive that hold feature trees, as the import takes them."""
    level = [folder]
    for _ in range(_DEEPEST):
        if found := [path for path in level if feature_folders(path)]:
            return found
        level = sorted(path for parent in level for path in parent.iterdir() if path.is_dir())
    return [folder]


def _recorded(source: Source, root: Path, *, force: bool) -> dict[tuple[str, str], Fetched | None]:
    """Find the records of earlier downloads, before anything is downloaded.

    Returns:
        By dataset and feature set that the source should hold.

    Raises:
        DataError: a feature set is installed already, or a record is damaged.
    """
    names = [(dataset, features) for dataset in source.datasets for features in source.features]
    there = [path for name in names if os.path.lexists(path := store_path(root, *name))]
    if there and not force:
        raise DataError(f"{there[0]} is there already; replace it with --force")
    return {name: read_fetched(fetched_path(root, *name)) for name in names}
