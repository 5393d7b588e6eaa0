"""Writing files and folders whole or not at all, and errors of the system in one line."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from avgzsl_bench.errors import AvbenchError

NO_FOLDER, NOT_A_FOLDER = "no such folder", "not a folder"
"""Results of `folder_fault` for a path where nothing is, and for one with something else."""


@contextmanager
def explain_write_errors(place: Path | str) -> Iterator[None]:
    """Report errors of the system inside the block in one line that names a place.

    Raises:
        AvbenchError: for any `OSError`.
    """
    try:
        yield
    except OSError as error:
        raise AvbenchError(f"cannot write {place}: {os_reason(error)}; choose another folder") from error


@contextmanager
def atomic_file(path: Path) -> Iterator[Path]:
    """Make a temporary file beside `path` for the block to fill; flush it to disk and rename it afterwards.

    If anything fails, the temporary file is removed and the file at `path` is unchanged.

    Raises:
        AvbenchError: the folder cannot be made or written to, or the disk is full.
    """
    with explain_write_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
        temporary = Path(name)
        try:
            with os.fdopen(handle, "rb") as stream:
                yield temporary
                os.fsync(stream.fileno())
            os.chmod(temporary, 0o644)
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file whole or not at all.

    Raises:
        AvbenchError: as `atomic_file`.
    """
    with atomic_file(path) as temporary:
        temporary.write_bytes(content)


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """Make a temporary folder beside `path` for the block to fill; give it its name afterwards.

    If anything fails, what was written is removed. A program that is killed leaves at most a hidden folder that
    ends in `.tmp`.

    Raises:
        AvbenchError: there is something at `path` already, the folder cannot be made or the disk is full.
    """
    if os.path.lexists(path):
        raise AvbenchError(f"{path} is there already and would be overwritten; choose another folder")
    with explain_write_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name[:100]}.", suffix=".tmp"))
        try:
            yield temporary
            for file in filter(Path.is_file, temporary.rglob("*")):
                with file.open("rb") as stream:
                    os.fsync(stream.fileno())
            os.chmod(temporary, 0o755)
            # Replaces at most an empty folder that somebody made in the meantime.
            os.rename(temporary, path)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


def content_of(path: Path) -> bytes | None:
    """Read a file; None if there is none.

    Raises:
        AvbenchError: there is something else than a file, or it cannot be read.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # reading a pipe would wait for a writer
            raise AvbenchError(f"{path}: not a file")
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise AvbenchError(f"{path}: cannot be read: {os_reason(error)}") from error


def file_sha256(path: Path) -> str:
    """Compute the SHA-256 of a file.

    Raises:
        AvbenchError: it cannot be read.
    """
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise AvbenchError(f"{path}: cannot be read: {os_reason(error)}") from error


def os_reason(error: Exception) -> str:
    """Give the system's words for an error of a file operation.

    h5py's errors are a dump of its library, in which the system's error number stands somewhere if there is one.
    """
    number = getattr(error, "errno", None)
    if number is None and (found := re.search(r"errno = (\d+)", str(error))):
        number = int(found[1])
    return os.strerror(number) if number else " ".join(str(error).split(" (")[0].split())


def folder_fault(path: Path) -> str | None:
    """Explain why a path is not a folder; None if it is one."""
    try:
        return None if stat.S_ISDIR(path.stat().st_mode) else NOT_A_FOLDER
    except FileNotFoundError:
        return broken_link(path) or NO_FOLDER
    except OSError as error:
        return os_reason(error)


def broken_link(path: Path) -> str | None:
    """Describe the link at a path that leads nowhere; None if there is none."""
    try:
        return (
            None if path.exists() else f"a broken link, to {os.readlink(path)}; mount its disk, or remove the link"
        )
    except OSError:
        return None


def require_writable(folder: Path) -> None:
    """Fail now rather than after a long run if a folder cannot be made or written to; nothing is left behind.

    Raises:
        AvbenchError: it cannot be made or written to.
    """
    with (
        explain_write_errors(f"to {folder}"),
        tempfile.NamedTemporaryFile(dir=nearest_folder(folder), prefix=".avbench.", suffix=".tmp"),
    ):
        pass


def nearest_folder(folder: Path) -> Path:
    """Give the folder, or the nearest existing one above it."""
    try:
        folder.stat()
    except FileNotFoundError:
        return nearest_folder(folder.absolute().parent)
    return folder
