"""Checks of the audit, and their findings."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Severity(Enum):
    """Severity of a finding.

    `ERROR`: results from these data would be wrong, or the data cannot be used. `WARNING`: results would not be
    what they seem, or not comparable. `NOTE`: a property of the data, often of the published ones, worth knowing.
    """

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"

    @property
    def rank(self) -> int:
        """Rank: 0 is the most severe."""
        return list(Severity).index(self)


@dataclass(frozen=True)
class Finding:
    """One finding.

    Attributes:
        check: name of the check, e.g. `text-target`.
        severity: its severity.
        where: the file, folder, partition or class, relative to the target.
        evidence: counts, names and values that show it.
        effect: its effect on results.
        advice: what to do about it.
    """

    check: str
    severity: Severity
    where: str
    evidence: str
    effect: str
    advice: str


@dataclass(frozen=True)
class Check:
    """A check: all of its findings have the same name, severity, effect and advice."""

    name: str
    severity: Severity
    effect: str
    advice: str

    def found(self, where: str, evidence: str) -> Finding:
        """Make a finding of this check."""
        return Finding(self.name, self.severity, where, evidence, self.effect, self.advice)


def some(names: list[str], shown: int = 5) -> str:
    """List the first few of some names, and how many more there are."""
    more = f" and {len(names) - shown} more" if len(names) > shown else ""
    return ", ".join(names[:shown]) + more
