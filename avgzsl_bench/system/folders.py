"""Writing a folder so that it is there whole or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from avgzsl_bench.errors import AvbenchError
from avgzsl_bench.system.files import os_reason


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """A folder beside `path` for the block to fill, given its name when the block is done.

    Whatever goes wrong, what was written goes. A program that is killed outright leaves at most a hidden
    folder that ends in `.tmp`.

    Raises:
        AvbenchError: there is something at `path` already, the folder cannot be made or the disk is full.
    """
    if os.path.lexists(path):
        raise AvbenchError(f"{path} is there already and would be overwritten; choose another folder")
    temporary: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name[:100]}.", suffix=".tmp"))
        yield temporary
        _flush(temporary)
        os.chmod(temporary, 0o755)
        # Replaces at most an empty folder that somebody made in the meantime.
        os.rename(temporary, path)
        temporary = None
    except OSError as error:
        raise AvbenchError(f"cannot write {path}: {os_reason(error)}; choose another folder") from error
    finally:
        if temporary is not None:
            shutil.rmtree(temporary, ignore_errors=True)


def _flush(folder: Path) -> None:
    """Bring every file of a folder to disk before it is given its name."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            with path.open("rb") as stream:
                os.fsync(stream.fileno())
