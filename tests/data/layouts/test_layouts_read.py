"""Published layouts are read as they are, wherever and however they lie."""

from __future__ import annotations

import pickle
import shutil
from pathlib import Path
from types import SimpleNamespace

import h5py
import numpy as np
import pytest
from layout_readers import READERS, read, recognise, row
from published_tree import STAGE1, UCF, VIDEOS, text_keys, vector, write_class, write_tree

from avgzsl_bench.data.datasets.facts import PARTITIONS, partition_bit
from avgzsl_bench.data.layouts.avca import read_class_file
from avgzsl_bench.data.layouts.readers import DetectedFeatures
from avgzsl_bench.data.layouts.tree import disk_name
from avgzsl_bench.errors import DataError

LAYOUT = {"selavi": "avca", "c3d_vggish": "avca", "clip_clap": "clipclap"}
LAYOUT |= {"selavi_seq": "tcaf", "c3d_vggish_seq": "tcaf"}


def mask(*partitions: str) -> int:
    return sum(partition_bit(p) for p in partitions)


@pytest.mark.parametrize("features", list(LAYOUT))
def test_reads_each_layout(tmp_path: Path, features: str) -> None:
    tree = write_tree(tmp_path, features)
    (found,) = recognise(tmp_path)
    assert found == DetectedFeatures(LAYOUT[features], "ucf", features, tree.set)
    table = READERS[found.reader].read(found, UCF)
    assert (table.dataset, table.features, table.source) == ("ucf", features, found.reader)
    assert not table.simulated
    rows = list(zip(table.label.tolist(), table.video_id, strict=True))
    assert rows == sorted(rows)
    assert len(table) == len(set(table.video_id)) == 9
    for i, video in enumerate(table.video_id):
        for feature, modality in ((table.audio, "audio"), (table.visual, "video")):
            stored = row(feature, i)
            assert stored.dtype == np.float32
            np.testing.assert_array_equal(stored, vector(video, modality, features).astype(np.float32))
    facts = zip(table.label.tolist(), table.partition.tolist(), strict=True)
    of = dict(zip(table.video_id, facts, strict=True))
    assert of["v_H_0"] == (UCF.class_id("HandstandPushups"), mask("stage1_train", "stage2_train"))
    assert of["v_A_1"] == (UCF.class_id("Archery"), mask("stage1_val_seen", "stage2_train"))
    assert of["v_A_2"] == (UCF.class_id("Archery"), mask("stage2_test_seen"))
    assert of["v_T_0"] == (UCF.class_id("Typing"), mask("stage2_test_unseen"))


@pytest.mark.parametrize("below", ["", "UCF", "UCF/features", "UCF/features/main_features"])
def test_any_folder_above_will_do(selavi: SimpleNamespace, below: str) -> None:
    (found,) = recognise(selavi.root / below)
    assert found.path == selavi.set


def test_folder_names_do_not_matter(tmp_path: Path) -> None:
    """Published scripts swap two names; content decides."""
    write_tree(tmp_path, "c3d_vggish", set_name="main_features")
    (tmp_path / "UCF").rename(tmp_path / "VGGSound")
    assert [(f.dataset, f.features) for f in recognise(tmp_path)] == [("ucf", "c3d_vggish")]


def test_text_decides_between_datasets_that_share_class_names(tmp_path: Path) -> None:
    shared = {p: {"Archery": [f"v_{i}"]} for i, p in enumerate(p for p in VIDEOS if p != "stage_2_train")}
    write_tree(tmp_path, "selavi", shared)
    assert [f.dataset for f in recognise(tmp_path)] == ["ucf"]
    shutil.rmtree(tmp_path / "UCF" / "features" / "main_features" / "text")
    with pytest.raises(DataError, match="fit several datasets: activitynet, ucf"):
        recognise(tmp_path)


def test_nothing_of_ours_is_not_recognised(tmp_path: Path) -> None:
    assert recognise(tmp_path) == []
    for modality in ("audio", "video"):
        write_class(tmp_path / "set" / modality / "stage_1_train" / "No Class.h5", ["a"], [np.ones(512)])
    assert recognise(tmp_path) == []


def test_absent_stage2_train_is_the_union_of_stage1(tmp_path: Path) -> None:
    complete = read(write_tree(tmp_path / "a", "selavi").root)
    without = {p: classes for p, classes in VIDEOS.items() if p != "stage_2_train"}
    table = read(write_tree(tmp_path / "b", "selavi", without).root)
    np.testing.assert_array_equal(complete.partition, table.partition)
    assert sum((table.partition & partition_bit("stage2_train")) != 0) == sum(
        len(ids) for classes in STAGE1.values() for ids in classes.values()
    )


def test_ids_in_all_spellings(tmp_path: Path) -> None:
    tree = write_tree(tmp_path, "clip_clap")
    videos = ["v_B_0", "v_B_1"]
    rows = {m: [vector(v, m, "clip_clap") for v in videos] for m in ("audio", "video")}
    contents = {
        "audio": {"features": rows["audio"], "video_names": ["b'v_B_0'", np.bytes_(b"v_B_1")]},
        "video": {"features": [row[None] for row in rows["video"]], "video_names": np.array(videos)},
    }
    for modality, content in contents.items():
        tree.file(modality, "stage_2_test_unseen", "BandMarching").write_bytes(pickle.dumps(content))
    assert {"v_B_0", "v_B_1"} <= set(read(tmp_path).video_id)


def test_variable_length_ids_and_other_types(selavi: SimpleNamespace) -> None:
    path = selavi.file("video", "stage_2_test_unseen", "Typing")
    write_class(path, ["v_T_0"], [vector("v_T_0", "video", "selavi").astype(np.float64)], vlen=True)
    path = selavi.file("audio", "stage_2_test_unseen", "Typing")
    write_class(path, ["v_T_0"], [np.ones(512, np.float16)], vlen=True)
    table = read(selavi.root)
    i = table.video_id.index("v_T_0")
    np.testing.assert_array_equal(row(table.visual, i), vector("v_T_0", "video", "selavi"))
    np.testing.assert_array_equal(row(table.audio, i), np.ones(512))


@pytest.mark.parametrize("chunks", [None, 3])
def test_variable_length_text_is_read_as_the_library_does(tmp_path: Path, chunks: int | None) -> None:
    path = tmp_path / "Typing.h5"
    ids = [f"v_{'x' * (i % 20)}{i}" for i in range(500)]
    with h5py.File(path, "w") as file:
        file["data"] = np.ones((500, 512), "f4")
        file.create_dataset("video_urls", data=ids, dtype=h5py.string_dtype(), chunks=chunks and (chunks,))
    with h5py.File(path) as file:
        assert [i.decode() for i in file["video_urls"][()]] == ids
    assert read_class_file(path, 512).video_id == ids


def test_foreign_and_hidden_files_are_ignored(selavi: SimpleNamespace) -> None:
    folder = selavi.set / "audio" / "stage_1_train"
    for name in ("._Archery.h5", "README.txt", ".DS_Store"):
        (folder / name).write_bytes(b"?")
    assert len(read(selavi.root)) == 9


def test_class_outside_the_partitions_list_is_kept(selavi: SimpleNamespace) -> None:
    for modality in ("audio", "video"):
        write_class(selavi.file(modality, "stage_2_test_unseen", "Billiards"), ["v_Z"], [np.ones(512, np.float32)])
    assert "v_Z" in read(selavi.root).video_id


def test_links_inside_the_folder_are_fine(selavi: SimpleNamespace) -> None:
    path = selavi.file("audio", "stage_2_train", "ApplyEyeMakeup")
    path.unlink()
    path.symlink_to(selavi.file("audio", "stage_1_val_unseen", "ApplyEyeMakeup"))
    assert len(read(selavi.root)) == 9


def plain_content(path: Path) -> tuple[list[str], list[np.ndarray]]:
    """A class file of the trees at hand, read without any of our code; they were made for this project."""
    if path.suffix == ".h5":
        with h5py.File(path) as file:
            return [i.decode() for i in file["video_urls"][()]], list(file["data"][()])
    content = pickle.loads(path.read_bytes())
    return [i.decode() for i in content["video_names"]], content["features"]


@pytest.mark.parametrize(
    ("layout", "features"), [("avca", "selavi"), ("clipclap", "clip_clap"), ("tcaf", "selavi_seq")]
)
def test_trees_written_by_another_program(shared: Path, layout: str, features: str) -> None:
    directory = shared / "data" / "trees" / layout
    (found,) = recognise(directory)
    assert (found.reader, found.dataset, found.features) == (layout, "ucf", features)
    table = READERS[layout].read(found, UCF)
    at = {video: i for i, video in enumerate(table.video_id)}
    found_ids = set()
    for partition in PARTITIONS:
        inside = {v for v, m in zip(table.video_id, table.partition, strict=True) if m & partition_bit(partition)}
        count = 0
        for modality, feature in (("audio", table.audio), ("video", table.visual)):
            for path in (found.path / modality / disk_name(partition)).iterdir():
                ids, rows = plain_content(path)
                count += len(ids)
                for video, values in zip(ids, rows, strict=True):
                    assert video in inside
                    assert table.label[at[video]] == UCF.class_id(path.stem)
                    np.testing.assert_array_equal(row(feature, at[video]), values)
                found_ids |= set(ids)
        assert count == 2 * len(inside)
    assert found_ids == set(table.video_id)
    for path in (found.path / "text").iterdir():
        words = np.load(path, allow_pickle=True).item()
        (encoder,) = (e for e, v in table.text.items() if v.shape[1] == len(next(iter(words.values()))))
        np.testing.assert_array_equal(table.text[encoder], np.stack([words[key] for key in text_keys(features)]))
