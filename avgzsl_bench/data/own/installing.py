"""Putting features made outside the package into a data folder: the store and the files beside it."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path

from avgzsl_bench.data.datasets.facts import Dataset
from avgzsl_bench.data.datasets.registry import dataset_path, write_own_dataset
from avgzsl_bench.data.store.table import FeatureTable
from avgzsl_bench.data.store.verify import Finding, findings_of
from avgzsl_bench.data.store.writing import write_store
from avgzsl_bench.errors import DataError
from avgzsl_bench.system.files import write_atomically
from avgzsl_bench.system.locks import writing_alone

BESIDE = ("card.json", "extraction.json", "left_out.csv")
"""Files that may lie beside a store and describe it, so that they go when it is replaced."""


def require_free(target: Path, *, force: bool) -> None:
    """Refuse a store that is there already, unless it is to be replaced.

    Raises:
        DataError: it is there.
    """
    if os.path.lexists(target) and not force:
        raise DataError(f"{target} is there already; replace it with --force")


def install_features(
    target: Path,
    table: FeatureTable,
    dataset: Dataset,
    new_file: Path | None,
    beside: Mapping[str, bytes],
    *,
    force: bool,
    report: Callable[[str], None],
) -> tuple[Finding, ...]:
    """Write a store with the files beside it; if one cannot be written, everything is as before.

    Args:
        target: path of the store.
        table: its content.
        dataset: facts of its dataset.
        new_file: where to write these, for a new dataset; None: they are there.
        beside: content of the files beside the store, by name.
        force: replace a store that is there.
        report: called with a line if another program has to be waited for.

    Returns:
        Differences from the dataset's standard.

    Raises:
        DataError: the store is there already, the table is inconsistent, or another program wrote the facts.
        AvbenchError: the data folder cannot be written to.
    """
    facts = dataset_path(target.parents[2], dataset.name)
    with writing_alone(facts, report), writing_alone(target, report):
        require_free(target, force=force)  # another program may have been writing it
        if new_file is not None and os.path.lexists(new_file):
            raise DataError(f"{new_file} was written by another program just now; give the same command again")
        with ExitStack() as undo:
            if new_file is not None:
                write_own_dataset(new_file, dataset)
                undo.callback(new_file.unlink, missing_ok=True)
            replaced = _moved_aside(target.parent, undo)
            for name, content in beside.items():
                undo.callback(target.with_name(name).unlink, missing_ok=True)
                write_atomically(target.with_name(name), content)
            write_store(target, table)
            undo.pop_all()
        for path in replaced:
            path.unlink(missing_ok=True)
        return findings_of(table, dataset)


def _moved_aside(folder: Path, undo: ExitStack) -> list[Path]:
    """Move the files that describe an earlier store aside; undoing it moves them back.

    That takes no space: a full disk is a common reason to fail.
    """
    aside: list[Path] = []
    for path in (folder / name for name in BESIDE):
        if os.path.lexists(path):
            hidden = path.with_name(f".{path.name}.old.tmp")
            os.replace(path, hidden)
            undo.callback(os.replace, hidden, path)
            aside.append(hidden)
    return aside
