"""What a feature reader is checked on: a sample of its layout, and how to compare what it reads."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from os import PathLike
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from avgzsl_bench.data.datasets.facts import Dataset
from avgzsl_bench.data.datasets.registry import registered_dataset, registered_datasets
from avgzsl_bench.data.layouts.checked_reader import CheckedReader, feature_readers
from avgzsl_bench.data.layouts.readers import REGISTRY, DetectedFeatures
from avgzsl_bench.data.store.table import FeatureTable, Ragged
from avgzsl_bench.errors import DataError, PluginError
from avgzsl_bench.plugins.specs import ReaderSpec
from avgzsl_bench.system.files import folder_fault
from avgzsl_bench.testing.checking import require


@dataclass(frozen=True)
class ReaderTrial:
    """A feature reader, called as by `avbench data import`, and a sample of its layout; checks work on copies.

    Attributes:
        dataset: the dataset that the sample is of.
        datasets: every dataset that the reader may recognise.
    """

    reader: CheckedReader
    sample: Path
    dataset: Dataset
    datasets: tuple[Dataset, ...]

    @classmethod
    def of(cls, reader: str | ReaderSpec, sample: str | PathLike[str], dataset: str | Dataset) -> ReaderTrial:
        """Make the trial of a registered reader (by name) or of any spec; arguments as of `check_reader`."""
        folder = Path(sample)
        if (fault := folder_fault(folder)) is not None:
            raise DataError(f"sample {folder}: {fault}")
        facts = registered_dataset(dataset) if isinstance(dataset, str) else dataset
        if isinstance(reader, str):
            REGISTRY.item(reader)
            checked = feature_readers()[reader]
        else:
            checked = CheckedReader(reader.name, reader.target, REGISTRY.read(reader))
        datasets = {**registered_datasets(), facts.name: facts}
        return cls(checked, folder, facts, tuple(datasets.values()))

    @contextmanager
    def copy(self) -> Iterator[Path]:
        """Give a copy of the sample, in a folder of its own, for as long as the block runs."""
        with TemporaryDirectory(prefix="avbench-") as folder:
            yield shutil.copytree(self.sample, Path(folder, "tree", self.sample.name), symlinks=True)

    def recognise(self, directory: Path) -> list[DetectedFeatures]:
        """Recognise what lies in a folder; see `CheckedReader.recognise`."""
        return self.reader.recognise(directory, self.datasets)

    def read(self, directory: Path) -> list[FeatureTable]:
        """Recognise and read all that lies in a folder; see `CheckedReader.read`."""
        return [self.reader.read(found, self.dataset) for found in self.recognise(directory)]

    def read_or_refused(self, directory: Path, what: str) -> list[FeatureTable] | None:
        """Read all that lies in a folder where `what` is wrong; None where the reader refused with a `DataError`.

        Raises:
            AssertionError: it raised another exception, broke the contract, or gave more than one line.
        """
        try:
            return self.read(directory)
        except DataError as error:
            require(str(error).isprintable(), f"{what}: the message of DataError is not one line: {str(error)!r}")
        except PluginError as error:
            raise AssertionError(f"{what}: {error}; raise DataError with the file and the reason") from error
        return None


def same_tables(one: list[FeatureTable], other: list[FeatureTable]) -> bool:
    """Whether two readings gave the same tables, to the bit."""
    return len(one) == len(other) and all(map(same, one, other))


def same(one: object, other: object) -> bool:
    """Whether two tables, or two parts of tables, are the same, to the bit."""
    if isinstance(one, FeatureTable | Ragged) and type(one) is type(other):
        return all(same(getattr(one, f.name), getattr(other, f.name)) for f in fields(one))
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        return (one.shape, one.dtype, one.tobytes()) == (other.shape, other.dtype, other.tobytes())
    if isinstance(one, dict) and isinstance(other, dict):
        return list(one) == list(other) and all(same(one[key], other[key]) for key in one)
    return type(one) is type(other) and bool(one == other)
