"""One HTTP transfer: a file, or the rest of it, and errors in a few words.

No checksum of the published archives is known, so the server has to say that what is left is of the same file: by
its validator (an ETag, or the time of the last change) and by its size, which are kept beside the incomplete file.
"""

from __future__ import annotations

import html
import os
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated, BinaryIO

import requests
from pydantic import Field, StringConstraints

from avgzsl_bench.data.cards.published import Link
from avgzsl_bench.data.untrusted.json_file import JsonModel, read_json_model
from avgzsl_bench.errors import DataError, one_line
from avgzsl_bench.system.files import write_atomically

ByteReport = Callable[[int, int | None], None]
"""Called with the number of bytes on disk, and the size of the file if it is known."""

_CHUNK = 1 << 16
_LARGEST = 1 << 40
"""Bytes of a file whose server does not state its size."""
_LARGEST_STATE = 1 << 12
_PAGE = re.compile(rb"\s*(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html|head)\b", re.IGNORECASE | re.DOTALL)
_TITLE = re.compile(rb"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)


class TransferError(Exception):
    """The reason why a server did not give the file."""


class _File(JsonModel):
    """The file that an incomplete one is the beginning of, as the server describes it."""

    url: Link
    validator: Annotated[str, StringConstraints(pattern=r"^[ -~]{1,300}$")] | None
    size: Annotated[int, Field(ge=0)] | None

    def may_be(self, other: _File) -> bool:
        """Whether the server describes the same file in another response."""
        sizes = {self.size, other.size} - {None}
        return self.validator == other.validator and len(sizes) < 2


def state_path(part: Path) -> Path:
    """Give the place of what is known about the file that `part` is the beginning of."""
    return part.with_name(f"{part.name}.json")


def transfer(url: str, part: Path, report_bytes: ByteReport, stalled: float) -> None:
    """Download a file to `part`, from where it broke off if the server still has the same file.

    Raises:
        TransferError: the server sends something else. Bytes of the same file are kept.
        requests.RequestException: the connection.
        OSError: the disk.
    """
    begun = _begun(url, part)
    there = part.stat().st_size if begun else 0
    if begun and begun.size == there:
        return
    headers = {"Accept-Encoding": "identity"}
    if begun:
        headers["Range"] = f"bytes={there}-"
        if begun.validator:
            headers["If-Range"] = begun.validator
    with requests.get(url, headers=headers, stream=True, timeout=(stalled, stalled)) as response:
        if response.status_code == requests.codes.range_not_satisfiable:
            part.unlink()
            raise TransferError("has another file than when the download began; the next attempt begins anew")
        start, file = _described(response, url, there)
        content = response.iter_content(_CHUNK)
        first = next(content, b"")
        if start == 0 and _PAGE.match(first):
            raise _page(first)
        if begun and not begun.may_be(file):
            part.unlink()
            there = 0
            if start:
                raise TransferError("has another file than when the download began; the next attempt begins anew")
        if file != begun:
            write_atomically(state_path(part), file.model_dump_json().encode())
        with part.open("r+b" if there else "wb") as stream:
            end = _receive([first], stream, start, there, file, report_bytes)
            end = _receive(content, stream, end, there, file, report_bytes)
            stream.flush()
            os.fsync(stream.fileno())
    if file.size is not None and end != file.size:
        raise TransferError(f"ended after {end:,} of {file.size:,} bytes")


def _begun(url: str, part: Path) -> _File | None:
    """Read what is known about the file of an incomplete download from an address; None if there is nothing."""
    try:
        known = read_json_model(state_path(part), _File, _LARGEST_STATE, "state of a download")
    except DataError:
        return None
    usable = part.is_file() and known.url == url and (known.validator or known.size)
    return known if usable and (known.size is None or part.stat().st_size <= known.size) else None


def _described(response: requests.Response, url: str, there: int) -> tuple[int, _File]:
    """Check a response, and give the position of its first byte and the file that it is of."""
    if response.status_code not in (requests.codes.ok, requests.codes.partial_content):
        raise TransferError(f"answered {response.status_code} {one_line(response.reason or '', 80)}".strip())
    media_type = response.headers.get("Content-Type", "").split(";")[0].strip().lower()
    if media_type in ("text/html", "application/xhtml+xml"):
        raise _page(next(response.iter_content(_CHUNK), b""))
    start, length = 0, response.headers.get("Content-Length", "")
    size = int(length) if length.isdecimal() else None
    if response.status_code == requests.codes.partial_content:
        found = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", response.headers.get("Content-Range", ""))
        if not found or int(found[1]) != there:
            raise TransferError("answered with another part of the file than requested")
        start, size = there, None if found[2] == "*" else int(found[2])
    return start, _File(url=url, validator=_validator(response), size=size)


def _validator(response: requests.Response) -> str | None:
    """Give a strong validator of the file, as `If-Range` takes it."""
    tag, changed = response.headers.get("ETag", ""), response.headers.get("Last-Modified", "")
    value = tag if tag and not tag.startswith("W/") else changed
    return value if re.fullmatch(r"[ -~]{1,300}", value) else None


def _receive(
    content: Iterable[bytes], stream: BinaryIO, start: int, there: int, file: _File, report_bytes: ByteReport
) -> int:
    """Write content that begins at byte `start` of the file, after the `there` bytes on disk, and give its end.

    A server without support for ranges sends the beginning again. It is skipped, because such a server may break
    off earlier than the one before.
    """
    stream.seek(max(start, there))
    end, most = start, _LARGEST if file.size is None else file.size
    for chunk in content:
        if end + len(chunk) > most:
            raise TransferError(f"sends more than the {most:,} bytes of the file")
        stream.write(chunk[max(0, there - end) :])
        end += len(chunk)
        if end > there:
            report_bytes(end, file.size)
    return end


def _page(content: bytes) -> TransferError:
    """Make the error for a web page in place of the file, such as a host's notice on viruses or quota."""
    found = _TITLE.search(content)
    title = one_line(html.unescape(found[1].decode("utf-8", "replace")), 80) if found else ""
    return TransferError(
        f"answered with a web page{f' ({title})' if title else ''} instead of the file: the host shows "
        "a notice, for instance on viruses or quota"
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
