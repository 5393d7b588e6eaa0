"""Figures that papers reported, as data files with their citation."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ReportedSpec:
    """A file of reported figures as a plugin registers it.

    Attributes:
        name: short name of the source.
        resource: the data file as `"package:path/file.json"`.
    """

    name: str
    resource: str
