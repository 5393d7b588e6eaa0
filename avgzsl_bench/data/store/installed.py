"""The data folder: one folder per dataset, one per feature set below it, one store in each."""

from __future__ import annotations

import glob
import os
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from avgzsl_bench.data.store.store import StoreHeader, read_header
from avgzsl_bench.errors import DataError
from avgzsl_bench.system.identifiers import require_names

ENVIRONMENT = "AVBENCH_DATA"
"""Environment variable that names the data folder."""

FILE_NAME = "features.h5"


@dataclass(frozen=True)
class Installed:
    """The stores of a data folder, by dataset and feature set, and files that cannot be read with the reason."""

    headers: list[StoreHeader]
    unreadable: list[tuple[Path, str]]


def data_root(given: Path | str | None = None) -> Path:
    """Give the data folder: the given one, else that of `AVBENCH_DATA`, else the user's own for this program."""
    if given is not None:
        return Path(given)
    named = os.environ.get(ENVIRONMENT)
    return Path(named) if named else platformdirs.user_data_path("avgzsl-bench")


def store_path(root: Path, dataset: str, feature_set: str) -> Path:
    """Give the path of the store of a dataset and feature set.

    Raises:
        DataError: a name that could lead out of the data folder.
    """
    require_names(dataset, feature_set)
    return root / dataset / feature_set / FILE_NAME


def scan(root: Path, dataset: str | None = None) -> Installed:
    """Read the header of each store below a data folder; a damaged file does not hide the others.

    Args:
        dataset: the only dataset whose stores are wanted; None: all of them.
    """
    headers: list[StoreHeader] = []
    unreadable: list[tuple[Path, str]] = []
    pattern = "*/*" if dataset is None else f"{glob.escape(dataset)}/*"
    places = [folder / FILE_NAME for folder in root.glob(pattern)] if os.path.isdir(root) else []
    for path in sorted(filter(os.path.lexists, places)):  # broken links included
        try:
            header = read_header(path)
            if path != store_path(root, header.dataset, header.features):
                raise DataError(f"{path}: holds {header.dataset} {header.features}, which belongs elsewhere")
            headers.append(header)
        except DataError as error:
            unreadable.append((path, str(error)))
    return Installed(sorted(headers, key=lambda h: (h.dataset, h.features)), unreadable)


def installed(root: Path) -> list[StoreHeader]:
    """Give the stores below a data folder that can be read, by dataset and feature set."""
    return scan(root).headers
