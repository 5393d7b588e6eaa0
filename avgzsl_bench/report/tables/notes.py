"""Notes below tables: their texts, and those that several tables share."""

from __future__ import annotations

import tomllib
from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from avgzsl_bench.report.reported.figures import Printed

TEXTS: Mapping[str, Mapping[str, str]] = tomllib.loads(
    files(__package__).joinpath("notes.toml").read_text(encoding="utf-8")
)
"""Of `notes.toml`, by kind of table."""


def contradictions(named: Iterable[tuple[str, Printed]]) -> list[str]:
    """State each printed HM that contradicts the printed S and U, by what it is of."""
    return [
        f"{name}: printed HM {figure.hm:.2f}, but printed S and U give {figure.recomputed_hm:.2f}."
        for name, figure in named
        if figure.recomputed_hm is not None
    ]
