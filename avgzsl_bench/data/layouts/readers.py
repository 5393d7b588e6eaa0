"""What a feature reader is: it recognises and reads one layout on disk. Plugins register readers by a hook."""

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
    """A feature set that a reader recognised below a directory.

    Attributes:
        reader: layout name, the one under which the reader is registered.
        dataset: dataset name, recognised by its class names.
        features: name of the feature set, recognised by structure and widths.
        path: the folder that holds the features, at or below the directory.
    """

    reader: str
    dataset: str
    features: str
    path: Path


class FeatureReader(Protocol):
    """Reads one layout."""

    def recognise(self, directory: Path, datasets: Sequence[Dataset]) -> list[DetectedFeatures]:
        """Find the feature sets of this layout at or below a directory, reading as little as possible.

        Args:
            directory: the folder to search.
            datasets: those that may be recognised.

        Returns:
            The feature sets; empty where there are none.

        Raises:
            DataError: a file that it needs is damaged or refused, or of no known feature set.
        """
        ...

    def read(self, found: DetectedFeatures, dataset: Dataset) -> FeatureTable:
        """Read a whole feature set.

        Args:
            found: what `recognise` returned.
            dataset: the dataset that it names.

        Raises:
            DataError: damaged, foreign or inconsistent files, with the file named.
        """
        ...


def _reader(spec: ReaderSpec) -> FeatureReader:
    """Import the reader of a spec; PluginError if it cannot be imported or lacks a method."""
    reader: FeatureReader = resolve(spec.target, f"feature reader {spec.name!r}")
    for name in ("recognise", "read"):
        if not callable(getattr(reader, name, None)):
            raise PluginError(f"feature reader {spec.name!r}: {spec.target} has no method {name!r}")
    return reader


REGISTRY = Registry("avbench_feature_readers", ReaderSpec, "feature reader", _reader)
"""The feature readers that plugins register, by layout name."""
