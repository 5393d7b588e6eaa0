"""Findings of the audit; `checks.toml` has the texts of each check."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from enum import Enum
from functools import cache
from importlib.resources import files


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


@cache
def checks() -> dict[str, dict[str, str]]:
    """Read severity, effect and advice of each check, by name; variants of one check have `/VARIANT` after it."""
    text = files("avgzsl_bench").joinpath("data/audit/checks.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def finding(check: str, where: str, evidence: str) -> Finding:
    """Make a finding of a check of `checks.toml`."""
    facts = checks()[check]
    severity = Severity(facts["severity"])
    return Finding(check.partition("/")[0], severity, where, evidence, facts["effect"], facts["advice"])


class Findings(list[Finding]):
    """Findings gathered while data are read."""

    def add(self, check: str, where: str, evidence: str) -> None:
        """Add a finding of a check of `checks.toml`."""
        self.append(finding(check, where, evidence))


@dataclass(frozen=True)
class Audit:
    """Findings of all checks in one target; without further facts where it cannot be surveyed.

    Attributes:
        target: the folder, set of caches or store.
        kind: `tree`, `cache` or `store`.
        findings: the worst first, else in the order of the checks.
        dataset, features: their names; features `unknown` where the widths are of no known set, dataset `unknown`
            where it cannot be determined.
        simulated: whether the features are simulated.
        videos: number of different ids.
    """

    target: str
    kind: str
    findings: tuple[Finding, ...]
    dataset: str = "unknown"
    features: str = "unknown"
    simulated: bool = False
    videos: int = 0

    @property
    def failed(self) -> bool:
        """Whether there is an error among the findings."""
        return any(f.severity is Severity.ERROR for f in self.findings)


def some(names: list[str], shown: int = 5) -> str:
    """List the first few of some names, and how many more there are."""
    more = f" and {len(names) - shown} more" if len(names) > shown else ""
    return ", ".join(names[:shown]) + more
