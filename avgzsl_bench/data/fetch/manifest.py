"""The manifest: archives that can be fetched, with mirrors, size and hash.

Ours lists only archives whose address and checksum are known for certain; `--manifest FILE` names other mirrors.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from avgzsl_bench.data.untrusted.json_file import JsonModel, Name, Sha256, read_json_model

_LARGEST = 1 << 20


class Archive(JsonModel):
    """A file to fetch.

    Attributes:
        name: argument of `avbench data fetch`.
        features, file: feature set in the archive, and its name on disk.
        mirrors: addresses, tried in turn.
        size: in bytes.
    """

    name: Name
    features: Name
    file: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}$")]
    mirrors: Annotated[
        tuple[Annotated[str, StringConstraints(pattern=r"^https?://[!-~]{1,500}$")], ...],
        Field(min_length=1, max_length=20, strict=False),
    ]
    size: Annotated[int, Field(gt=0)]
    sha256: Sha256


class Manifest(JsonModel):
    """The archives that can be fetched."""

    form: Literal["avgzsl-bench manifest 1"]
    archives: Annotated[tuple[Archive, ...], Field(strict=False)]

    @model_validator(mode="after")
    def _distinct(self) -> Manifest:
        for what in ("name", "file"):
            values = [getattr(archive, what).lower() for archive in self.archives]
            if len(set(values)) != len(values):
                raise ValueError(f"two archives have the same {what}")
        return self

    def find(self, name: str) -> list[Archive]:
        """Give the archive of a name, or all that hold the feature set of a name."""
        return [a for a in self.archives if a.name == name] or [a for a in self.archives if a.features == name]


def read_manifest(path: Path | None = None) -> Manifest:
    """Read a manifest; without a file, ours.

    Raises:
        DataError: unreadable or malformed.
    """
    if path is None:
        content = files("avgzsl_bench").joinpath("data/fetch/manifest.json").read_bytes()
        return Manifest.model_validate_json(content)
    return read_json_model(path, Manifest, _LARGEST, "manifest")
