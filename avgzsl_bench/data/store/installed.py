"""Where data lives: one folder a dataset, one a feature set below it, one store in each."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from avgzsl_bench.data.store.store import StoreHeader, read_header
from avgzsl_bench.errors import DataError
from avgzsl_bench.system.identifiers import IDENTIFIER_RULE, NAME

ENVIRONMENT = "AVBENCH_DATA"
"""Environment variable that names the data folder."""

FILE_NAME = "features.h5"


@dataclass(frozen=True)
class Installed:
    """What lies below a data folder.

    Attributes:
        headers: the stores, by dataset and feature set.
        unreadable: files in a store's place that cannot be read, with the reason.
    """

    headers: list[StoreHeader]
    unreadable: list[tuple[Path, str]]


def data_root(given: Path | str | None = None) -> Path:
    """The data folder: the one given, else that of `AVBENCH_DATA`, else the user's own for this program."""
    if given is not None:
        return Path(given)
    named = os.environ.get(ENVIRONMENT)
    return Path(named) if named else platformdirs.user_data_path("avgzsl-bench")


def store_path(root: Path, dataset: str, features: str) -> Path:
    """Where the store of a dataset and feature set belongs.

    Raises:
        DataError: a name that could lead out of the data folder.
    """
    for name in (dataset, features):
        if not NAME.fullmatch(name):
            raise DataError(f"{name!r} is no name of a dataset or feature set ({IDENTIFIER_RULE})")
    return root / dataset / features / FILE_NAME


def scan(root: Path) -> Installed:
    """Everything below a data folder; a damaged file does not hide the others."""
    headers: list[StoreHeader] = []
    unreadable: list[tuple[Path, str]] = []
    for path in _places(root):
        try:
            header = read_header(path)
            if path != store_path(root, header.dataset, header.features):
                raise DataError(f"{path}: holds {header.dataset} {header.features}, which belongs elsewhere")
            headers.append(header)
        except DataError as error:
            unreadable.append((path, str(error)))
    return Installed(sorted(headers, key=lambda h: (h.dataset, h.features)), unreadable)


def _places(root: Path) -> list[Path]:
    """Whatever lies in a store's place, broken links included."""
    if not os.path.isdir(root):
        return []
    return sorted(folder / FILE_NAME for folder in root.glob("*/*") if os.path.lexists(folder / FILE_NAME))


def installed(root: Path) -> list[StoreHeader]:
    """The stores below a data folder that can be read, by dataset and feature set."""
    return scan(root).headers
