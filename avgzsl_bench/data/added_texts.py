"""The added texts that a run gets: those a user added to the dataset, or simulated descriptions."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from avgzsl_bench.data.datasets.facts import Dataset
from avgzsl_bench.data.simulated.extras import simulate_descriptions
from avgzsl_bench.data.store.added_text import AddedText, added_text_path, check_added_text, read_added_text
from avgzsl_bench.data.store.store import StoreHeader
from avgzsl_bench.errors import DataError

DESCRIPTIONS = "knowledge"
"""The name under which methods look for embeddings of class descriptions."""


def find_added_text(
    root: Path, dataset: Dataset, store: StoreHeader, names: Sequence[str]
) -> tuple[AddedText, ...]:
    """Read those of the named texts that the dataset has. Simulated features come with simulated descriptions.

    Args:
        root: the data folder.
        dataset: the dataset.
        store: the feature set in use.
        names: as in `Needs.added_text`.

    Raises:
        DataError: one is there and cannot be used, or has the name of a text encoder of the feature set.
    """
    taken = [name for name in names if name in store.text]
    if taken:
        raise DataError(f"{store.features} of {dataset.name} have a text encoder {taken[0]!r} of their own")
    if store.simulated:
        if DESCRIPTIONS not in names:
            return ()
        return (AddedText(dataset.name, DESCRIPTIONS, simulate_descriptions(dataset), "simulated"),)
    paths = (added_text_path(root, dataset.name, name) for name in names)
    found = tuple(read_added_text(path) for path in paths if os.path.lexists(path))
    for text in found:
        check_added_text(text, dataset, str(added_text_path(root, dataset.name, text.name)))
    return found
