"""Downloading an archive: mirrors in turn, resumed where the server supports it, checked by size and SHA-256.

An incomplete download is kept in `<file>.part` and renamed once checked. pooch, which hashes it, does not resume.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pooch
import requests

from avgzsl_bench.data.fetch.manifest import Archive
from avgzsl_bench.data.fetch.transfer import ByteReport, MirrorError, connection_fault, transfer
from avgzsl_bench.errors import DataError
from avgzsl_bench.system.files import explain_write_errors
from avgzsl_bench.system.locks import writing_alone

STALLED = 60.0
"""Seconds without a byte after which a mirror is given up."""


class _WrongContentError(MirrorError):
    """A file of the right size and another content."""


def fetch(
    archive: Archive,
    folder: Path,
    *,
    report_bytes: ByteReport = lambda count: None,
    report: Callable[[str], None] = lambda line: None,
    stalled: float = STALLED,
) -> Path:
    """Fetch an archive to a folder, unless the file is there already with the size and hash of the manifest.

    Args:
        report_bytes: called with the number of bytes on disk, as they arrive.
        report: called with a line when a mirror is given up.
        stalled: seconds without a byte after which a mirror is given up.

    Raises:
        DataError: no mirror gave the file; each is named with its reason.
        AvbenchError: the folder cannot be written to, or the disk is full.
    """
    target = folder / archive.file
    failures = []
    with writing_alone(target, report), explain_write_errors(target):
        if target.is_file() and _matches(target, archive):
            return target
        for url in archive.mirrors:
            try:
                return _from_mirror(url, archive, target, report_bytes, stalled)
            except MirrorError as failure:
                failures.append(f"{url}: {failure}")
                report(failures[-1])
    raise DataError(f"{archive.file} could not be fetched: {'; '.join(failures)}; {_advice(target)}")


def _advice(target: Path) -> str:
    part = _part(target)
    there = part.stat().st_size if part.is_file() else 0
    if there:
        return f"{there:,} bytes are kept in {part}: the same command goes on from there"
    return (
        f"fetch it by hand, for instance with a browser, to {target}, or name other mirrors with --manifest FILE"
    )


def _part(target: Path) -> Path:
    return target.with_name(f"{target.name}.part")


def _matches(path: Path, archive: Archive) -> bool:
    return path.stat().st_size == archive.size and pooch.file_hash(str(path), alg="sha256") == archive.sha256


def _from_mirror(url: str, archive: Archive, target: Path, report_bytes: ByteReport, stalled: float) -> Path:
    """Try one mirror; start over once if the bytes kept from an earlier attempt are wrong."""
    resumed = _part(target).is_file()
    try:
        return _retrieve(url, archive, target, report_bytes, stalled)
    except _WrongContentError:
        if not resumed:
            raise
        return _retrieve(url, archive, target, report_bytes, stalled)


def _retrieve(url: str, archive: Archive, target: Path, report_bytes: ByteReport, stalled: float) -> Path:
    part = _part(target)
    try:
        transfer(url, archive, part, report_bytes, stalled)
    except requests.RequestException as error:
        # Once the answer has begun, requests calls a time-out a connection error.
        late = isinstance(error, requests.Timeout) or "Read timed out" in str(error)
        raise MirrorError(f"nothing came for {stalled:g} seconds" if late else connection_fault(error)) from error
    finally:
        if part.is_file() and part.stat().st_size == 0:
            part.unlink()
    # Checked before it is renamed: an interruption here loses nothing.
    if not _matches(part, archive):
        part.unlink()
        raise _WrongContentError("sent a file of the right size whose SHA-256 is another")
    os.replace(part, target)
    return target
