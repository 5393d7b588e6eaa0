"""What an audit finds."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Severity(Enum):
    """How bad a finding is.

    `ERROR`: figures from these data would be wrong, or they cannot be used. `WARNING`: they would not be what they
    seem, or not comparable. `NOTE`: a property of the data, often of the published ones, that is good to know.
    """

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"

    @property
    def rank(self) -> int:
        """0 is the worst."""
        return list(Severity).index(self)


@dataclass(frozen=True)
class Finding:
    """One thing found.

    Attributes:
        check: name of the check, e.g. `text-target`.
        severity: how bad it is.
        where: the file, folder, partition or class, relative to what is audited.
        evidence: what was counted or seen.
        effect: what it does to figures.
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
        """A finding of this check."""
        return Finding(self.name, self.severity, where, evidence, self.effect, self.advice)


def some(names: list[str], shown: int = 5) -> str:
    """The first few of some names, and how many more there are."""
    more = f" and {len(names) - shown} more" if len(names) > shown else ""
    return ", ".join(names[:shown]) + more
