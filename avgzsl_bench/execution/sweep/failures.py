"""What failed in a sweep, with its reason: one small file a run, beside the place of its record.

`<run id>.failure` holds JSON; its name is another, so that nothing takes it for a record. It goes with a record.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from avgzsl_bench.errors import AvbenchError, RecordError, first_fault
from avgzsl_bench.execution.sweep.engine import Failed
from avgzsl_bench.records.run_spec import RunSpec
from avgzsl_bench.system.files import content_of, write_atomically

SUFFIX = ".failure"
_LONGEST_REASON = 2_000
_LONGEST_TRACEBACK = 20_000


class Failure(BaseModel):
    """Why a run has no record."""

    model_config = ConfigDict(frozen=True)

    spec: RunSpec | None = Field(None, description="the run; missing in files of older versions")
    reason: str = Field(max_length=_LONGEST_REASON)
    traceback: str | None = Field(max_length=_LONGEST_TRACEBACK)
    time: str


def failure_path(record: Path) -> Path:
    """Where the failure of a run lies, from where its record belongs."""
    return record.with_suffix(SUFFIX)


def keep_failure(record: Path, failed: Failed) -> Path:
    """Write down a failure, whole or not at all, and say where.

    Raises:
        AvbenchError: the folder cannot be written to.
    """
    failure = Failure(
        spec=failed.job.spec,
        reason=_writable(failed.reason)[:_LONGEST_REASON],
        traceback=None if failed.traceback is None else _writable(failed.traceback)[-_LONGEST_TRACEBACK:],
        time=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    path = failure_path(record)
    write_atomically(path, f"{failure.model_dump_json(indent=1)}\n".encode())
    return path


def _writable(text: str) -> str:
    """Text as UTF-8 can hold it: what a method raises may hold half a character."""
    return text.encode(errors="replace").decode()


def read_failure(record: Path) -> Failure | None:
    """Read the failure that is kept of a run; None without one.

    Raises:
        RecordError: it is damaged.
    """
    path = failure_path(record)
    content = content_of(path)
    try:
        return None if content is None else Failure.model_validate_json(content)
    except ValidationError as error:
        raise RecordError(f"{path}: not a failure of a sweep: {first_fault(error)}; remove it") from error


def forget_failure(record: Path, run: RunSpec) -> None:
    """Remove what is kept of failures of a run, by its code or by another: the run has its record."""
    failure_path(record).unlink(missing_ok=True)
    for path in record.parent.glob(f"seed{run.seed}-*{SUFFIX}"):
        if _fails_by_other_code(path, run):
            path.unlink(missing_ok=True)


def _fails_by_other_code(path: Path, run: RunSpec) -> bool:
    try:
        failure = read_failure(path)
    except AvbenchError:
        return False
    return failure is not None and failure.spec is not None and run.differs_in_code_only(failure.spec)
