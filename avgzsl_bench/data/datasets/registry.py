"""The datasets that can be run: those that plugins register, then those that a user added to the data folder.

A user's dataset is a file of facts of the same form, in the dataset's own folder. It never replaces a registered
one.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from avgzsl_bench.data.datasets.facts import DISJOINT, Dataset, read_dataset
from avgzsl_bench.data.untrusted.json_file import read_json_model
from avgzsl_bench.errors import DataError, UnknownNameError
from avgzsl_bench.plugins.registry import Registry
from avgzsl_bench.plugins.specs import DatasetSpec
from avgzsl_bench.system.files import write_atomically
from avgzsl_bench.system.folders import is_there, sub_folders
from avgzsl_bench.system.identifiers import IDENTIFIER_RULE, NAME, names_meant, require_names

FILE_NAME = "dataset.json"

_LARGEST = 1 << 24

LONGEST_NAME = 200
"""Characters of a class name."""


@dataclass(frozen=True)
class OwnDatasets:
    """The datasets of a data folder.

    Attributes:
        datasets: those that can be used, by name.
        unreadable: files in their place that cannot be read or stand in a registered dataset's place, with the
            reason.
    """

    datasets: dict[str, Dataset]
    unreadable: list[tuple[Path, str]]


REGISTRY = Registry("avbench_datasets", DatasetSpec, "dataset", read_dataset)
"""The datasets that plugins register."""


def registered_datasets() -> dict[str, Dataset]:
    """Read every registered dataset that can be read, by name."""
    return dict(sorted(REGISTRY.items().items()))


def registered_dataset(name: str) -> Dataset:
    """Read the dataset registered under a name.

    Raises:
        UnknownNameError: none is, or it cannot be read.
    """
    return REGISTRY.item(name)


def known_dataset(name: str, root: Path) -> Dataset:
    """Find the dataset of a name: the registered one, else the data folder's, else the one with that title.

    Case does not count.

    Raises:
        UnknownNameError: there is none, or several have the title.
        DataError: the data folder's cannot be read, or it cannot be known whether it is there.
    """
    registered = registered_datasets()
    if name in registered:
        return registered[name]
    if NAME.fullmatch(name):
        sub_folders(root / name)  # which fails where it cannot be known what is there
        if is_there(dataset_path(root, name)):
            return read_own_dataset(dataset_path(root, name))
    own = scan_own_datasets(root).datasets
    known = {**registered, **own}
    meant = names_meant(name, [(dataset.name, dataset.title) for dataset in known.values()])
    if len(meant) == 1:
        return known[meant[0]]
    if own or meant:
        raise UnknownNameError("dataset", name, known, meant=meant)
    return registered_dataset(name)


def known_datasets(root: Path) -> dict[str, Dataset]:
    """Read every dataset that can be used, registered ones first."""
    return {**registered_datasets(), **scan_own_datasets(root).datasets}


def scan_own_datasets(root: Path) -> OwnDatasets:
    """Read the datasets of a data folder; a damaged one does not hide the others.

    Raises:
        InaccessibleError: the data folder itself cannot be listed.
    """
    registered = registered_datasets()
    found = OwnDatasets({}, [])
    folders, faults = sub_folders(root)
    found.unreadable.extend((path, error) for path, error in faults if NAME.fullmatch(path.name))
    for path in (folder / FILE_NAME for folder in folders):
        if not (NAME.fullmatch(path.parent.name) or os.path.isfile(path)):
            continue  # no dataset of ours can be there, such as in `lost+found`
        try:
            if not is_there(path):
                continue
            if path.parent.name in registered:
                raise DataError(f"{path}: a registered dataset is called {path.parent.name!r}; remove this one")
            found.datasets[path.parent.name] = read_own_dataset(path)
        except DataError as error:
            found.unreadable.append((path, str(error)))
    return found


def dataset_path(root: Path, name: str) -> Path:
    """Give the place of the facts of a user's dataset.

    Raises:
        DataError: a name that could lead out of the data folder.
    """
    require_names(name)
    return root / name / FILE_NAME


def read_own_dataset(path: Path) -> Dataset:
    """Read a dataset from its file in the data folder.

    Raises:
        DataError: as `read_facts`, or of another dataset than its folder.
    """
    dataset = read_facts(path)
    if dataset.name != path.parent.name:
        raise DataError(f"{path}: holds dataset {dataset.name!r}, which belongs elsewhere; remove it")
    return dataset


def read_facts(path: Path) -> Dataset:
    """Read a user's dataset from a file in any place.

    Raises:
        DataError: unreadable or malformed.
    """
    dataset = read_json_model(path, Dataset, _LARGEST, "dataset file", "add it again with --classes")
    problem = own_dataset_problem(dataset)
    if problem is not None:
        raise DataError(f"{path}: {problem}; add it again with --classes")
    return dataset


def own_dataset_problem(dataset: Dataset) -> str | None:
    """Find what is wrong with a user's dataset beyond what `Dataset` checks; None if nothing is."""
    if dataset.recording is not None:
        return "refused: only a registered dataset may bring a regular expression ('recording')"
    odd = [split for split in dataset.splits if not NAME.fullmatch(split) or split.endswith(DISJOINT)]
    if odd or not dataset.splits:
        return (
            f"a split cannot be called {odd[0][:60]!r} ({IDENTIFIER_RULE}, not ending in {DISJOINT!r})"
            if odd
            else "has no split"
        )
    names = [name for c in dataset.classes for name in (c.name, c.listed, c.readable, c.clip)]
    unfit = next((n for n in names if not n.isprintable() or not n.strip() or len(n) > LONGEST_NAME), None)
    if unfit is not None:
        return f"class name {unfit[:40]!r} is blank, longer than {LONGEST_NAME} characters or not printable"
    if len(set(dataset.class_names)) != len(dataset.class_names):
        return "two classes have the same name"
    if any(n < 0 for s in dataset.splits for f in dataset.facts(s).values() for n in f.videos):
        return "a number of videos is negative"
    return None


def write_own_dataset(path: Path, dataset: Dataset) -> None:
    """Write a dataset's facts whole or not at all.

    Raises:
        AvbenchError: the file cannot be written.
    """
    write_atomically(path, f"{dataset.model_dump_json(indent=1)}\n".encode())
