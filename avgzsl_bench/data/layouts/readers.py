"""Feature readers: how a layout on disk is recognised and read. A plugin brings its own by a hook."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from avgzsl_bench.errors import PluginError
from avgzsl_bench.plugins.manager import resolve
from avgzsl_bench.plugins.registry import Registry
from avgzsl_bench.plugins.specs import ReaderSpec

if TYPE_CHECKING:
    from avgzsl_bench.data.datasets.facts import Dataset
    from avgzsl_bench.data.store.table import FeatureTable


@dataclass(frozen=True)
class DetectedFeatures:
    """Something a reader recognised below a directory.

    Attributes:
        reader: layout name.
        dataset: dataset name, recognised by its class names.
        features: feature set, recognised by structure and widths.
        path: the folder that holds the features.
    """

    reader: str
    dataset: str
    features: str
    path: Path


class FeatureReader(Protocol):
    """Reads one layout."""

    def recognise(self, directory: Path, datasets: Sequence[Dataset]) -> list[DetectedFeatures]:
        """What of this layout lies below `directory`; empty when nothing does. Reads as little as it can.

        Raises:
            DataError: what it would have to read is damaged or refused, or of no feature set it knows.
        """
        ...

    def read(self, found: DetectedFeatures, dataset: Dataset) -> FeatureTable:
        """The whole feature set.

        Raises:
            DataError: damaged, foreign or inconsistent files, with the file named.
        """
        ...


def _reader(spec: ReaderSpec) -> FeatureReader:
    reader: FeatureReader = resolve(spec.target, f"feature reader {spec.name!r}")
    for name in ("recognise", "read"):
        if not callable(getattr(reader, name, None)):
            raise PluginError(f"feature reader {spec.name!r}: {spec.target} has no method {name!r}")
    return reader


REGISTRY = Registry("avbench_feature_readers", ReaderSpec, "feature reader", _reader)
"""The feature readers that plugins register, by layout name."""


def feature_readers() -> dict[str, FeatureReader]:
    """Every registered feature reader that can be used, by layout name."""
    return REGISTRY.items()
