"""How a plugin announces a dataset: light enough to list every plugin without reading any data file."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class DatasetSpec:
    """A dataset as a plugin registers it.

    Attributes:
        name: what is typed after `--dataset`.
        resource: its data file as `"package:path/file.json"`.
    """

    name: str
    resource: str
