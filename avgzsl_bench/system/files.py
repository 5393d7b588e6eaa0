"""Writing files so that nothing half-written is ever read, and saying in one line why it cannot be done."""

from __future__ import annotations

import os
import re
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from avgzsl_bench.errors import AvbenchError

NO_FOLDER = "no such folder"
"""What `folder_fault` says where nothing lies."""


@contextmanager
def atomic_file(path: Path) -> Iterator[Path]:
    """A temporary file beside `path` for the block to fill; flushed to disk and renamed when the block is done.

    Whatever goes wrong, the temporary file goes and what was at `path` stays.

    Raises:
        AvbenchError: the folder cannot be made or written to, or the disk is full.
    """
    temporary: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
        temporary = Path(name)
        with os.fdopen(handle, "rb") as stream:
            yield temporary
            os.fsync(stream.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
        temporary = None
    except OSError as error:
        raise AvbenchError(f"cannot write {path}: {os_reason(error)}; choose another folder") from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file whole or not at all.

    Raises:
        AvbenchError: as `atomic_file`.
    """
    with atomic_file(path) as temporary:
        temporary.write_bytes(content)


def content_of(path: Path) -> bytes | None:
    """The content of a file; None where nothing lies.

    Raises:
        AvbenchError: what lies there is no file, or cannot be read.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # a pipe would be waited for
            raise AvbenchError(f"{path}: not a file")
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise AvbenchError(f"{path}: cannot be read: {os_reason(error)}") from error


def os_reason(error: Exception) -> str:
    """The system's words for an error of a file operation.

    h5py's errors are a dump of its library; the system's error number stands somewhere in it, if there is one.
    """
    number = getattr(error, "errno", None)
    if number is None and (found := re.search(r"errno = (\d+)", str(error))):
        number = int(found[1])
    return os.strerror(number) if number else " ".join(str(error).split(" (")[0].split())


def folder_fault(path: Path) -> str | None:
    """Why a path is no folder to look into; None if it is one."""
    try:
        return None if stat.S_ISDIR(path.stat().st_mode) else "not a folder"
    except FileNotFoundError:
        return NO_FOLDER
    except OSError as error:
        return os_reason(error)


def require_writable(folder: Path) -> None:
    """Fail now rather than after a long run if a folder cannot be made or written to; leaves nothing behind.

    Raises:
        AvbenchError: it cannot be made or written to.
    """
    try:
        with tempfile.NamedTemporaryFile(dir=nearest_folder(folder), prefix=".avbench.", suffix=".tmp"):
            pass
    except OSError as error:
        raise AvbenchError(f"cannot write to {folder}: {os_reason(error)}; choose another folder") from error


def nearest_folder(folder: Path) -> Path:
    """The folder, or the nearest above it that is there."""
    try:
        folder.stat()
    except FileNotFoundError:
        return nearest_folder(folder.absolute().parent)
    return folder
