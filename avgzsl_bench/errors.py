"""Errors with a one-line message for the user: what is wrong, where, and what to do about it.

Every error that a user can cause is an `AvbenchError`. The command line prints its message without a
traceback and exits with code 2. Anything else that escapes is a bug of ours.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import ValidationError


class AvbenchError(Exception):
    """Base of every error that is the input's fault, with a one-line message."""


class UnknownNameError(AvbenchError):
    """A method, dataset, feature set, split or configuration key that nobody registered."""

    def __init__(
        self, kind: str, name: str, known: Iterable[str], hint: str = "", meant: Sequence[str] = ()
    ) -> None:
        """Make the message; `meant` are the names that it may stand for, where several do."""
        choices = sorted(known)
        folded = {choice.casefold(): choice for choice in choices}
        alike = difflib.get_close_matches(name.casefold(), folded, n=1, cutoff=0.5)
        near = meant or [folded[choice] for choice in alike]
        message = f"unknown {kind} {name!r}"
        if near:
            message += f"; did you mean {' or '.join(map(repr, near))}?"
        message += f" (known: {', '.join(choices) or 'none'})"
        super().__init__(message + (f"; {hint}" if hint else ""))


class ConfigError(AvbenchError, ValueError):
    """A configuration value that cannot be used. A `ValueError` too, so that settings can raise it."""


class DataError(AvbenchError):
    """Data on disk that is missing, damaged, foreign or inconsistent."""


class InaccessibleError(DataError):
    """Data on disk that cannot be reached now and may be sound: no permission, a broken link, a lock."""


class RecordError(AvbenchError):
    """A record or its decisions that are damaged, altered or of another schema."""


class CheckpointError(AvbenchError):
    """A checkpoint that is damaged, foreign, or does not fit the method."""


class PluginError(AvbenchError):
    """A plugin whose method cannot be loaded or breaks the contract."""


class RunError(AvbenchError):
    """A run that cannot go on: a method that gave scores of the wrong shape, or none that are finite."""


def first_fault(error: ValidationError, *inside: str) -> str:
    """Give the first fault that pydantic found as `place: reason` on one line.

    Args:
        error: as pydantic raised it.
        inside: path of the validated value in its file, e.g. `header`.
    """
    first = error.errors()[0]
    where = one_line(".".join([*inside, *map(str, first["loc"])]), 100)
    return f"{where or 'content'}: {one_line(first['msg'], 300)}"


def one_line(text: str, most: int) -> str:
    """Cut foreign text to one line without control characters."""
    return "".join(c for c in " ".join(text.split()) if c.isprintable())[:most]
