"""JSON files of a known form: validated without conversions, and read only up to a size."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from avgzsl_bench.errors import DataError, first_fault
from avgzsl_bench.system.files import os_reason
from avgzsl_bench.system.identifiers import NAME

Name = Annotated[str, StringConstraints(pattern=rf"^(?:{NAME.pattern})$")]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class JsonModel(BaseModel):
    """Base of what is read from JSON: no value is converted, and no key is unknown."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


Model = TypeVar("Model", bound=BaseModel)


def read_json_model(path: Path, model: type[Model], largest: int, what: str, hint: str = "") -> Model:
    """Read a small JSON file and validate it.

    Args:
        largest: size in bytes above which it is refused unread.
        what: what the file should be, for errors, e.g. `card`.
        hint: what to do about a malformed file.

    Raises:
        DataError: unreadable, too large or malformed.
    """
    try:
        if path.stat().st_size > largest:
            raise DataError(f"{path}: refused: larger than the {largest:,} bytes that a {what} may have")
        return model.model_validate_json(path.read_bytes())
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {os_reason(error)}") from error
    except ValidationError as error:
        advice = f"; {hint}" if hint else ""
        raise DataError(f"{path}: not a valid {what}: {first_fault(error)}{advice}") from error
