"""Downloading an archive, resumed where the server supports it.

An incomplete download is kept in `<file>.part` and renamed once it is whole. A file that is there already, because
it was downloaded before or in a browser, is taken as it is.
"""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import requests

from avgzsl_bench.data.fetch.transfer import ByteReport, TransferError, connection_fault, state_path, transfer
from avgzsl_bench.errors import DataError
from avgzsl_bench.system.files import explain_write_errors
from avgzsl_bench.system.locks import writing_alone

STALLED = 60.0
"""Seconds without a byte after which a server is given up."""


def download(
    url: str,
    target: Path,
    *,
    report_bytes: ByteReport = lambda count, size: None,
    report: Callable[[str], None] = lambda line: None,
    stalled: float = STALLED,
) -> Path:
    """Download a zip archive, unless it is there already.

    Args:
        url: address of the archive.
        target: the file to write.
        report_bytes: called as bytes arrive.
        report: called with a line if another process is at it.
        stalled: seconds without a byte after which the server is given up.

    Raises:
        DataError: the server did not give the file, or it is no zip archive.
        AvbenchError: the folder cannot be written to, or the disk is full.
    """
    part = target.with_name(f"{target.name}.part")
    with writing_alone(target, report), explain_write_errors(target):
        if target.is_file():
            _require_zip(target, f"remove it, then fetch it from {url}")
            return target
        try:
            _transferred(url, part, report_bytes, stalled)
        except TransferError as failure:
            raise DataError(
                f"{target.name} could not be fetched: {url}: {failure}; {_advice(target, part)}"
            ) from None
        try:
            _require_zip(part, "the next attempt begins anew")
        except DataError:
            part.unlink(missing_ok=True)
            raise
        finally:
            state_path(part).unlink(missing_ok=True)
        os.replace(part, target)
    return target


def _transferred(url: str, part: Path, report_bytes: ByteReport, stalled: float) -> None:
    try:
        transfer(url, part, report_bytes, stalled)
    except requests.RequestException as error:
        # Once the answer has begun, requests calls a time-out a connection error.
        late = isinstance(error, requests.Timeout) or "Read timed out" in str(error)
        raise TransferError(
            f"nothing came for {stalled:g} seconds" if late else connection_fault(error)
        ) from error
    finally:
        if part.is_file() and part.stat().st_size == 0:
            part.unlink()
        if not part.is_file():
            state_path(part).unlink(missing_ok=True)


def _advice(target: Path, part: Path) -> str:
    there = part.stat().st_size if part.is_file() else 0
    if there:
        return f"{there:,} bytes are kept in {part}: the same command goes on from there"
    return f"download it in a browser to {target}, then the same command goes on from there"


def _require_zip(path: Path, advice: str) -> None:
    if not zipfile.is_zipfile(path):
        raise DataError(f"{path}: no zip archive, or cut off; {advice}")
