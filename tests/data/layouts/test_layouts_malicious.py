"""Trees made to do harm: HDF5 that points elsewhere or claims gigabytes, links that leave the folder."""

from __future__ import annotations

import contextlib
import pickle
from pathlib import Path
from types import SimpleNamespace

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from layout_readers import read, recognise
from published_tree import UCF, vector, write_class

from avgzsl_bench.data.layouts.avca import READER, read_class_file
from avgzsl_bench.errors import DataError


def test_pickle_that_refers_to_one_array_many_times(clip_clap: SimpleNamespace) -> None:
    one = np.ones(1024)
    content = {"features": [one] * 5000, "video_names": [f"v{i}" for i in range(5000)]}
    clip_clap.file("audio", "stage_2_test_unseen", "Typing").write_bytes(pickle.dumps(content))
    with pytest.raises(DataError, match="larger than the file"):
        read(clip_clap.root)


def malicious_hdf5(path: Path, kind: str) -> None:
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
    ("kind", "message"),
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
def test_malicious_hdf5(selavi: SimpleNamespace, kind: str, message: str) -> None:
    (found,) = recognise(selavi.root)
    malicious_hdf5(selavi.file("audio", "stage_2_test_unseen", "Typing"), kind)
    with pytest.raises(DataError, match=rf"Typing\.h5: .*{message}"):
        READER.read(found, UCF)


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
