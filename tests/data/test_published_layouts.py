from __future__ import annotations

import contextlib
import pickle
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from published_tree import (
    DATASETS,
    STAGE1,
    UCF,
    VIDEOS,
    text_vector,
    vector,
    write_class,
    write_text,
    write_tree,
)

from avgzsl_bench.data.datasets.facts import PARTITIONS, partition_bit
from avgzsl_bench.data.datasets.feature_sets import PUBLISHED
from avgzsl_bench.data.layouts.avca import READER, read_class_file
from avgzsl_bench.data.layouts.pickled import CLIPCLAP, TCAF
from avgzsl_bench.data.layouts.readers import DetectedFeatures
from avgzsl_bench.data.layouts.tree import disk_name
from avgzsl_bench.data.store.table import FeatureTable, Ragged
from avgzsl_bench.errors import DataError

READERS = {"avca": READER, "clipclap": CLIPCLAP, "tcaf": TCAF}
LAYOUT = {
    "selavi": "avca",
    "c3d_vggish": "avca",
    "clip_clap": "clipclap",
    "selavi_seq": "tcaf",
    "c3d_vggish_seq": "tcaf",
}


def recognise(directory: Path) -> list[DetectedFeatures]:
    return [found for reader in READERS.values() for found in reader.recognise(directory, DATASETS)]


def read(directory: Path) -> FeatureTable:
    (found,) = recognise(directory)
    assert found.dataset == "ucf"
    return READERS[found.reader].read(found, UCF)


def row(feature: Any, i: int) -> np.ndarray:
    return (
        feature.values[feature.offsets[i] : feature.offsets[i + 1]] if isinstance(feature, Ragged) else feature[i]
    )


def mask(*partitions: str) -> int:
    return sum(partition_bit(p) for p in partitions)


@pytest.fixture
def selavi(tmp_path: Path) -> SimpleNamespace:
    return write_tree(tmp_path, "selavi")


@pytest.fixture
def clip_clap(tmp_path: Path) -> SimpleNamespace:
    return write_tree(tmp_path, "clip_clap")


@pytest.fixture
def sequences(tmp_path: Path) -> SimpleNamespace:
    return write_tree(tmp_path, "selavi_seq")


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
    of = {
        video: (int(c), int(m)) for video, c, m in zip(table.video_id, table.label, table.partition, strict=True)
    }
    assert of["v_H_0"] == (UCF.class_id("HandstandPushups"), mask("stage1_train", "stage2_train"))
    assert of["v_A_1"] == (UCF.class_id("Archery"), mask("stage1_val_seen", "stage2_train"))
    assert of["v_A_2"] == (UCF.class_id("Archery"), mask("stage2_test_seen"))
    assert of["v_T_0"] == (UCF.class_id("Typing"), mask("stage2_test_unseen"))


@pytest.mark.parametrize("features", ["selavi", "clip_clap"])
def test_text_rows_are_placed_by_name(tmp_path: Path, features: str) -> None:
    write_tree(tmp_path, features)
    table = read(tmp_path)
    expected = next(f.text for f in PUBLISHED if f.name == features)
    assert list(table.text) == list(expected)
    for encoder, width in expected.items():
        for class_id, names in enumerate(UCF.classes):
            name = names.clip if features == "clip_clap" else names.readable
            np.testing.assert_array_equal(table.text[encoder][class_id], text_vector(name, width))


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
    write_class(tmp_path / "set" / "audio" / "stage_1_train" / "No Class.h5", ["a"], [np.ones(512)])
    write_class(tmp_path / "set" / "video" / "stage_1_train" / "No Class.h5", ["a"], [np.ones(512)])
    assert recognise(tmp_path) == []


def test_absent_stage2_train_is_the_union_of_stage1(tmp_path: Path) -> None:
    complete = read(write_tree(tmp_path / "a", "selavi").root)
    without = {p: classes for p, classes in VIDEOS.items() if p != "stage_2_train"}
    table = read(write_tree(tmp_path / "b", "selavi", without).root)
    np.testing.assert_array_equal(complete.partition, table.partition)
    assert sum((table.partition & partition_bit("stage2_train")) != 0) == sum(
        len(ids) for classes in STAGE1.values() for ids in classes.values()
    )


def test_missing_partitions_are_named(selavi: SimpleNamespace) -> None:
    shutil.rmtree(selavi.set / "audio" / "stage_2_test_seen")
    shutil.rmtree(selavi.set / "audio" / "stage_1_train")
    with pytest.raises(DataError, match="audio: no class files in stage_1_train, stage_2_test_seen"):
        read(selavi.root)


def test_ids_in_all_spellings(tmp_path: Path) -> None:
    tree = write_tree(tmp_path, "clip_clap")
    videos = ["v_B_0", "v_B_1"]
    rows = {m: [vector(v, m, "clip_clap") for v in videos] for m in ("audio", "video")}
    path = tree.file("audio", "stage_2_test_unseen", "BandMarching")
    names = ["b'v_B_0'", np.bytes_(b"v_B_1")]
    path.write_bytes(pickle.dumps({"features": rows["audio"], "video_names": names}))
    path = tree.file("video", "stage_2_test_unseen", "BandMarching")
    content = {"features": np.array([r[None] for r in rows["video"]]), "video_names": np.array(videos)}
    path.write_bytes(pickle.dumps({**content, "features": list(content["features"])}))
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


def test_foreign_and_hidden_files_are_left_alone(selavi: SimpleNamespace) -> None:
    folder = selavi.set / "audio" / "stage_1_train"
    for name in ("._Archery.h5", "README.txt", ".DS_Store"):
        (folder / name).write_bytes(b"?")
    assert len(read(selavi.root)) == 9


def both(tree: SimpleNamespace, partition: str, name: str, ids: list[str], rows: list[np.ndarray]) -> None:
    for modality in ("audio", "video"):
        write_class(tree.file(modality, partition, name), ids, rows)


ONES = np.ones(512, np.float32)


def test_video_with_other_vectors_elsewhere(selavi: SimpleNamespace) -> None:
    both(selavi, "stage_2_train", "ApplyEyeMakeup", ["v_E_0"], [ONES])
    with pytest.raises(DataError, match="stage_2_train: video 'v_E_0' has other vectors"):
        read(selavi.root)


def test_video_with_two_labels(selavi: SimpleNamespace) -> None:
    both(selavi, "stage_2_test_unseen", "Typing", ["v_E_0"], [ONES])
    with pytest.raises(DataError, match="'v_E_0' is in classes 'ApplyEyeMakeup' and 'Typing'"):
        read(selavi.root)


def test_differing_ids(selavi: SimpleNamespace) -> None:
    write_class(selavi.file("audio", "stage_2_test_unseen", "Typing"), ["v_X"], [ONES])
    with pytest.raises(
        DataError, match=r"class 'Typing', stage_2_test_unseen: 1 of 1 videos .* audio only.*'v_X'"
    ):
        read(selavi.root)


def test_class_of_one_modality(selavi: SimpleNamespace) -> None:
    selavi.file("video", "stage_2_test_unseen", "Typing").unlink()
    with pytest.raises(DataError, match="class 'Typing', stage_2_test_unseen: video has no file"):
        read(selavi.root)


def test_repeated_id(selavi: SimpleNamespace) -> None:
    both(selavi, "stage_2_test_unseen", "Typing", ["v_T_0", "v_T_0"], [ONES, ONES])
    with pytest.raises(DataError, match=r"Typing\.h5: video 'v_T_0' occurs twice"):
        read(selavi.root)


@pytest.mark.parametrize("bad", ["", "a\nb", "x" * 300])
def test_improper_id(selavi: SimpleNamespace, bad: str) -> None:
    write_class(selavi.file("audio", "stage_2_test_unseen", "Typing"), [bad], [ONES], vlen=True)
    with pytest.raises(DataError, match=r"Typing\.h5: (video 0 has no proper id|.*longer)"):
        read(selavi.root)


def test_unknown_class(selavi: SimpleNamespace) -> None:
    both(selavi, "stage_2_test_unseen", "Sleeping", ["v_S_0"], [ONES])
    with pytest.raises(DataError, match=r"Sleeping\.h5: 'Sleeping' is no class of ucf"):
        read(selavi.root)


def test_two_spellings_of_a_class(selavi: SimpleNamespace) -> None:
    both(selavi, "stage_1_train", "HandstandPushups", ["v_H_9"], [ONES])
    with pytest.raises(DataError, match="second file of the class"):
        read(selavi.root)


def test_class_outside_the_partitions_list_is_kept(selavi: SimpleNamespace) -> None:
    both(selavi, "stage_2_test_unseen", "Billiards", ["v_Z"], [ONES])
    assert "v_Z" in read(selavi.root).video_id


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_values_that_are_not_finite(selavi: SimpleNamespace, bad: float) -> None:
    write_class(selavi.file("audio", "stage_2_test_unseen", "Typing"), ["v_T_0"], [np.where(ONES, bad, 0)])
    with pytest.raises(DataError, match=r"audio/stage_2_test_unseen/Typing\.h5: video 'v_T_0' .* not finite"):
        read(selavi.root)


def test_wrong_width(selavi: SimpleNamespace) -> None:
    write_class(selavi.file("audio", "stage_2_train", "HandStandPushups"), ["v_H_0", "v_H_1"], [np.ones(999)] * 2)
    with pytest.raises(DataError, match=r"HandStandPushups\.h5: vectors of width 999, expected 512"):
        read(selavi.root)


@pytest.mark.parametrize("features", ["selavi", "selavi_seq"])
def test_unknown_widths(tmp_path: Path, features: str) -> None:
    tree = write_tree(tmp_path, features)
    for path in tree.set.glob("audio/*/*"):
        write_class(path, ["a"], [np.ones((2, 77) if features == "selavi_seq" else 77)])
    with pytest.raises(DataError, match=r"(widths 77/512|of width 77).* known.*: .*512/512"):
        recognise(tmp_path)


def test_vectors_where_only_sequences_are_known(tmp_path: Path) -> None:
    tree = write_tree(tmp_path, "selavi_seq")
    for path in tree.set.glob("*/*/*.pkl"):
        write_class(path, ["a"], [ONES])
    with pytest.raises(DataError, match="one vector per video"):
        recognise(tmp_path)


def test_sequence_without_steps(sequences: SimpleNamespace) -> None:
    write_class(sequences.file("audio", "stage_2_test_unseen", "Typing"), ["v_T_0"], [np.zeros(0, np.float32)])
    with pytest.raises(DataError, match=r"Typing\.pkl: video 'v_T_0' is a sequence without steps"):
        read(sequences.root)


@pytest.mark.parametrize("bad", [np.zeros(0), np.array(np.nan), np.ones((2, 1024)), np.ones(1023)])
def test_not_a_vector(clip_clap: SimpleNamespace, bad: np.ndarray) -> None:
    write_class(clip_clap.file("audio", "stage_2_test_unseen", "Typing"), ["v_T_0"], [bad])
    with pytest.raises(DataError, match=r"Typing\.pkl: video 'v_T_0' has shape"):
        read(clip_clap.root)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (
            {"features": [np.ones(1024)] * 2, "video_names": [b"a", b"b", b"c"]},
            "2 features for 3 video names",
        ),
        ({"features": [np.ones(1024)], "names": [b"a"]}, "expected a dictionary"),
        ([1], "expected a dictionary"),
        ({"features": [[1.0] * 1024], "video_names": [b"a"]}, "list of arrays"),
        ({"features": "ab", "video_names": [b"a", b"b"]}, "list of arrays"),
        ({"features": [np.ones(1024)], "video_names": [None]}, "no proper id"),
        ({"features": [np.array(["a"] * 1024)], "video_names": [b"v_T_0"]}, "values of type"),
        ({"features": [np.ones(1024) * 1e300], "video_names": [b"v_T_0"]}, "not finite"),
    ],
)
def test_odd_pickles(clip_clap: SimpleNamespace, content: object, said: str) -> None:
    clip_clap.file("audio", "stage_2_test_unseen", "Typing").write_bytes(pickle.dumps(content))
    with pytest.raises(DataError, match=rf"Typing\.pkl: .*{said}"):
        read(clip_clap.root)


def test_pickle_that_refers_to_one_array_many_times(clip_clap: SimpleNamespace) -> None:
    one = np.ones(1024)
    content = {"features": [one] * 5000, "video_names": [f"v{i}" for i in range(5000)]}
    clip_clap.file("audio", "stage_2_test_unseen", "Typing").write_bytes(pickle.dumps(content))
    with pytest.raises(DataError, match="larger than the file"):
        read(clip_clap.root)


def hostile_h5(path: Path, kind: str) -> None:
    with h5py.File(path, "w") as file:
        file["video_urls"] = np.array([b"v_T_0"], "S80")
        if kind == "huge":
            file.create_dataset("data", (10**9, 512), "f4")
        elif kind == "huge chunked":
            file.create_dataset("data", (10**9, 512), "f4", chunks=(1, 512), compression="gzip")
        elif kind == "external storage":
            path.with_suffix(".raw").write_bytes(bytes(2048))
            file.create_dataset("data", (1, 512), "f4", external=[(path.with_suffix(".raw"), 0, 2048)])
        elif kind == "external link":
            file["data"] = h5py.ExternalLink("other.h5", "/data")
        elif kind == "soft link":
            file["data"] = h5py.SoftLink("/video_urls")
        elif kind == "virtual":
            layout = h5py.VirtualLayout((1, 512), "f4")
            layout[0] = h5py.VirtualSource("other.h5", "data", (512,))
            file.create_virtual_dataset("data", layout)
        elif kind == "group":
            file.create_group("data")
        elif kind == "objects":
            file.create_dataset("data", data=[["a"]], dtype=h5py.string_dtype())
        elif kind == "null":
            file["data"] = h5py.Empty("f4")
        elif kind == "fewer ids":
            file["data"] = np.ones((2, 512), "f4")


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("huge", "little is stored"),
        ("huge chunked", "little is stored"),
        ("external storage", "refused.*other files"),
        ("external link", "refused.*link"),
        ("soft link", "refused.*link"),
        ("virtual", "refused.*other files"),
        ("group", "not a dataset"),
        ("objects", "numbers"),
        ("null", "empty"),
        ("missing", "no dataset 'data'"),
        ("fewer ids", "2 vectors for 1 video ids"),
    ],
)
def test_hostile_hdf5(selavi: SimpleNamespace, kind: str, said: str) -> None:
    (found,) = recognise(selavi.root)
    hostile_h5(selavi.file("audio", "stage_2_test_unseen", "Typing"), kind)
    with pytest.raises(DataError, match=rf"Typing\.h5: .*{said}"):
        READER.read(found, UCF)


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


# Derandomised: the HDF5 library itself, which is not ours, has been known to crash on crafted files.
@pytest.mark.parametrize("vlen", [False, True])
@settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_altered_class_files_never_surprise(tmp_path: Path, vlen: bool, data: st.DataObject) -> None:
    path = tmp_path / "Typing.h5"
    write_class(path, [f"v_{i}" for i in range(5)], [np.ones(2, np.float32)] * 5, vlen=vlen)
    content = bytearray(path.read_bytes())
    for at in data.draw(st.lists(st.integers(0, len(content) - 1), max_size=8)):
        content[at] = data.draw(st.integers(0, 255))
    end = data.draw(st.one_of(st.just(len(content)), st.integers(0, len(content))))
    path.write_bytes(bytes(content[:end]))
    with contextlib.suppress(DataError):
        read_class_file(path, 2)


def test_variable_length_text_that_claims_gigabytes(selavi: SimpleNamespace) -> None:
    path = selavi.file("audio", "stage_2_test_unseen", "Typing")
    write_class(path, ["v_T_0"], [vector("v_T_0", "audio", "selavi")], vlen=True)
    with h5py.File(path) as file:
        at = file["video_urls"].id.get_offset()
    content = bytearray(path.read_bytes())
    content[at + 3] = 255
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"Typing\.h5: a text is longer than"):
        read(selavi.root)


@pytest.mark.parametrize("keep", [0, 100, 1000])
@pytest.mark.parametrize("features", ["selavi", "clip_clap"])
def test_truncated_class_files(tmp_path: Path, features: str, keep: int) -> None:
    tree = write_tree(tmp_path, features)
    (found,) = recognise(tmp_path)
    path = tree.file("video", "stage_2_test_unseen", "BandMarching")
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(DataError, match=r"BandMarching.*damaged"):
        READERS[found.reader].read(found, UCF)


@pytest.mark.parametrize("what", ["audio/stage_1_train/Archery.h5", "audio/stage_1_train", "text"])
def test_links_that_leave_the_folder(selavi: SimpleNamespace, tmp_path: Path, what: str) -> None:
    path = selavi.set / what
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(DataError, match="refused: a symbolic link"):
        recognise(selavi.root)


def test_feature_folder_that_is_a_link_out(selavi: SimpleNamespace, tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (root / "UCF").symlink_to(selavi.set.parents[1])
    with pytest.raises(DataError, match="refused: a symbolic link"):
        recognise(root)


def test_links_that_lead_nowhere(selavi: SimpleNamespace) -> None:
    path = selavi.file("audio", "stage_1_train", "Archery")
    path.unlink()
    path.symlink_to(path)
    with pytest.raises(DataError, match=r"Archery\.h5: refused: a symbolic link that leads nowhere"):
        recognise(selavi.root)


def test_links_inside_the_folder_are_fine(selavi: SimpleNamespace) -> None:
    path = selavi.file("audio", "stage_2_train", "ApplyEyeMakeup")
    path.unlink()
    path.symlink_to(selavi.file("audio", "stage_1_val_unseen", "ApplyEyeMakeup"))
    assert len(read(selavi.root)) == 9


def text_file(tree: SimpleNamespace, content: object, name: str = "word_embeddings_ucf_normed.npy") -> None:
    np.save(tree.set / "text" / name, np.array(content, dtype=object), allow_pickle=True)


WORDS = {c.readable: text_vector(c.readable, 300) for c in UCF.classes}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({k: v for k, v in WORDS.items() if k != "Archery"}, "no vector for 'Archery'"),
        ({**WORDS, "Sleeping": text_vector("a", 300)}, "no class of ucf is called 'Sleeping'"),
        ({**WORDS, "Archery": np.ones(299)}, "'Archery' has width 299"),
        ({**WORDS, "Archery": np.full(300, np.nan)}, "'Archery' holds a value that is not finite"),
        ({**WORDS, "Archery": "text"}, "'Archery' is not a vector"),
        ({k: v[:7] for k, v in WORDS.items()}, "no text embeddings of width 300 .* widths found: 7 in"),
        ({}, "expected a dictionary"),
        ([1, 2], "single object"),
    ],
)
def test_odd_text(selavi: SimpleNamespace, words: object, said: str) -> None:
    text_file(selavi, words)
    with pytest.raises(DataError, match=said):
        read(selavi.root)


def test_unused_class_without_vector_is_all_nan(selavi: SimpleNamespace) -> None:
    used = {c for s in UCF.splits for facts in UCF.facts(s).values() for c in facts.classes}
    unused = next(i for i in range(len(UCF.classes)) if i not in used)
    text_file(selavi, {k: v for k, v in WORDS.items() if k != UCF.classes[unused].readable})
    words = read(selavi.root).text["word2vec"]
    assert np.isnan(words[unused]).all()
    assert np.isfinite(np.delete(words, unused, axis=0)).all()


def test_no_text_and_two_texts(selavi: SimpleNamespace) -> None:
    text_file(selavi, WORDS, "copy.npy")
    with pytest.raises(DataError, match="second text file of width 300"):
        read(selavi.root)
    shutil.rmtree(selavi.set / "text")
    with pytest.raises(DataError, match="no text embeddings of width 300"):
        read(selavi.root)


def test_text_of_another_feature_set_is_left_alone(clip_clap: SimpleNamespace) -> None:
    text_file(clip_clap, WORDS, "word_embeddings_activity_normed.npy")
    assert list(read(clip_clap.root).text) == ["clip", "clap"]
    shutil.rmtree(clip_clap.set / "text")
    write_text(clip_clap.set / "text", "selavi")
    with pytest.raises(DataError, match=r"width 512 \(clip\)"):
        read(clip_clap.root)


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
    seen = set()
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
                seen |= set(ids)
        assert count == 2 * len(inside)
    assert seen == set(table.video_id)
    for path in (found.path / "text").iterdir():
        words = np.load(path, allow_pickle=True).item()
        (encoder,) = (e for e, v in table.text.items() if v.shape[1] == len(next(iter(words.values()))))
        for class_id, names in enumerate(UCF.classes):
            key = names.clip if features == "clip_clap" else names.readable
            np.testing.assert_array_equal(table.text[encoder][class_id], words[key])
