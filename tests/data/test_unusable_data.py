"""Data that must not be used is refused when it is imported, and before it is scored."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from click.testing import CliRunner
from named_stores import install, named_table, overlapping_table
from own_features import OwnFiles
from published_tree import UCF, VIDEOS, write_tree

import avgzsl_bench as ab
from avgzsl_bench.cli import main
from avgzsl_bench.data.choose import resolve_data
from avgzsl_bench.data.layouts.importing import import_tree
from avgzsl_bench.data.store.faults import row_faults
from avgzsl_bench.data.store.store import read_header
from avgzsl_bench.data.store.verify import verify_store
from avgzsl_bench.errors import DataError

NOT_TO_BE_USED = r"not to be used: {one} and {other}: {videos} videos are in both, such as 'v_"


def copied(tree: SimpleNamespace, name: str, one: str, other: str) -> None:
    """Copy the class files of a partition into another one, in both modalities."""
    for modality in ("audio", "video"):
        target = tree.file(modality, other, name)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(tree.file(modality, one, name), target)


@pytest.mark.usefixtures("standard")
@pytest.mark.parametrize("features", ["selavi", "clip_clap", "selavi_seq"])
@pytest.mark.parametrize(
    ("name", "one", "other", "expected"),
    [
        ("Archery", "stage_2_test_seen", "stage_1_train", "stage2_train and stage2_test_seen: 1 videos"),
        ("Archery", "stage_2_test_seen", "stage_2_train", "stage2_train and stage2_test_seen: 1 videos"),
        ("Archery", "stage_1_train", "stage_1_val_seen", "stage1_train and stage1_val_seen: 1 videos"),
        ("Typing", "stage_2_test_unseen", "stage_2_train", "stage2_train and stage2_test_unseen: 1 videos"),
        ("BandMarching", "stage_2_test_unseen", "stage_1_train", "stage2_train and stage2_test_unseen: 2 videos"),
        ("BandMarching", "stage_2_test_unseen", "stage_2_test_seen", "stage2_test_seen and stage2_test_unseen: 2"),
        ("Archery", "stage_2_test_seen", "stage_1_val_seen", "stage2_train and stage2_test_seen: 1 videos"),
        ("ApplyEyeMakeup", "stage_1_val_unseen", "stage_1_train", "stage1_train and stage1_val_unseen: 1 videos"),
    ],
)
def test_an_import_refuses_videos_in_two_partitions_of_a_stage(
    tmp_path: Path, features: str, name: str, one: str, other: str, expected: str
) -> None:
    tree = write_tree(tmp_path / "in", features)
    copied(tree, name, one, other)
    root = tmp_path / "data"
    result = CliRunner().invoke(main, ["data", "import", str(tree.root), "--data-root", str(root)])
    assert result.exit_code == 2
    (line,) = result.stderr.splitlines()
    assert line.startswith(f"error: {tree.set}: not to be used: ")
    assert expected in line
    assert not list(root.rglob("*.h5"))


@pytest.mark.usefixtures("standard")
def test_what_an_import_refuses_leaves_what_is_installed(tmp_path: Path) -> None:
    tree, root = write_tree(tmp_path / "in", "selavi"), tmp_path / "data"
    (first,) = import_tree(tree.root, root, force=False)
    before = first.path.read_bytes()
    copied(tree, "Archery", "stage_1_train", "stage_1_val_seen")
    with pytest.raises(DataError, match="not to be used"):
        import_tree(tree.root, root, force=True)
    assert first.path.read_bytes() == before


@pytest.mark.usefixtures("standard")
def test_the_same_id_in_two_classes_is_refused(tmp_path: Path) -> None:
    unseen = VIDEOS["stage_2_test_unseen"] | {"Typing": ["v_A_0"]}
    write_tree(tmp_path / "in", "selavi", VIDEOS | {"stage_2_test_unseen": unseen})
    with pytest.raises(DataError, match=r"'v_A_0' is in classes 'Archery' and 'Typing'"):
        import_tree(tmp_path / "in", tmp_path / "data", force=False)


OVERLAPS = [
    ("stage2_train", "stage2_test_seen"),
    ("stage1_train", "stage1_val_seen"),
    ("stage2_train", "stage2_test_unseen"),
    ("stage2_test_seen", "stage2_test_unseen"),
    ("stage1_val_seen", "stage1_val_unseen"),
]


@pytest.mark.parametrize(("one", "other"), OVERLAPS)
def test_nothing_is_scored_on_an_installed_overlap(tmp_path: Path, one: str, other: str) -> None:
    """Older versions imported such data."""
    root, out = tmp_path / "data", tmp_path / "out"
    header = read_header(install(root, overlapping_table(one, other)))
    assert verify_store(header, UCF).verdict.startswith("not to be used"), "what verify says, a run follows"
    message = NOT_TO_BE_USED.format(one=one, other=other, videos=3)
    calls: list[Callable[[], object]] = [
        lambda: ab.run("chance", "ucf", data_root=root, out=out),
        lambda: ab.load_benchmark("ucf", data_root=root),
        lambda: ab.load_benchmark("ucf", split="main", data_root=root),
    ]
    for call in calls:
        with pytest.raises(DataError, match=message):
            call()
    common = ["--data-root", root, "--out", out]
    commands: list[list[object]] = [
        ["run", "--method", "chance", "--dataset", "ucf", *common],
        ["sweep", "--methods", "chance,eszsl", "--datasets", "ucf", "--seeds", 1, *common],
        ["sweep", "--methods", "chance", "--datasets", "ucf", "--seeds", 1, "--dry-run", *common],
        ["ablate", "--method", "mft", "--dataset", "ucf", "--data-root", root, "--results", out],
    ]
    for command in commands:
        result = CliRunner().invoke(main, [*map(str, command)])
        assert result.exit_code == 2, result.output
        line = result.stderr.splitlines()[-1]
        assert f"{one} and {other}: 3 videos are in both" in line
    assert not list(out.rglob("*.json"))


def test_a_store_whose_second_stage_lacks_training_videos_is_refused(tmp_path: Path) -> None:
    table = named_table()
    partition = table.partition.copy()
    partition[np.flatnonzero(partition & 1)[:4]] = 1
    install(tmp_path, replace(table, partition=partition))
    with pytest.raises(DataError, match="stage2_train: lacks 4 videos of the stage-1 partitions"):
        resolve_data("ucf", root=tmp_path)


def test_classes_that_the_dataset_lacks_are_refused(tmp_path: Path) -> None:
    table = named_table()
    label = table.label.copy()
    label[-1] = 101
    words = {encoder: np.concatenate([vectors, vectors[:1]]) for encoder, vectors in table.text.items()}
    install(tmp_path, replace(table, label=label, text=words))
    with pytest.raises(DataError, match="labels: holds class id 101, ucf has 101 classes"):
        resolve_data("ucf", root=tmp_path)


def test_sound_rows_have_no_fault() -> None:
    table = named_table()
    assert list(row_faults(table.label, table.partition, table.video_id, UCF)) == []


@pytest.mark.parametrize(
    ("partition", "fault"),
    [
        (
            "stage1_train; stage2_test_seen",
            "stage2_train and stage2_test_seen: 2 videos are in both, such as 'w0'",
        ),
        ("stage2_train; stage2_test_unseen", "stage2_train and stage2_test_unseen: 2 videos are in both"),
        ("stage_1_train; stage_1_val_seen", "stage1_train and stage1_val_seen: 2 videos are in both"),
    ],
)
def test_a_table_of_videos_in_two_partitions_of_a_stage_is_refused(
    own: OwnFiles, partition: str, fault: str
) -> None:
    own.rows = [("w0", "b", partition), ("w1", "b", partition), *own.rows]
    own.audio, own.visual = np.zeros((len(own.rows), 5)), np.zeros((len(own.rows), 7), np.float32)
    own.write()
    own.refuses(f"{own.path('videos.csv')}: not to be used: {fault}")
