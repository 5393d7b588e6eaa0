"""One writer at a time: a lock beside the file that is to be written.

The system lets go of the lock when its holder ends, however it ends, so an interrupted writer blocks nobody.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from avgzsl_bench.errors import AvbenchError
from avgzsl_bench.system.files import os_reason

_HELD = threading.local()
"""The files that the thread writes alone already, in `_HELD.paths`."""


@contextmanager
def writing_alone(path: Path, tell: Callable[[str], None]) -> Iterator[None]:
    """Inside the block no other process or thread writes a file; blocks for the same file may be nested.

    What a killed writer left beside the file, temporary files of it and of others with the same stem, is
    cleared away first. The lock itself is a hidden file beside it, which goes in the end.

    Args:
        path: the file. Its folder is made if need be, and goes again if nothing was written to it.
        tell: told, in a line, if another writer has to be waited for.

    Raises:
        AvbenchError: the folder cannot be made or written to.
    """
    held: set[str] = _HELD.__dict__.setdefault("paths", set())
    name = os.path.abspath(path)
    if name in held:
        yield
        return
    lock = FileLock(path.with_name(f".{path.name}.lock"), mode=0o666)
    made = [folder for folder in Path(name).parents if not folder.exists()]
    _acquire(lock, path, tell)
    try:
        held.add(name)
        _clear(path)
        yield
    finally:
        held.discard(name)
        # While it is held: those who wait see that their file is gone, and take a new one. (Not on Windows.)
        with suppress(OSError):
            os.unlink(lock.lock_file)
        lock.release()
        with suppress(OSError):  # as soon as one holds something
            for folder in made:
                folder.rmdir()


def _acquire(lock: FileLock, path: Path, tell: Callable[[str], None]) -> None:
    """Take the lock, after another if need be."""
    patience = 0.0
    try:
        while not lock.is_locked:
            path.parent.mkdir(parents=True, exist_ok=True)
            # Whoever was waited for may have made the folder, and taken it away again.
            with suppress(FileNotFoundError):
                try:
                    lock.acquire(timeout=patience)
                except Timeout:
                    tell(f"another avbench is writing {path}: waiting for it to end")
                    patience = -1.0
    except (OSError, NotImplementedError) as error:  # the latter where a file system knows no locks
        raise AvbenchError(f"cannot write {path}: {os_reason(error)}; choose another folder") from error


def _clear(path: Path) -> None:
    """Remove temporary files of `path` and of files with its stem, see `files.atomic_file`."""
    for entry in os.scandir(path.parent):
        if entry.name.startswith(f".{path.stem}.") and entry.name.endswith(".tmp"):
            with suppress(OSError):
                os.unlink(entry.path)
