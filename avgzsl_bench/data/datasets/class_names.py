"""Class names as people type them: which are the same, and how a wrong one is shown."""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Collection

_LONGEST_SHOWN = 80
"""Characters of a name in an error message."""

_LISTED = 8
"""Number of known names that an error message gives before it only counts the rest."""


def plain_name(name: str) -> str:
    """Bring a name to the form in which names are compared: NFC, without blanks at its ends.

    A letter and its accent are one character or two (as macOS writes them in file names), which look the same.
    """
    return unicodedata.normalize("NFC", name).strip()


def shown(name: str) -> str:
    """Quote a name from a file, and cut it if it is long."""
    return repr(name) if len(name) <= _LONGEST_SHOWN else f"{name[:_LONGEST_SHOWN]!r}..."


def near_miss(name: str, known: Collection[str]) -> str | None:
    """Find the known name that was probably meant."""
    if len(name) > _LONGEST_SHOWN:
        return None
    folded = {other.casefold(): other for other in known}
    near = difflib.get_close_matches(name.casefold(), folded, n=1)
    return folded[near[0]] if near else None


def with_suggestion(name: str, known: Collection[str]) -> str:
    r"""Quote an unknown name, then the one that was probably meant, or the known ones.

    Where letters outside ASCII may make two names look the same, both are given by their codes as well, as in
    `'Сlass' ('\u0421lass'); did you mean 'Class'?`.
    """
    near = near_miss(name, known)
    if near is None:
        listed = ", ".join(shown(other) for other in sorted(known)[:_LISTED])
        more = f" and {len(known) - _LISTED} more" if len(known) > _LISTED else ""
        return f"{shown(name)} (known: {listed or 'none'}{more})"
    return f"{_coded(name)}; did you mean {_coded(near)}?"


def _coded(name: str) -> str:
    return shown(name) if repr(name) == ascii(name) else f"{shown(name)} ({name!a})"
