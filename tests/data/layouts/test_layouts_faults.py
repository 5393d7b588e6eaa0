"""Trees that are odd, incomplete, contradictory or made to do harm are refused, with the file named."""

from __future__ import annotations

import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import h5py
import numpy as np
import pytest
from layout_readers import READERS, read, recognise
from published_tree import UCF, text_keys, text_vector, vector, write_class, write_text, write_tree

from avgzsl_bench.data.datasets.feature_sets import PUBLISHED
from avgzsl_bench.data.layouts.avca import READER
from avgzsl_bench.errors import DataError

ONES = np.ones(512, np.float32)
TYPING = "stage_2_test_unseen/Typing"
STANDS, TRAINED = "stage_1_train/HandstandPushups", "stage_2_train/HandStandPushups"


@pytest.mark.parametrize(
    ("modalities", "place", "ids", "row", "reason"),
    [
        (
            "both",
            "stage_2_train/ApplyEyeMakeup",
            ["v_E_0"],
            ONES,
            "stage_2_train: video 'v_E_0' has other vectors",
        ),
        ("both", TYPING, ["v_E_0"], ONES, "'v_E_0' is in classes 'ApplyEyeMakeup' and 'Typing'"),
        ("audio", TYPING, ["v_X"], ONES, r"'Typing', stage_2_test_unseen: 1 of 1 videos .* audio only.*'v_X'"),
        ("both", TYPING, ["v_T_0"] * 2, ONES, r"Typing\.h5: video 'v_T_0' occurs twice"),
        ("both", "stage_2_test_unseen/Sleeping", ["v"], ONES, r"Sleeping\.h5: 'Sleeping' is no class of ucf"),
        ("both", STANDS, ["v_H_9"], ONES, "second file of the class"),
        ("audio", TYPING, ["v_T_0"], ONES * np.nan, rf"audio/{TYPING}\.h5: video 'v_T_0' .* not finite"),
        ("audio", TYPING, ["v_T_0"], ONES * np.inf, rf"audio/{TYPING}\.h5: video 'v_T_0' .* not finite"),
        ("audio", TRAINED, ["v_H_0", "v_H_1"], np.ones(999), r"ups\.h5: vectors of width 999, expected 512"),
    ],
)
def test_class_files_that_contradict(
    selavi: SimpleNamespace, modalities: str, place: str, ids: list[str], row: np.ndarray, reason: str
) -> None:
    for modality in ("audio", "video") if modalities == "both" else (modalities,):
        write_class(selavi.file(modality, *place.split("/")), ids, [row] * len(ids))
    with pytest.raises(DataError, match=reason):
        read(selavi.root)


def test_missing_partitions_are_named(selavi: SimpleNamespace) -> None:
    shutil.rmtree(selavi.set / "audio" / "stage_2_test_seen")
    shutil.rmtree(selavi.set / "audio" / "stage_1_train")
    with pytest.raises(DataError, match="audio: no class files in stage_1_train, stage_2_test_seen"):
        read(selavi.root)


def test_class_of_one_modality(selavi: SimpleNamespace) -> None:
    selavi.file("video", "stage_2_test_unseen", "Typing").unlink()
    with pytest.raises(DataError, match="class 'Typing', stage_2_test_unseen: video has no file"):
        read(selavi.root)


@pytest.mark.parametrize("bad", ["", "a\nb", "x" * 300])
def test_improper_id(selavi: SimpleNamespace, bad: str) -> None:
    write_class(selavi.file("audio", "stage_2_test_unseen", "Typing"), [bad], [ONES], vlen=True)
    with pytest.raises(DataError, match=r"Typing\.h5: (video 0 has no proper id|.*longer)"):
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
    ("content", "message"),
    [
        ({"features": [np.ones(1024)] * 2, "video_names": [b"a", b"b", b"c"]}, "2 features for 3 video names"),
        ({"features": [np.ones(1024)], "names": [b"a"]}, "expected a dictionary"),
        ([1], "expected a dictionary"),
        ({"features": [[1.0] * 1024], "video_names": [b"a"]}, "list of arrays"),
        ({"features": "ab", "video_names": [b"a", b"b"]}, "list of arrays"),
        ({"features": [np.ones(1024)], "video_names": [None]}, "no proper id"),
        ({"features": [np.array(["a"] * 1024)], "video_names": [b"v_T_0"]}, "values of type"),
        ({"features": [np.ones(1024) * 1e300], "video_names": [b"v_T_0"]}, "not finite"),
    ],
)
def test_odd_pickles(clip_clap: SimpleNamespace, content: object, message: str) -> None:
    clip_clap.file("audio", "stage_2_test_unseen", "Typing").write_bytes(pickle.dumps(content))
    with pytest.raises(DataError, match=rf"Typing\.pkl: .*{message}"):
        read(clip_clap.root)


@pytest.mark.parametrize("keep", [0, 100, 1000])
@pytest.mark.parametrize("features", ["selavi", "clip_clap"])
def test_truncated_class_files(tmp_path: Path, features: str, keep: int) -> None:
    tree = write_tree(tmp_path, features)
    (found,) = recognise(tmp_path)
    path = tree.file("video", "stage_2_test_unseen", "BandMarching")
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(DataError, match=r"BandMarching.*damaged"):
        READERS[found.reader].read(found, UCF)


@pytest.mark.parametrize("features", ["selavi", "clip_clap"])
def test_text_rows_are_placed_by_name(tmp_path: Path, features: str) -> None:
    write_tree(tmp_path, features)
    table = read(tmp_path)
    expected = next(f.text for f in PUBLISHED if f.name == features)
    assert list(table.text) == list(expected)
    for encoder, width in expected.items():
        vectors = np.stack([text_vector(key, width) for key in text_keys(features)])
        np.testing.assert_array_equal(table.text[encoder], vectors)


def text_file(tree: SimpleNamespace, content: object, name: str = "word_embeddings_ucf_normed.npy") -> None:
    np.save(tree.set / "text" / name, np.array(content, dtype=object), allow_pickle=True)


WORDS = {c.readable: text_vector(c.readable, 300) for c in UCF.classes}


@pytest.mark.parametrize(
    ("words", "message"),
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
def test_odd_text(selavi: SimpleNamespace, words: object, message: str) -> None:
    text_file(selavi, words)
    with pytest.raises(DataError, match=message):
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


def test_text_of_another_feature_set_is_ignored(clip_clap: SimpleNamespace) -> None:
    text_file(clip_clap, WORDS, "word_embeddings_activity_normed.npy")
    assert list(read(clip_clap.root).text) == ["clip", "clap"]
    shutil.rmtree(clip_clap.set / "text")
    write_text(clip_clap.set / "text", "selavi")
    with pytest.raises(DataError, match=r"width 512 \(clip\)"):
        read(clip_clap.root)


def test_pickle_that_refers_to_one_array_many_times(clip_clap: SimpleNamespace) -> None:
    one = np.ones(1024)
    content = {"features": [one] * 5000, "video_names": [f"v{i}" for i in range(5000)]}
    clip_clap.file("audio", "stage_2_test_unseen", "Typing").write_bytes(pickle.dumps(content))
    with pytest.raises(DataError, match="larger than the file"):
        read(clip_clap.root)


def virtual(file: h5py.File) -> None:
    layout = h5py.VirtualLayout((1, 512), "f4")
    layout[0] = h5py.VirtualSource("other.h5", "data", (512,))
    file.create_virtual_dataset("data", layout)


def packed(file: h5py.File) -> None:
    file.create_dataset("data", (10**9, 512), "f4", chunks=(1, 512), compression="gzip")


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (lambda file: file.create_dataset("data", (10**9, 512), "f4"), "little is stored"),
        (packed, "little is stored"),
        (
            lambda file: file.create_dataset("data", (1, 512), "f4", external=[("x.raw", 0, 2048)]),
            "refused.*other files",
        ),
        (lambda file: file.__setitem__("data", h5py.ExternalLink("other.h5", "/data")), "refused.*link"),
        (lambda file: file.__setitem__("data", h5py.SoftLink("/video_urls")), "refused.*link"),
        (virtual, "refused.*other files"),
        (lambda file: file.create_group("data"), "not a dataset"),
        (lambda file: file.create_dataset("data", data=[["a"]], dtype=h5py.string_dtype()), "numbers"),
        (lambda file: file.__setitem__("data", h5py.Empty("f4")), "empty"),
        (lambda file: None, "no dataset 'data'"),
        (lambda file: file.__setitem__("data", np.ones((2, 512), "f4")), "2 vectors for 1 video ids"),
    ],
)
def test_malicious_hdf5(
    selavi: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, write: Callable[[h5py.File], object], message: str
) -> None:
    (found,) = recognise(selavi.root)
    path = selavi.file("audio", "stage_2_test_unseen", "Typing")
    monkeypatch.chdir(path.parent)
    Path("x.raw").write_bytes(bytes(2048))
    with h5py.File(path, "w") as file:
        file["video_urls"] = np.array([b"v_T_0"], "S80")
        write(file)
    with pytest.raises(DataError, match=rf"Typing\.h5: .*{message}"):
        READER.read(found, UCF)


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
