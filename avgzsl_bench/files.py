"""Writing files so that nothing half-written is ever read."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from avgzsl_bench.errors import AvbenchError


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file whole or not at all: a temporary file beside it, flushed to disk, then renamed.

    Raises:
        AvbenchError: the folder cannot be made or written to, or the disk is full.
    """
    temporary: str | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
        temporary = None
    except OSError as error:
        raise AvbenchError(f"cannot write {path}: {error.strerror}; choose another folder") from error
    finally:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)


def require_writable(folder: Path) -> None:
    """Fail now rather than after a long run if a folder cannot be made or written to; leaves nothing behind.

    Raises:
        AvbenchError: it cannot be made or written to.
    """
    existing = next(parent for parent in (folder, *folder.absolute().parents) if parent.exists())
    try:
        with tempfile.NamedTemporaryFile(dir=existing, prefix=".avbench.", suffix=".tmp"):
            pass
    except OSError as error:
        raise AvbenchError(f"cannot write to {folder}: {error.strerror}; choose another folder") from error
