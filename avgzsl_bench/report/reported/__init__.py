"""Figures that papers and projects reported, as data files in which every figure names its source.

Leaderboards show them beside what was measured, the literature tables by themselves.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ReportedSpec:
    """A file of reported figures as a plugin registers it.

    The file is a JSON object: `sources` (name to `citation` and, where the source itself was not at hand,
    `read`: from what it was), `papers` (method to `title`, `authors`, `venue`, `year`, `doi`, `arxiv`,
    `reviewed`), `notes` (key to text), `figures` and `ablations`. Only `sources` must be there. A figure is an
    object with the fields of `avgzsl_bench.report.reported.figures.ReportedFigure`, an ablation with those of
    `ReportedAblation`; they name their source and notes by key and leave `citation` and `read` to it.

    Attributes:
        name: short name of the file.
        resource: the data file as `"package:path/file.json"`.
    """

    name: str
    resource: str
