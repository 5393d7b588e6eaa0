"""The git checkout that a file lies in: its commit, and whether files differ from it."""

from __future__ import annotations

import os
import subprocess
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

_PATIENCE = 10.0
"""Seconds that git is given for an answer."""


_NO_COMMIT = "(initial)"
"""What git names the commit of a checkout that has none."""


class Checkout(NamedTuple):
    """A commit, and whether files that git tracks differ from it."""

    commit: str
    dirty: bool


def checkout_of(file: Path) -> Checkout | None:
    """Ask git for the checkout that a file belongs to; of a folder the answer is kept as long as the process.

    Returns:
        None where the file lies in none or git does not track it (what is installed below a checkout is no part of
        it), where there is no commit yet, and where git is missing, refuses or takes too long.
    """
    try:
        if not _git(file.parent, "ls-files", "--", file.name):
            return None
        found = _state(file.parent)
        return found if found.commit != _NO_COMMIT else None
    except (OSError, ValueError, subprocess.SubprocessError):
        return None


@lru_cache(maxsize=256)
def _state(folder: Path) -> Checkout:
    found = _git(folder, "status", "--porcelain=v2", "--branch", "--untracked-files=no").splitlines()
    headers = dict(line.removeprefix("# ").split(" ", 1) for line in found if line.startswith("# "))
    return Checkout(headers["branch.oid"], any(not line.startswith("# ") for line in found))


def _git(folder: Path, *arguments: str) -> str:
    # Variables with which git calls its hooks would name another repository.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    command = ["git", "--no-optional-locks", "-C", str(folder), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=_PATIENCE, env=environment)
    return done.stdout.strip()
