"""Methods without a hash of their code: one line names them, since edits of them do not make another run."""

from __future__ import annotations

from collections.abc import Iterable

from avgzsl_bench.execution.plan import Plan
from avgzsl_bench.method.code.identity import why_no_code


def unnoticed_edits(plans: Iterable[Plan]) -> list[str]:
    """Name the methods of some runs whose edits are not noticed, each in one line, with the reason."""
    methods = {plan.spec.method.name: plan.method for plan in plans}
    reasons = {name: why_no_code(method) for name, method in methods.items()}
    return [
        f"edits of method {name!r} are not noticed, and a finished run of it is not made again: {reason}"
        for name, reason in reasons.items()
        if reason is not None
    ]
