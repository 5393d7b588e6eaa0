"""Looking for files and folders: what cannot be looked at is never taken for absent.

`pathlib`'s `exists`, `is_file` and `glob` raise errors of the system or hide them, by the version of Python.
"""

from __future__ import annotations

import os
from pathlib import Path

from avgzsl_bench.errors import ConfigError, InaccessibleError
from avgzsl_bench.system.files import NO_FOLDER, NOT_A_FOLDER, broken_link, folder_fault, os_reason


def user_path(given: Path | str) -> Path:
    """Expand a leading `~` or `~user`, as shells do; not every path comes by way of one.

    Raises:
        ConfigError: there is no such home folder.
    """
    try:
        return Path(given).expanduser()
    except RuntimeError as error:
        raise ConfigError(f"{given}: there is no such home folder; write the whole path") from error


def is_there(path: Path) -> bool:
    """Check whether there is anything at a path, if only a broken link.

    Raises:
        InaccessibleError: that cannot be known.
    """
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise _unreadable(path, os_reason(error)) from error
    return True


def sub_folders(folder: Path) -> tuple[list[Path], list[tuple[Path, str]]]:
    """List the folders in a folder by name, and what may be one and cannot be looked at, with the reason.

    Both are empty where there is no folder.

    Raises:
        InaccessibleError: the folder itself cannot be listed, or is a broken link.
    """
    try:
        names = sorted(os.listdir(folder))
    except (FileNotFoundError, NotADirectoryError) as error:
        if broken := broken_link(folder):
            raise _unreadable(folder, broken) from error
        return [], []
    except OSError as error:
        raise _unreadable(folder, os_reason(error)) from error
    faults = {folder / name: folder_fault(folder / name) for name in names}
    found = [path for path, fault in faults.items() if fault is None]
    unknown = {path: fault for path, fault in faults.items() if fault not in (None, NOT_A_FOLDER, NO_FOLDER)}
    return found, [(path, str(_unreadable(path, str(fault)))) for path, fault in unknown.items()]


def _unreadable(path: Path, reason: str) -> InaccessibleError:
    return InaccessibleError(f"{path}: cannot be read: {reason}")
