"""Turning downloaded features into stores, once."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from avgzsl_bench.data.datasets.facts import Dataset
from avgzsl_bench.data.datasets.feature_sets import PUBLISHED
from avgzsl_bench.data.datasets.registry import (
    FILE_NAME,
    dataset_path,
    known_datasets,
    read_facts,
    write_own_dataset,
)
from avgzsl_bench.data.layouts.readers import DetectedFeatures, feature_readers
from avgzsl_bench.data.layouts.tree import feature_folders, refuse_link_out
from avgzsl_bench.data.store.installed import store_path
from avgzsl_bench.data.store.spilled import spill_folder
from avgzsl_bench.data.store.writing import write_store
from avgzsl_bench.errors import DataError
from avgzsl_bench.system.files import folder_fault, os_reason
from avgzsl_bench.system.locks import writing_alone


@dataclass(frozen=True)
class ImportResult:
    """One feature set that was imported.

    Attributes:
        found: what was recognised, and where.
        path: the store that was written.
        videos: number of videos in it.
    """

    found: DetectedFeatures
    path: Path
    videos: int


def import_tree(
    directory: Path, root: Path, *, force: bool, announce: Callable[[str], None] = lambda step: None
) -> list[ImportResult]:
    """Import every feature set at or below a directory.

    Args:
        directory: a feature-set folder, or a folder above it up to the one that holds the datasets.
        root: the data folder.
        force: replace stores that are there already.
        announce: told what is about to happen, for display.

    Raises:
        DataError: nothing is recognised, a store is there already, or a feature set cannot be read.
        AvbenchError: a store cannot be written. Feature sets imported before an error stay.
    """
    fault = folder_fault(directory)
    if fault is not None:
        raise DataError(f"{directory}: {fault}")
    readers, known = feature_readers(), known_datasets(root)
    announce(f"looking through {directory}")
    try:
        brought = _brought_datasets(directory, known)
        datasets = {**known, **brought}
        found = [f for r in readers.values() for f in r.recognise(directory, list(datasets.values()))]
    except OSError as error:
        raise DataError(f"{directory}: cannot be read: {os_reason(error)} ({error.filename})") from error
    if not found:
        raise DataError(_nothing_found(directory, list(readers), list(datasets)))
    targets = _targets(found, root, force=force)
    results = []
    for target, item in targets.items():
        with writing_alone(target, announce), spill_folder(target.parent):
            _require_free(target, force=force)  # again: another may have been writing it
            if item.dataset in brought:
                write_own_dataset(dataset_path(root, item.dataset), brought[item.dataset])
            announce(f"reading {item.dataset} {item.features} ({item.reader}) from {item.path}")
            table = readers[item.reader].read(item, datasets[item.dataset])
            announce(f"writing {target}")
            write_store(target, table)
            results.append(ImportResult(item, target, len(table)))
    return results


def _brought_datasets(directory: Path, known: Mapping[str, Dataset]) -> dict[str, Dataset]:
    """Datasets of a user's own that exported trees bring with them and that are not known here."""
    found: dict[str, Dataset] = {}
    for folder in feature_folders(directory):
        path = folder / FILE_NAME
        refuse_link_out(path, folder)
        if path.is_file():
            dataset = read_facts(path)
            if found.setdefault(dataset.name, dataset) != dataset:
                raise DataError(f"{path}: other facts of dataset {dataset.name!r} than in a folder beside it")
    return {name: dataset for name, dataset in found.items() if name not in known}


def _targets(found: list[DetectedFeatures], root: Path, *, force: bool) -> dict[Path, DetectedFeatures]:
    """Where each feature set goes, settled before anything is read."""
    targets: dict[Path, DetectedFeatures] = {}
    for item in sorted(found, key=lambda f: (f.dataset, f.features, f.path)):
        target = store_path(root, item.dataset, item.features)
        if target in targets:
            both = f"{targets[target].path} and {item.path}"
            raise DataError(
                f"{both} both hold {item.features} of {item.dataset}; import one of them by its folder"
            )
        _require_free(target, force=force)
        targets[target] = item
    return targets


def _require_free(target: Path, *, force: bool) -> None:
    if os.path.lexists(target) and not force:
        raise DataError(f"{target} is there already; replace it with --force")


def _nothing_found(directory: Path, readers: list[str], datasets: list[str]) -> str:
    widths = ", ".join(f"{f.audio}/{f.visual} ({f.name})" for f in PUBLISHED)
    return (
        f"{directory}: no features recognised; known layouts: {', '.join(readers) or 'none'}; looked for "
        f"[DATASET/][features/]SET/{{audio,video}}/stage_1_train/CLASS.h5 or .pkl with classes of "
        f"{', '.join(datasets) or 'no dataset'} and audio/visual widths {widths}"
    )
