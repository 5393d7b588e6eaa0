"""Unpacking a zip archive that is not trusted: nothing outside the folder, no links, and a bounded size."""

from __future__ import annotations

import re
import shutil
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath

from avgzsl_bench.errors import DataError, one_line
from avgzsl_bench.system.files import explain_write_errors, os_reason

_MOST_FILES = 200_000
"""The published archives have some ten thousand."""

_RATIO = 50
"""Bytes that an archive may unpack to, by byte of its own. Feature vectors of floats hardly reach 5."""

_ALLOWANCE = 1 << 24
"""Bytes that any archive may unpack to."""

_CHUNK = 1 << 20
_ENCRYPTED = 0x1
_COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    ValueError,
    OverflowError,
    RuntimeError,
    OSError,
)
"""What the library raises when it reads a damaged archive, errors of the system among them."""


def unpack(archive: Path, folder: Path, report: Callable[[str], None] = lambda step: None) -> None:
    """Unpack a zip archive to a folder.

    Args:
        archive: the file.
        folder: the folder to make; the archive's own folders go below it.
        report: called with each step before it begins, for display.

    Raises:
        DataError: damaged, or refused: a path that leads out of the folder, a link, a file twice, or too much.
        AvbenchError: the folder cannot be written to, or the disk is full.
    """
    try:
        with zipfile.ZipFile(archive) as content:
            members = _checked(archive, content.infolist())
            with explain_write_errors(folder):
                folder.mkdir(parents=True)
            _require_space(archive, members, folder)
            for i, (path, member) in enumerate(members.items()):
                if i % 100 == 0:
                    report(f"unpacking {archive.name}: {i:,} of {len(members):,} files")
                _extract(content, member, folder / path)
    except _DAMAGE as error:
        reason = one_line(str(error), 200) or type(error).__name__
        raise DataError(f"{archive}: damaged: {reason}; remove it and fetch it again") from error


def _checked(archive: Path, members: list[zipfile.ZipInfo]) -> dict[PurePosixPath, zipfile.ZipInfo]:
    """Give the files of an archive by path, none of which may do harm."""
    if len(members) > _MOST_FILES:
        raise DataError(f"{archive}: refused: {len(members):,} files, more than {_MOST_FILES:,}")
    if (total := sum(m.file_size for m in members)) > (most := archive.stat().st_size * _RATIO + _ALLOWANCE):
        raise DataError(f"{archive}: refused: it would unpack to {total:,} bytes, more than {most:,}")
    files: dict[PurePosixPath, zipfile.ZipInfo] = {}
    folded: set[str] = set()
    for member in members:
        path, problem = PurePosixPath(member.filename), _problem(member)
        if not problem and not member.is_dir():
            problem = "twice" if str(path).casefold() in folded else None
            folded.add(str(path).casefold())
            files[path] = member
        if problem:
            raise DataError(f"{archive}: refused: {one_line(member.filename, 100)!r}: {problem}")
    return files


def _problem(member: zipfile.ZipInfo) -> str | None:
    """Find why a member may not be unpacked; None if it may."""
    # `orig_filename` is what is stored: `filename` ends at the first zero byte.
    name = member.orig_filename
    if not name.isprintable() or "\\" in name or re.match(r"[A-Za-z]:", name):
        return "no portable name"
    if name.startswith("/") or ".." in PurePosixPath(name).parts or not PurePosixPath(name).parts:
        return "a path out of the folder"
    mode = member.external_attr >> 16
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "neither a file nor a folder"
    if member.flag_bits & _ENCRYPTED:
        return "encrypted"
    if member.compress_type not in _COMPRESSIONS:
        return "compressed in an unusual way"
    return None


def _require_space(archive: Path, members: dict[PurePosixPath, zipfile.ZipInfo], folder: Path) -> None:
    needed, free = sum(m.file_size for m in members.values()), shutil.disk_usage(folder).free
    if needed > free:
        raise DataError(f"{archive}: unpacks to {needed:,} bytes, and {folder} has room for {free:,}; make room")


def _extract(content: zipfile.ZipFile, member: zipfile.ZipInfo, path: Path) -> None:
    """Write a file of exactly the size that is stated; the library compares its checksum."""
    written = 0
    with explain_write_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as target:
            for chunk in _chunks(content, member):
                written += len(chunk)
                if written > member.file_size:
                    raise zipfile.BadZipFile(f"{member.filename}: longer than it says")
                target.write(chunk)
    if written != member.file_size:
        raise zipfile.BadZipFile(f"{member.filename}: shorter than it says")


def _chunks(content: zipfile.ZipFile, member: zipfile.ZipInfo) -> Iterator[bytes]:
    """Read a file piece by piece; errors of the system are damage too, of places that are not there."""
    try:
        with content.open(member) as source:
            while chunk := source.read(_CHUNK):
                yield chunk
    except OSError as error:
        raise zipfile.BadZipFile(f"{member.filename}: {os_reason(error)}") from error
