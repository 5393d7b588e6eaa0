"""An audit as text for people and as plain values for JSON."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterator
from typing import Any

from avgzsl_bench.data.audit.finding import Audit, Finding, Severity

_MANY = 8
"""Findings of one check that are shown; JSON has them all."""


def as_text(audit: Audit, width: int) -> list[str]:
    """List the lines of an audit: its target, then each check with findings, their places, effect and advice."""
    simulated = "SIMULATED, " if audit.simulated else ""
    lines = [f"{audit.target}: {audit.kind}, {audit.dataset} {audit.features}, {simulated}{audit.videos} videos"]
    for group in _groups(audit):
        first = group[0]
        lines += ["", f"{first.severity.value}: {first.check}"]
        for finding in group[:_MANY]:
            lines += _filled(f"{finding.where}: {finding.evidence}", width, "  ")
        if len(group) > _MANY:
            lines.append(f"  and {len(group) - _MANY} more (all with --json)")
        lines += _filled(f"effect: {first.effect}", width, "    ")
        lines += _filled(f"do: {first.advice}", width, "    ")
    return [*(_printable(line) for line in lines), "", summary(audit)]


def summary(audit: Audit) -> str:
    """Count the findings by severity, in a few words."""
    count = Counter(f.severity for f in audit.findings)
    if not audit.findings:
        return "nothing found"
    return ", ".join(f"{count[s]} {s.value}{'s' if count[s] != 1 else ''}" for s in Severity)


def as_values(audit: Audit) -> dict[str, Any]:
    """Give the audit as plain values, for JSON."""
    return {
        **{name: value for name, value in vars(audit).items() if name != "findings"},
        "counts": {s.value: sum(f.severity is s for f in audit.findings) for s in Severity},
        "findings": [{**vars(f), "severity": f.severity.value} for f in audit.findings],
    }


def _groups(audit: Audit) -> Iterator[list[Finding]]:
    """Group the findings by check, severity and effect, in the order of the audit."""
    groups: dict[tuple[str, Severity, str], list[Finding]] = {}
    for finding in audit.findings:
        groups.setdefault((finding.check, finding.severity, finding.effect), []).append(finding)
    yield from groups.values()


def _filled(text: str, width: int, indent: str) -> list[str]:
    return textwrap.wrap(
        text,
        width,
        initial_indent=indent,
        subsequent_indent=f"{indent}  ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def _printable(line: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in line)
