"""Records that runs have already: by other code, which stay where they are, or without their weights."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from avgzsl_bench.errors import AvbenchError, RunError
from avgzsl_bench.execution.plan import Plan
from avgzsl_bench.records.record import Record, read_record
from avgzsl_bench.system.folders import is_there


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


def run_again(plans: Iterable[Plan]) -> str | None:
    """Say in one line which of some runs are made again because their records have no weights.

    Args:
        plans: runs that are about to be made.

    Returns:
        None if none is.
    """
    found = [(plan.path, record) for plan in plans if (record := _without_weights(plan)) is not None]
    if not found:
        return None
    path, record = found[0]
    which = f"{path} has" if len(found) == 1 else f"{len(found)} records, e.g. {path}, have"
    return (
        f"{which} no weights: the run is made again to save them, and must give the same figures (made on "
        f"{record.device}, torch {record.environment.get('torch')}, {record.environment.get('threads')} threads)"
    )


def require_same_figures(plan: Plan, record: Record) -> None:
    """Refuse to replace a record without weights by one with other figures.

    Args:
        plan: a run that is over.
        record: that it gave.

    Raises:
        RunError: the figures differ.
    """
    earlier = _without_weights(plan)
    if earlier is None:
        return
    for name in ("best_epoch", "metrics", "classes", "trace"):
        if getattr(earlier, name) != getattr(record, name):
            raise RunError(
                f"{plan.path}: made again, the run gives another {name} (HM {100 * earlier.metrics.hm:.2f} there, "
                f"{100 * record.metrics.hm:.2f} now), as on another machine or with other threads; the record is "
                "left as it is; --force replaces it"
            )


def _without_weights(plan: Plan) -> Record | None:
    """Read the record of a run that is to be saved, if it is there and has no weights."""
    if plan.options.force or not plan.options.save or not is_there(plan.path):
        return None
    record = read_record(plan.path)
    return record if record.weights is None else None


def _by_other_code(plan: Plan) -> Iterator[tuple[Path, Record]]:
    for path in sorted(plan.path.parent.glob(f"seed{plan.spec.seed}-*.json")):
        try:
            record = read_record(path)
        except AvbenchError:
            continue  # damaged, or of something else: no concern of this run
        if plan.spec.differs_in_code_only(record):
            yield path, record
