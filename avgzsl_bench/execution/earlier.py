"""Records of the same runs by other code: they stay where they are, and one line names them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from avgzsl_bench.errors import AvbenchError
from avgzsl_bench.execution.plan import Plan
from avgzsl_bench.records.record import Record, read_record


def earlier_code(plans: Iterable[Plan]) -> str | None:
    """Say in one line which of some runs have records by other code in their folder of results.

    Args:
        plans: runs that are about to be made.

    Returns:
        None if none has.
    """
    found = {path: (plan, record) for plan in plans for path, record in _by_other_code(plan)}
    if not found:
        return None
    path, (plan, record) = next(iter(found.items()))
    if len(found) == 1:
        codes = f"{record.code_text}; now {plan.spec.code_text}"
        return f"an earlier record of this run is by other code ({codes}) and is left where it is: {path}"
    counts = Counter(record.code_text for _, record in found.values())
    codes = "; ".join(f"{count} with {code}" for code, count in sorted(counts.items()))
    return (
        f"{len(found)} earlier records of these runs are by other code ({codes}) and are left where they are, "
        f"e.g. {path}"
    )


def _by_other_code(plan: Plan) -> Iterator[tuple[Path, Record]]:
    for path in sorted(plan.path.parent.glob(f"seed{plan.spec.seed}-*.json")):
        try:
            record = read_record(path)
        except AvbenchError:
            continue  # damaged, or of something else: no concern of this run
        if plan.spec.differs_in_code_only(record):
            yield path, record
