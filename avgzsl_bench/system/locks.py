"""One writer at a time: a lock beside the file to write.

The system releases the lock when its holder ends, however it ends, so an interrupted writer blocks nobody. On a
file system without locks, writers do not wait for each other; every file is still written whole or not at all.
"""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from avgzsl_bench.system.files import explain_write_errors

_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP)
"""Errors of file systems without locks, such as NFS without its lock daemon."""

_HELD = threading.local()
"""The files for which the thread holds the lock already, in `_HELD.paths`."""


@contextmanager
def writing_alone(path: Path, report: Callable[[str], None]) -> Iterator[None]:
    """Let no other process or thread write a file inside the block; blocks for the same file may be nested.

    Temporary files that a killed writer left for this file, and for others with the same stem, are removed first.
    The lock is a hidden file beside it, which is removed at the end.

    Args:
        path: the file. Its folder is made if need be, and removed if it is empty in the end.
        report: called with a line if another writer has to be waited for.

    Raises:
        AvbenchError: the folder cannot be made or written to.
    """
    held: set[str] = _HELD.__dict__.setdefault("paths", set())
    name = os.path.abspath(path)
    if name in held:
        yield
        return
    lock = FileLock(path.with_name(f".{path.name}.lock"), mode=0o666)
    made: list[Path] = []
    try:
        with explain_write_errors(path):
            made += [folder for folder in Path(name).parents if not folder.exists()]
            _acquire(lock, path, report)
        try:
            held.add(name)
            if lock.is_locked:  # else they may be another writer's who is at work
                _remove_litter(path)
            yield
        finally:
            held.discard(name)
            # While it is held: whoever waits finds the file gone, and takes a new one. (Not on Windows.)
            with suppress(OSError):
                os.unlink(lock.lock_file)
            lock.release()
    finally:
        with suppress(OSError):  # a folder that is not empty stays, and so do those above it
            for folder in made:
                folder.rmdir()


def _remove_litter(path: Path) -> None:
    for entry in os.scandir(path.parent):
        if entry.name.startswith(f".{path.stem}.") and entry.name.endswith(".tmp"):  # see `files.atomic_file`
            with suppress(OSError):
                os.unlink(entry.path)


def _acquire(lock: FileLock, path: Path, report: Callable[[str], None]) -> None:
    """Wait for the lock and take it; return without it where the file system has none."""
    patience, tries = 0.0, 100
    while not lock.is_locked:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            lock.acquire(timeout=patience)
        except (FileNotFoundError, FileExistsError):  # the other writer was removing the folder that it had made
            tries -= 1
            if not tries:
                raise
        except Timeout:
            report(f"another avbench is writing {path}: waiting for it to end")
            patience = -1.0
        except (OSError, NotImplementedError) as error:  # filelock raises either for ENOSYS
            if isinstance(error, OSError) and error.errno not in _NO_LOCKS:
                raise
            return
