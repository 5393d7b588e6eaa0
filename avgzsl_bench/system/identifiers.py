"""Names of datasets, splits, feature sets and text encoders, restricted so that each is safe as part of a path.

Methods and datasets have titles too, which tables print and people type.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from avgzsl_bench.errors import DataError

NAME = re.compile(r"[a-z0-9_-]{1,40}")

_REMARK = re.compile(r"\s*\([^()]*\)$")

IDENTIFIER_RULE = "up to 40 lower-case letters, digits, '-' or '_'"


def require_names(*names: str) -> None:
    """Refuse a name that could lead out of the data folder or cannot be stored.

    Raises:
        DataError: one is not valid.
    """
    for name in names:
        if not NAME.fullmatch(name):
            raise DataError(f"{name[:80]!r} is not a valid name; use {IDENTIFIER_RULE}")


def names_meant(given: str, titles: Iterable[tuple[str, str]]) -> list[str]:
    """Find the names that a text stands for, in any case: a name itself, or all that have it for a title.

    >>> names_meant("UCF-GZSL", [("ucf", "UCF-GZSL"), ("vggsound", "VGGSound-GZSL")])
    ['ucf']

    Args:
        given: a name or title; a remark in brackets after it, as tables print one, does not count.
        titles: name and title of everything there is.
    """
    pairs = list(titles)
    wanted = _REMARK.sub("", given.strip()).casefold()
    exact = [name for name, _ in pairs if name == given]
    alike = [name for name, _ in pairs if name.casefold() == wanted]
    titled = [name for name, title in pairs if _REMARK.sub("", title).casefold() == wanted]
    return list(dict.fromkeys(exact or alike or titled))
