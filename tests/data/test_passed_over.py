from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from named_stores import install, named_table, rows_of

from avgzsl_bench.data.choose import LEAST_COVERED, resolve_data
from avgzsl_bench.data.datasets.counts import covered
from avgzsl_bench.data.datasets.registry import registered_dataset
from avgzsl_bench.data.store.extraction import is_extracted
from avgzsl_bench.data.store.origin import EXTRACTED
from avgzsl_bench.data.store.store import read_header
from avgzsl_bench.data.store.table import FeatureTable
from avgzsl_bench.errors import DataError


def share_of(share: float, features: str) -> FeatureTable:
    """The first videos of each class and partition, so many that the share is just there, or just not."""
    table = named_table()
    key = table.label * 256 + table.partition
    order = np.argsort(key, kind="stable")
    keep = np.zeros(len(table), bool)
    for value in np.unique(key):
        rows = order[key[order] == value]
        keep[rows[: max(1, round(share * len(rows)))]] = True
    return replace(rows_of(table, keep), features=features)


def extracted(root: Path, table: FeatureTable) -> None:
    install(root, replace(table, source=EXTRACTED))


def chosen(root: Path, features: str = "auto", split: str = "cls") -> tuple[str, list[str]]:
    """Which features are taken, and the warnings."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        data = resolve_data("ucf", features, split, root=root)
    return data.store.features, [str(warning.message) for warning in caught]


def coverage_of(table: FeatureTable, split: str) -> float:
    return covered(registered_dataset("ucf"), table.label, table.partition, split).share


def test_auto_passes_over_extracted_features_that_cover_too_little(tmp_path: Path) -> None:
    few, most = share_of(0.9, "a_few"), share_of(0.97, "most")
    assert coverage_of(few, "cls") < LEAST_COVERED <= coverage_of(most, "cls")
    extracted(tmp_path, few)
    features, said = chosen(tmp_path)
    found = covered(registered_dataset("ucf"), few.label, few.partition, "cls")
    text = (
        f"a_few of ucf is passed over: it was extracted from {found.videos:,} of the 6,394 standard videos of "
        "split cls; use it with --features a_few"
    )
    assert (features, said) == ("simulated", [text])
    extracted(tmp_path, most)
    assert chosen(tmp_path) == ("most", [text])


def test_by_name_they_are_taken(tmp_path: Path) -> None:
    extracted(tmp_path, share_of(0.5, "a_few"))
    assert chosen(tmp_path, "a_few") == ("a_few", [])


@pytest.mark.parametrize("split", ["main", "cls"])
def test_features_that_were_not_extracted_are_taken_as_before(tmp_path: Path, split: str) -> None:
    install(tmp_path, share_of(0.5, "a_few"))
    assert chosen(tmp_path, split=split) == ("a_few", [])


def test_the_videos_of_the_split_count(tmp_path: Path) -> None:
    """Without the videos of classes that only the split `main` has, `cls` is covered and `main` is not."""
    dataset, table = registered_dataset("ucf"), named_table()
    lists = {split: dataset.facts(split)["stage2_test_unseen"].classes for split in ("main", "cls")}
    dropped = sorted(set(lists["main"]) - set(lists["cls"]))
    without = replace(rows_of(table, ~np.isin(table.label, dropped)), features="mine")
    extracted(tmp_path, without)
    assert coverage_of(without, "main") < LEAST_COVERED
    assert chosen(tmp_path, split="cls") == ("mine", [])
    assert chosen(tmp_path, split="main")[0] == "simulated"


def test_it_is_said_also_where_simulated_features_are_refused(tmp_path: Path) -> None:
    extracted(tmp_path, share_of(0.5, "a_few"))
    with pytest.warns(UserWarning, match="a_few of ucf is passed"), pytest.raises(DataError, match="cls-disj"):
        resolve_data("ucf", "auto", "cls-disjoint", root=tmp_path)


def test_extracted_features_are_known_by_their_source(tmp_path: Path) -> None:
    path = install(tmp_path, named_table())
    assert not is_extracted(read_header(path))
    path = install(tmp_path, replace(named_table(), source=EXTRACTED))
    assert is_extracted(read_header(path))
