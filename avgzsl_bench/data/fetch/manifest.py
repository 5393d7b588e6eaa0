"""The manifest: archives that can be fetched, with mirrors, size and hash.

Ours lists only what is known for certain. A laboratory can point at its own mirrors with a manifest of its own.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from avgzsl_bench.errors import DataError, first_fault
from avgzsl_bench.system.files import os_reason
from avgzsl_bench.system.identifiers import NAME

_LARGEST = 1 << 20

_Name = Annotated[str, StringConstraints(pattern=rf"^(?:{NAME.pattern})$")]


class Archive(BaseModel):
    """A file to fetch.

    Attributes:
        name: what is typed after `avbench data fetch`.
        features: feature set that it holds.
        file: what it is called on disk.
        mirrors: where it can be had, tried in turn.
        size: bytes.
        sha256: of its content.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    name: _Name
    features: _Name
    file: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}$")]
    mirrors: Annotated[
        tuple[Annotated[str, StringConstraints(pattern=r"^https?://[!-~]{1,500}$")], ...],
        Field(min_length=1, max_length=20, strict=False),
    ]
    size: Annotated[int, Field(gt=0)]
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class Manifest(BaseModel):
    """What can be fetched."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    form: Literal["avgzsl-bench manifest 1"]
    archives: Annotated[tuple[Archive, ...], Field(strict=False)]

    @model_validator(mode="after")
    def _told_apart(self) -> Manifest:
        for what in ("name", "file"):
            values = [getattr(archive, what).lower() for archive in self.archives]
            if len(set(values)) != len(values):
                raise ValueError(f"two archives have the same {what}")
        return self

    def wanted(self, name: str) -> list[Archive]:
        """The archive of a name, or those that hold the feature set of a name."""
        return [a for a in self.archives if a.name == name] or [a for a in self.archives if a.features == name]


def read_manifest(path: Path | None = None) -> Manifest:
    """A manifest from a file; ours without one.

    Raises:
        DataError: unreadable or malformed.
    """
    if path is None:
        content = files("avgzsl_bench").joinpath("data/fetch/manifest.json").read_bytes()
        return Manifest.model_validate_json(content)
    try:
        if path.stat().st_size > _LARGEST:
            raise DataError(f"{path}: refused: larger than {_LARGEST >> 20} MiB, no manifest")
        return Manifest.model_validate_json(path.read_bytes())
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {os_reason(error)}") from error
    except ValidationError as error:
        raise DataError(f"{path}: no manifest: {first_fault(error)}") from error
