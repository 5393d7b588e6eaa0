"""How a plugin announces an ablation: light enough to list every plugin without reading any data file."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class AblationSpec:
    """The ablation of a method as a plugin registers it; a method has one.

    Attributes:
        method: name of the method, which may be another plugin's.
        resource: its data file as `"package:path/file.toml"`, see `avgzsl_bench.execution.ablation`.
    """

    method: str
    resource: str

    @property
    def name(self) -> str:
        """What it is registered under: the method."""
        return self.method
