"""Notes below tables: their texts, and those that several tables share."""

from __future__ import annotations

import tomllib
from importlib.resources import files
from typing import TYPE_CHECKING

from avgzsl_bench.report.text import CONTRADICTS, IMPOSSIBLE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from avgzsl_bench.report.reported.figures import Printed

TEXTS: Mapping[str, Mapping[str, str]] = tomllib.loads(
    files(__package__).joinpath("notes.toml").read_text(encoding="utf-8")
)
"""Of `notes.toml`, by kind of table."""


def contradictions(named: Iterable[tuple[str, Printed]]) -> list[str]:
    """State each printed HM that contradicts the printed S and U, and each U above ZSL, by what it is of."""
    found = []
    for name, figure in named:
        if figure.recomputed_hm is not None:
            found.append(
                f"{CONTRADICTS} {name}: printed HM {figure.hm:.2f}, but printed S and U give "
                f"{figure.recomputed_hm:.2f}."
            )
        if figure.unseen_above_zsl:
            found.append(
                f"{IMPOSSIBLE} {name}: printed U {figure.unseen:.2f} is above printed ZSL {figure.zsl:.2f}, which "
                "is impossible for the same scores."
            )
    return found
