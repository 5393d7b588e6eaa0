from __future__ import annotations

import csv
import hashlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from named_stores import install, named_table, partial_table, rows_of

import avgzsl_bench as ab
from avgzsl_bench.data.choose import resolve_data
from avgzsl_bench.data.datasets.facts import PARTITIONS, Dataset, PartitionFacts, partition_bit
from avgzsl_bench.data.datasets.registry import registered_dataset
from avgzsl_bench.data.datasets.standard import (
    PartitionDifference,
    differences_summary,
    differences_text,
    standard_differences,
)
from avgzsl_bench.data.simulated.simulated import simulate
from avgzsl_bench.data.store.table import FeatureTable

UCF = registered_dataset("ucf")


def found(table: FeatureTable, split: str = "cls", dataset: Dataset = UCF) -> dict[str, tuple[int, int]]:
    rows = table.label, table.partition, table.video_id
    differences = standard_differences(dataset, split, *rows, simulated=table.simulated)
    return {name: (d.present, d.standard) for name, d in differences.items()}


def with_ids_of(table: FeatureTable) -> Dataset:
    """UCF with the ids of a table as the standard ones of each partition of `cls`."""
    facts = {}
    for name, own in UCF.facts("cls").items():
        inside = ((table.partition & partition_bit(name)) != 0) & np.isin(table.label, own.classes)
        ids = "\n".join(sorted(table.video_id[i] for i in np.flatnonzero(inside)))
        facts[name] = own.model_copy(update={"ids_sha256": hashlib.sha256(ids.encode()).hexdigest()})
    return UCF.model_copy(update={"splits": {"cls": facts}})


def test_the_standard_numbers_with_the_standard_ids_do_not_differ() -> None:
    table = named_table()
    assert found(table, dataset=with_ids_of(table)) == {}


def test_the_published_lists_do_not_differ(shared: Path) -> None:
    folder = shared / "data" / "official" / "UCF" / "class-split" / "main_split"
    mask: dict[str, int] = {}
    label: dict[str, int] = {}
    for name in PARTITIONS:
        with (folder / f"{name.replace('stage', 'stage_')}.csv").open(newline="") as file:
            for row in csv.DictReader(file):
                mask[row["filename"]] = mask.get(row["filename"], 0) | partition_bit(name)
                label[row["filename"]] = int(row["label_code"])
    rows = np.array(list(label.values())), np.array(list(mask.values()), np.uint8), list(label)
    for split in ("main", "cls", "cls-disjoint"):
        assert standard_differences(UCF, split, *rows, simulated=False) == {}
    assert list(standard_differences(UCF, "cls", *rows[:2], ["x", *rows[2][1:]], simulated=False)), "another id"


def test_other_ids_differ_unless_they_are_simulated() -> None:
    standard = {name: sum(facts.videos) for name, facts in UCF.facts("cls").items()}
    assert found(named_table()) == {name: (standard[name], standard[name]) for name in PARTITIONS}
    assert found(simulate(UCF)) == {}


def test_fewer_and_more_videos_are_counted_by_partition() -> None:
    table, dataset = named_table(), with_ids_of(named_table())
    test_unseen = np.flatnonzero(table.partition == partition_bit("stage2_test_unseen"))
    listed = test_unseen[np.isin(table.label[test_unseen], UCF.facts("cls")["stage2_test_unseen"].classes)]
    keep = np.ones(len(table), bool)
    keep[listed[:7]] = False
    assert found(rows_of(table, keep), dataset=dataset) == {"stage2_test_unseen": (838, 845)}
    twice = table.partition.copy()
    twice[np.flatnonzero(table.partition & partition_bit("stage1_train"))[:5]] |= partition_bit("stage1_val_seen")
    assert found(replace(table, partition=twice), dataset=dataset) == {"stage1_val_seen": (358, 353)}


def test_videos_of_classes_that_the_split_leaves_out_do_not_count() -> None:
    table, dataset = named_table(), with_ids_of(named_table())
    only_main = [UCF.class_id(name) for name in ("BandMarching", "BrushingTeeth", "Typing")]
    without = rows_of(table, ~np.isin(table.label, only_main))
    assert found(without, dataset=dataset) == {}
    assert found(without, "main")["stage2_test_unseen"] == (845, 1267)


def test_a_view_is_compared_by_the_split_behind_it() -> None:
    half = partial_table()
    assert found(half, "cls-disjoint") == found(half, "cls")


def test_a_partition_without_a_standard_number_has_no_standard() -> None:
    none = {n: PartitionFacts(classes=f.classes, videos=(0,) * len(f.classes)) for n, f in UCF.partitions.items()}
    assert found(named_table(), dataset=UCF.model_copy(update={"partitions": none, "splits": {"cls": {}}})) == {}


@pytest.mark.parametrize(
    ("partitions", "text"),
    [
        ({"stage2_test_seen": (126, 555), "stage2_test_unseen": (51, 845)}, "177 of 1,400 test videos"),
        ({"stage2_test_unseen": (51, 845)}, "51 of 845 test videos of unseen classes"),
        ({"stage2_train": (5000, 4994), "stage1_train": (1, 2)}, "5,000 in place of 4,994 training videos"),
        ({"stage1_val_seen": (353, 353)}, "353 others in place of 353 validation videos of seen classes"),
        ({"stage1_train": (1, 3174)}, "1 of 3,174 training videos of stage 1"),
        ({}, ""),
    ],
)
def test_the_summary_names_what_weighs_most(partitions: Mapping[str, tuple[int, int]], text: str) -> None:
    differences = {name: PartitionDifference(present=p, standard=s) for name, (p, s) in partitions.items()}
    assert differences_summary(differences) == text
    assert all(name in differences_text(differences) for name in partitions)


def test_loading_warns_once_and_names_the_partitions(tmp_path: Path) -> None:
    install(tmp_path, partial_table())
    with pytest.warns(UserWarning, match="standard videos") as warned:
        ab.load_benchmark("ucf", data_root=tmp_path)
    (text,) = [str(w.message) for w in warned]
    assert text.startswith("ucf clip_clap does not hold the standard videos of split cls (stage1_train ")
    assert "stage2_test_unseen" in text
    trained = int(((partial_table().partition & partition_bit("stage2_train")) != 0).sum())
    differences = resolve_data("ucf", root=tmp_path).differences
    assert (differences["stage2_train"].present, differences["stage2_train"].standard) == (trained, 4994)


def test_simulated_features_do_not_warn_of_their_videos(data_root: Path, recwarn: pytest.WarningsRecorder) -> None:
    ab.load_benchmark("ucf", "simulated", data_root=data_root)
    assert not [w for w in recwarn if "standard videos" in str(w.message)]
