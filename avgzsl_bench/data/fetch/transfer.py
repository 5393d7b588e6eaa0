"""One HTTP transfer: the rest of a file from one mirror, and its errors in a few words."""

from __future__ import annotations

import html
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import requests

from avgzsl_bench.data.fetch.manifest import Archive
from avgzsl_bench.errors import one_line

ByteReport = Callable[[int], None]
"""Called with the number of bytes on disk."""

_CHUNK = 1 << 16
_PAGE = re.compile(rb"\s*(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html|head)\b", re.IGNORECASE | re.DOTALL)
_TITLE = re.compile(rb"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)


class MirrorError(Exception):
    """The reason why a mirror did not give the file."""


class _UselessError(MirrorError):
    """The response is no part of the file."""


def transfer(url: str, archive: Archive, part: Path, report_bytes: ByteReport, stalled: float) -> None:
    """Download the rest of `part`.

    Raises:
        MirrorError: the server sends something else. Earlier bytes are kept if they may be part of the file.
        requests.RequestException: the connection.
        OSError: the disk.
    """
    there = part.stat().st_size if part.is_file() else 0
    if there > archive.size:
        part.unlink()
        there = 0
    if there == archive.size:
        return
    headers = {"Accept-Encoding": "identity"}
    if there:
        headers["Range"] = f"bytes={there}-"
    with requests.get(url, headers=headers, stream=True, timeout=(stalled, stalled)) as response:
        start = _checked_start(response, there, archive)
        with part.open("r+b" if there else "wb") as stream:
            stream.seek(there)
            try:
                end = _receive(response, stream, start, there, archive, report_bytes)
                stream.flush()
                os.fsync(stream.fileno())
            except _UselessError:
                stream.truncate(there)
                raise
    if end != archive.size:
        raise MirrorError(f"ended after {end:,} of {archive.size:,} bytes")


def _checked_start(response: requests.Response, there: int, archive: Archive) -> int:
    """Check a response and give the position of its first byte in the file."""
    if response.status_code == requests.codes.range_not_satisfiable:
        raise MirrorError("has a shorter file")
    if response.status_code not in (requests.codes.ok, requests.codes.partial_content):
        raise MirrorError(f"answered {response.status_code} {one_line(response.reason or '', 80)}".strip())
    media_type = response.headers.get("Content-Type", "").split(";")[0].strip().lower()
    if media_type in ("text/html", "application/xhtml+xml"):
        raise _page(next(response.iter_content(_CHUNK), b""))
    start = 0
    if response.status_code == requests.codes.partial_content:
        found = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", response.headers.get("Content-Range", ""))
        if not found or int(found[1]) != there:
            raise MirrorError("answered with another part of the file than requested")
        if found[2] not in ("*", str(archive.size)):
            raise MirrorError(f"has a file of {int(found[2]):,} bytes, not of {archive.size:,}")
        start = there
    length = response.headers.get("Content-Length", "")
    if length.isdecimal() and start + int(length) != archive.size:
        content = next(response.iter_content(_CHUNK), b"")
        if _PAGE.match(content):
            raise _page(content)
        raise MirrorError(f"has a file of {start + int(length):,} bytes, not of {archive.size:,}")
    return start


def _receive(
    response: requests.Response, stream: Any, start: int, there: int, archive: Archive, report_bytes: ByteReport
) -> int:
    """Append a response, from byte `start` of the file on, to the `there` bytes on disk, and give where it ended.

    A server without support for ranges sends the beginning again. It is skipped and not written again, because
    such a server may break off earlier than the one before. The hash shows whether the two parts fit together.
    """
    end = start
    for chunk in response.iter_content(_CHUNK):
        if end == 0 and _PAGE.match(chunk):
            raise _page(chunk)
        if end + len(chunk) > archive.size:
            raise _UselessError(f"sends more than the {archive.size:,} bytes of the file")
        stream.write(chunk[max(0, there - end) :])
        end += len(chunk)
        if end > there:
            report_bytes(end)
    return end


def _page(content: bytes) -> _UselessError:
    """Make the error for a web page in place of the file, such as a host's notice on viruses or quota."""
    found = _TITLE.search(content)
    title = one_line(html.unescape(found[1].decode("utf-8", "replace")), 80) if found else ""
    return _UselessError(
        f"answered with a web page{f' ({title})' if title else ''} instead of the file: the host shows "
        "a notice, for instance on viruses or quota; open the address in a browser"
    )


def connection_fault(error: Exception) -> str:
    """Give the innermost cause of a connection error in a few words."""
    text = str(error)
    if "IncompleteRead" in text:
        return "broke off before the end"
    if found := re.search(r"\[Errno -?\d+\] ([^'\")]+)", text):
        return one_line(found[1], 120)
    if isinstance(error, requests.exceptions.SSLError):
        found = re.search(r"certificate verify failed[^'\"(]*", text)
        return f"no secure connection{f': {one_line(found[0], 120)}' if found else ''}"
    if isinstance(error, requests.exceptions.ContentDecodingError):
        return "sent what cannot be unpacked"
    if isinstance(error, (requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        return "the connection broke"
    return one_line(text, 120) or type(error).__name__
