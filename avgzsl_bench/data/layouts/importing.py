"""Importing downloaded features: recognised by the registered readers, written as stores, once."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
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
from avgzsl_bench.data.datasets.standard import standard_differences
from avgzsl_bench.data.layouts.checked_reader import CheckedReader, feature_readers, unusable_readers
from avgzsl_bench.data.layouts.readers import DetectedFeatures
from avgzsl_bench.data.layouts.tree import feature_folders, refuse_link_out
from avgzsl_bench.data.store.checks import check_rows
from avgzsl_bench.data.store.faults import partition_faults, refuse_faults
from avgzsl_bench.data.store.installed import store_path
from avgzsl_bench.data.store.spilled import spill_folder
from avgzsl_bench.data.store.table import FeatureTable
from avgzsl_bench.data.store.writing import write_store
from avgzsl_bench.errors import DataError, PluginError
from avgzsl_bench.system.files import folder_fault, os_reason
from avgzsl_bench.system.locks import writing_alone


@dataclass(frozen=True)
class ImportResult:
    """One imported feature set.

    Attributes:
        found: the feature set as its reader detected it.
        path: the store that was written.
        videos: number of videos in it.
        other_splits: the splits whose videos are not the standard ones.
    """

    found: DetectedFeatures
    path: Path
    videos: int
    other_splits: tuple[str, ...]


def import_tree(
    directory: Path,
    root: Path,
    *,
    force: bool,
    report: Callable[[str], None] = lambda step: None,
    warn: Callable[[str], None] = warnings.warn,
) -> list[ImportResult]:
    """Import every feature set at or below a directory.

    A reader that breaks, or breaks the contract, is left out with a warning; the feature sets of other readers
    are imported.

    Args:
        directory: a feature-set folder, or a folder above it up to the one that holds the datasets.
        root: the data folder.
        force: replace stores that are there already.
        report: called with each step before it begins, for display.
        warn: called with each fault of a plugin's reader, one line.

    Raises:
        DataError: nothing is recognised, a store is there already, or a feature set cannot be read or must not
            be used.
        PluginError: nothing can be imported because of a plugin's reader.
        AvbenchError: a store cannot be written. Feature sets imported before an error stay.
    """
    fault = folder_fault(directory)
    if fault is not None:
        raise DataError(f"{directory}: {fault}")
    readers, known, faults = feature_readers(), known_datasets(root), unusable_readers()
    report(f"looking through {directory}")
    exported = _exported_datasets(directory, known)
    datasets = {**known, **exported}
    found = []
    for reader in readers.values():
        try:
            found += reader.recognise(directory, list(datasets.values()))
        except PluginError as error:
            faults.append(str(error))
    if not found:
        raise DataError("; ".join([_nothing_found(directory, list(readers), list(datasets)), *faults]))
    results = []
    for target, item in _targets(found, root, force=force).items():
        with writing_alone(target, report), spill_folder(target.parent):
            _require_free(target, force=force)  # again: another process may have written it
            report(f"reading {item.dataset} {item.features} ({item.reader}) from {item.path}")
            try:
                table = readers[item.reader].read(item, datasets[item.dataset])
                _require_usable(table, item, readers[item.reader])
                if item.dataset in exported:
                    write_own_dataset(dataset_path(root, item.dataset), exported[item.dataset])
                report(f"writing {target}")
                _write(target, table, readers[item.reader])
            except PluginError as error:
                faults.append(f"{error}; not imported: {item.path}")
                continue
            other = _other_splits(table, datasets[item.dataset])
            results.append(ImportResult(item, target, len(table), other))
    if not results:
        raise PluginError("; ".join(faults))
    for line in faults:
        warn(line)
    return results


def _other_splits(table: FeatureTable, dataset: Dataset) -> tuple[str, ...]:
    """List the splits of a dataset whose videos are not the standard ones."""
    rows = table.label, table.partition, table.video_id
    splits = sorted(dataset.splits)
    return tuple(s for s in splits if standard_differences(dataset, s, *rows, simulated=table.simulated))


def _require_usable(table: FeatureTable, item: DetectedFeatures, reader: CheckedReader) -> None:
    """Refuse data that must not be used, such as videos that are scored and trained on."""
    with _blamed(reader):
        check_rows(table, f"features {table.features!r} of {table.dataset!r}")
    advice = "correct the files by the published lists, then import them"
    refuse_faults(partition_faults(table.partition, table.video_id), where=str(item.path), advice=advice)


def _write(target: Path, table: FeatureTable, reader: CheckedReader) -> None:
    """Write a store, by default with the reader as source."""
    with _blamed(reader):
        write_store(target, table if table.source else replace(table, source=reader.name))


@contextmanager
def _blamed(reader: CheckedReader) -> Iterator[None]:
    """Blame a reader for a table that is not sound."""
    try:
        yield
    except DataError as error:
        raise reader.fault(f"read() returned an unsound table: {error}") from error


def _exported_datasets(directory: Path, known: Mapping[str, Dataset]) -> dict[str, Dataset]:
    """Read the datasets that exported trees hold beside their features and that are not known here."""
    found: dict[str, Dataset] = {}
    try:
        folders = feature_folders(directory)
    except OSError as error:
        raise DataError(f"{directory}: cannot be read: {os_reason(error)} ({error.filename})") from error
    for folder in folders:
        path = folder / FILE_NAME
        refuse_link_out(path, folder)
        if path.is_file():
            dataset = read_facts(path)
            if found.setdefault(dataset.name, dataset) != dataset:
                raise DataError(f"{path}: other facts of dataset {dataset.name!r} than in a folder beside it")
    return {name: dataset for name, dataset in found.items() if name not in known}


def _targets(found: list[DetectedFeatures], root: Path, *, force: bool) -> dict[Path, DetectedFeatures]:
    """Choose the store of each feature set, before anything is read."""
    targets: dict[Path, DetectedFeatures] = {}
    for item in sorted(found, key=lambda f: (f.dataset, f.features, f.path)):
        target = store_path(root, item.dataset, item.features)
        if target in targets:
            other = targets[target]
            both = f"{other.path} and {item.path} both hold {item.features} of {item.dataset}"
            raise DataError(f"{both} (readers: {other.reader}, {item.reader}); import one of them by its folder")
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
