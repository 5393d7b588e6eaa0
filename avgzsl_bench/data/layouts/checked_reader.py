"""Checked calls of feature readers: a reader that breaks or breaks the contract gives one line with its plugin."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from avgzsl_bench.data.datasets.facts import Dataset
from avgzsl_bench.data.datasets.feature_sets import SIMULATED
from avgzsl_bench.data.layouts.marker import simulated_video
from avgzsl_bench.data.layouts.readers import REGISTRY, DetectedFeatures, FeatureReader
from avgzsl_bench.data.store.table import FeatureTable, Ragged
from avgzsl_bench.errors import AvbenchError, DataError, PluginError, one_line
from avgzsl_bench.plugins.contained import contained
from avgzsl_bench.system.files import os_reason
from avgzsl_bench.system.identifiers import IDENTIFIER_RULE, NAME

_LONGEST = 300
"""Characters of a reader's own message that are shown."""


@dataclass(frozen=True)
class CheckedReader:
    """A registered feature reader; errors that it raises about data pass, anything else is its plugin's fault.

    Attributes:
        name: layout name.
        plugin: distribution and entry point that registered it.
        reader: the reader itself.
    """

    name: str
    plugin: str
    reader: FeatureReader

    def recognise(self, directory: Path, datasets: Sequence[Dataset]) -> list[DetectedFeatures]:
        """Find the feature sets of the layout; see `FeatureReader.recognise`.

        Raises:
            DataError: as the reader raises it, or a file at or below `directory` cannot be read.
            PluginError: the reader raises anything else, or breaks the contract.
        """
        with self._blamed("recognise", directory):
            detected = self.reader.recognise(directory, datasets)
            problem = self._detected_problem(detected, directory, datasets)
        if problem:
            raise self.fault(f"recognise() {problem}")
        return list(detected)

    def read(self, found: DetectedFeatures, dataset: Dataset) -> FeatureTable:
        """Read a whole feature set; see `FeatureReader.read`.

        Raises:
            DataError: as the reader raises it, or a file of the feature set cannot be read.
            PluginError: the reader raises anything else, or returns no sound table of what was detected.
        """
        with self._blamed("read", found.path):
            table = self.reader.read(found, dataset)
            problem = _table_problem(table, found, dataset)
        if problem:
            raise self.fault(f"read() {problem}")
        return table

    def fault(self, problem: str) -> PluginError:
        """Make the error that names the reader and its plugin."""
        return PluginError(f"plugin {self.plugin}: feature reader {self.name!r}: {problem}")

    @contextmanager
    def _blamed(self, method: str, place: Path) -> Iterator[None]:
        """Turn what a method raises into a fault, unless it is an error about the data at a place."""
        try:
            with contained():
                yield
        except (AvbenchError, KeyboardInterrupt, GeneratorExit):
            raise
        except BaseException as error:  # the code of a plugin may raise anything
            if isinstance(error, OSError) and _is_below(error.filename, place):
                reason = f"{os_reason(error)} ({error.filename})"
                raise DataError(f"{place}: cannot be read: {reason}") from error
            text = one_line(f"{type(error).__name__}: {error}", _LONGEST)
            raise self.fault(f"{method}() failed: {text}") from error

    def _detected_problem(self, detected: object, directory: Path, datasets: Sequence[Dataset]) -> str | None:
        """Find what is wrong with the value that `recognise` returned; None if nothing is."""
        if not isinstance(detected, list | tuple):
            return f"must return a list of DetectedFeatures, got {type(detected).__name__}"
        known = [dataset.name for dataset in datasets]
        for item in detected:
            if not isinstance(item, DetectedFeatures):
                return f"must return a list of DetectedFeatures, got {type(item).__name__} in it"
            if item.reader != self.name:
                return f"names itself {item.reader!r}; the reader is registered as {self.name!r}"
            if item.dataset not in known:
                return f"names an unknown dataset {item.dataset!r} (known: {', '.join(known) or 'none'})"
            if not isinstance(item.features, str) or not NAME.fullmatch(item.features):
                return f"names a feature set {item.features!r}; use {IDENTIFIER_RULE}"
            if not isinstance(item.path, Path) or not _is_below(item.path, directory):
                return f"gives the path {str(item.path)!r}, which is not at or below {directory}"
        return None


def feature_readers() -> dict[str, CheckedReader]:
    """Give every registered feature reader that can be used, by layout name."""
    gathered = REGISTRY.gather()
    return {name: CheckedReader(name, gathered.owners[name], reader) for name, reader in gathered.items.items()}


def unusable_readers() -> list[str]:
    """List why registered feature readers cannot be used, one line each, with the plugin named."""
    return [f"plugin {plugin}: {one_line(reason, _LONGEST)}" for plugin, reason in REGISTRY.gather().faults]


def _is_below(path: object, place: Path) -> bool:
    """Whether a path, its links resolved, is a place or lies below it."""
    try:
        return isinstance(path, str | Path) and Path(path).resolve().is_relative_to(place.resolve())
    except (OSError, RuntimeError, ValueError):  # a loop of links, or no path at all
        return False


def _table_problem(table: object, found: DetectedFeatures, dataset: Dataset) -> str | None:
    """Find what is wrong with a table before its content is checked; None if nothing is."""
    if not isinstance(table, FeatureTable):
        return f"must return a FeatureTable, got {type(table).__name__}"
    if (table.dataset, table.features) != (found.dataset, found.features):
        return (
            f"returned {table.features!r} of {table.dataset!r} where {found.features!r} of {found.dataset!r} "
            "was detected"
        )
    if table.simulated is not (table.features == SIMULATED):
        return f"returned simulated={table.simulated!r} for {table.features!r}; only {SIMULATED!r} is simulated"
    arrays = {"label": table.label, "partition": table.partition, **table.text}
    for name, feature in (("audio", table.audio), ("visual", table.visual)):
        arrays |= (
            {name: feature.values, f"{name} offsets": feature.offsets}
            if isinstance(feature, Ragged)
            else {name: feature}
        )
    odd = [name for name, values in arrays.items() if not isinstance(values, np.ndarray)]
    if odd:
        return f"returned a table whose {odd[0]} is no array"
    if not isinstance(table.video_id, list) or not all(isinstance(video, str) for video in table.video_id):
        return "returned a table whose video_id is no list of str"
    rows = next((len(vectors) for vectors in table.text.values() if len(vectors) != len(dataset.classes)), None)
    if rows is not None:
        return f"returned {rows} text vectors for the {len(dataset.classes)} classes of {dataset.name}"
    video = None if table.simulated else simulated_video(table.video_id)
    return None if video is None else f"returned the simulated video {video!r} as a real one"
