"""The data folder: one folder per dataset, one per feature set below it, one store in each."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from avgzsl_bench.data.store.store import StoreHeader, read_header
from avgzsl_bench.errors import DataError, InaccessibleError
from avgzsl_bench.system.files import NO_FOLDER, folder_fault
from avgzsl_bench.system.folders import is_there, sub_folders, user_path
from avgzsl_bench.system.identifiers import NAME, require_names

ENVIRONMENT = "AVBENCH_DATA"
"""Environment variable that names the data folder."""

FILE_NAME = "features.h5"


@dataclass(frozen=True)
class Installed:
    """The stores of a data folder, by dataset and feature set.

    Attributes:
        headers: those that can be read.
        unreadable: what cannot be read, with the reason: the file of a store, or the folder of a dataset.
    """

    headers: list[StoreHeader]
    unreadable: list[tuple[Path, str]]

    def faults_at(self, place: Path) -> list[str]:
        """List the reasons of what cannot be read at a place, below it, or on the way to it."""
        return [e for path, e in self.unreadable if path.is_relative_to(place) or place.is_relative_to(path)]


def data_root(given: Path | str | None = None) -> Path:
    """Give the data folder: the given one, else that of `AVBENCH_DATA`, else the user's own for this program."""
    named = os.environ.get(ENVIRONMENT) if given is None else given
    return user_path(named) if named else platformdirs.user_data_path("avgzsl-bench")


def absent_root(given: Path | str | None = None) -> str | None:
    """Describe the data folder if somebody named it and it is not there; None otherwise.

    The user's own folder for this program, which nobody named, may be absent.

    Raises:
        DataError: it is no folder, or cannot be looked at.
    """
    root, by_environment = data_root(given), bool(os.environ.get(ENVIRONMENT))
    named = f"data folder {root}{f' ({ENVIRONMENT})' if given is None and by_environment else ''}"
    fault = folder_fault(root)
    if fault not in (None, NO_FOLDER):
        raise InaccessibleError(f"{named}: cannot be read: {fault}")
    return f"{named}: {fault}" if fault and (given is not None or by_environment) else None


def existing_root(given: Path | str | None = None) -> Path:
    """Give the data folder to a command that only reads.

    Raises:
        DataError: somebody named it and it is not there; it is no folder, or cannot be looked at.
    """
    if absent := absent_root(given):
        raise DataError(f"{absent}; name the right one, or fill it with 'avbench data import DIR'")
    return data_root(given)


def store_path(root: Path, dataset: str, feature_set: str) -> Path:
    """Give the path of the store of a dataset and feature set.

    Raises:
        DataError: a name that could lead out of the data folder.
    """
    require_names(dataset, feature_set)
    return root / dataset / feature_set / FILE_NAME


def scan(root: Path, dataset: str | None = None) -> Installed:
    """Read the header of each store below a data folder; one that cannot be read does not hide the others.

    Args:
        root: the data folder.
        dataset: the only dataset whose stores are wanted; None: all of them.

    Raises:
        InaccessibleError: the data folder itself cannot be listed.
    """
    headers: list[StoreHeader] = []
    folders, unreadable = sub_folders(root) if dataset is None else ([root / dataset], [])
    for folder in folders:
        try:
            below, faults = sub_folders(folder)
        except InaccessibleError as error:
            below, faults = [], [(folder, str(error))]
        unreadable += [(path / FILE_NAME if path != folder else path, error) for path, error in faults]
        for path in (place / FILE_NAME for place in below):
            try:
                if is_there(path):
                    headers.append(_header(root, path))
            except DataError as error:
                unreadable.append((path, str(error)))
    return Installed(sorted(headers, key=lambda h: (h.dataset, h.features)), sorted(_ours(root, unreadable)))


def _header(root: Path, path: Path) -> StoreHeader:
    header = read_header(path)
    if path != store_path(root, header.dataset, header.features):
        raise DataError(f"{path}: holds {header.dataset} {header.features}, which belongs elsewhere")
    return header


def _ours(root: Path, unreadable: Iterable[tuple[Path, str]]) -> list[tuple[Path, str]]:
    """Leave out folders that no store of ours can be in, such as `lost+found`."""
    return [
        (path, error)
        for path, error in unreadable
        if os.path.isfile(path) or all(NAME.fullmatch(name) for name in path.relative_to(root).parts[:2])
    ]


def installed(root: Path) -> list[StoreHeader]:
    """Give the stores below a data folder that can be read, by dataset and feature set."""
    return scan(root).headers
