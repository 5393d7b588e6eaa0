"""Names of datasets, splits, feature sets and text encoders, restricted so that each is safe as part of a path."""

from __future__ import annotations

import re

from avgzsl_bench.errors import DataError

NAME = re.compile(r"[a-z0-9_-]{1,40}")

IDENTIFIER_RULE = "up to 40 lower-case letters, digits, '-' or '_'"


def require_names(*names: str) -> None:
    """Refuse a name that could lead out of the data folder or cannot be stored.

    Raises:
        DataError: one is not valid.
    """
    for name in names:
        if not NAME.fullmatch(name):
            raise DataError(f"{name[:80]!r} is not a valid name; use {IDENTIFIER_RULE}")
