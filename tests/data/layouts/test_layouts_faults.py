"""Class files that are incomplete, contradict each other or have another form are refused, with the file named."""

from __future__ import annotations

import pickle
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from layout_readers import READERS, read, recognise
from published_tree import UCF, write_class, write_tree

from avgzsl_bench.errors import DataError

ONES = np.ones(512, np.float32)
TYPING = "stage_2_test_unseen/Typing"
STANDS, TRAINED = "stage_1_train/HandstandPushups", "stage_2_train/HandStandPushups"


@pytest.mark.parametrize(
    ("modalities", "place", "ids", "rows", "reason"),
    [
        (
            "both",
            "stage_2_train/ApplyEyeMakeup",
            ["v_E_0"],
            [ONES],
            "stage_2_train: video 'v_E_0' has other vectors",
        ),
        ("both", TYPING, ["v_E_0"], [ONES], "'v_E_0' is in classes 'ApplyEyeMakeup' and 'Typing'"),
        ("audio", TYPING, ["v_X"], [ONES], r"'Typing', stage_2_test_unseen: 1 of 1 videos .* audio only.*'v_X'"),
        ("both", TYPING, ["v_T_0"] * 2, [ONES] * 2, r"Typing\.h5: video 'v_T_0' occurs twice"),
        ("both", "stage_2_test_unseen/Sleeping", ["v"], [ONES], r"Sleeping\.h5: 'Sleeping' is no class of ucf"),
        ("both", STANDS, ["v_H_9"], [ONES], "second file of the class"),
        (
            "audio",
            TYPING,
            ["v_T_0"],
            [np.where(ONES, np.nan, 0)],
            rf"audio/{TYPING}\.h5: video 'v_T_0' .* not finite",
        ),
        (
            "audio",
            TYPING,
            ["v_T_0"],
            [np.where(ONES, np.inf, 0)],
            rf"audio/{TYPING}\.h5: video 'v_T_0' .* not finite",
        ),
        ("audio", TRAINED, ["v_H_0", "v_H_1"], [np.ones(999)] * 2, r"ups\.h5: vectors of width 999, expected 512"),
    ],
)
def test_class_files_that_contradict(
    selavi: SimpleNamespace, modalities: str, place: str, ids: list[str], rows: list[np.ndarray], reason: str
) -> None:
    for modality in ("audio", "video") if modalities == "both" else (modalities,):
        write_class(selavi.file(modality, *place.split("/")), ids, rows)
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
