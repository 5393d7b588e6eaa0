from __future__ import annotations

import os
from pathlib import Path

import h5py
import numpy as np
import pytest

from avgzsl_bench.data.untrusted.contiguous_hdf5 import read_contiguous

NAMES = ("data", "video_urls")


def write(path: Path, data: np.ndarray, ids: np.ndarray, others: int = 0, **how: object) -> bytes:
    with h5py.File(path, "w", **how) as file:
        for k in range(others):
            file[f"z_{k:03d}"] = np.arange(k)
        file["data"] = data
        file["video_urls"] = ids
        file["data"].attrs["unit"] = "none"
        file.attrs["note"] = "n" * 100
    return path.read_bytes()


IDS = np.array([b"v_a", b"v_bcd"], "S80")


@pytest.mark.parametrize("code", ["<f2", "<f4", "<f8", "<i4", "<i8", "<u1"])
@pytest.mark.parametrize("others", [0, 3])
def test_it_reads_what_the_library_reads(tmp_path: Path, code: str, others: int) -> None:
    data = (np.arange(6).reshape(2, 3) + 0.5).astype(code)
    write(tmp_path / "some.h5", data, IDS, others)
    arrays = read_contiguous(tmp_path / "some.h5", NAMES)
    assert arrays is not None
    with h5py.File(tmp_path / "some.h5") as file:
        for name, values in zip(NAMES, arrays, strict=True):
            stored = file[name][()]
            assert (values.dtype, values.shape) == (stored.dtype, stored.shape)
            np.testing.assert_array_equal(values, stored)


def unusual(path: Path, kind: str) -> None:
    data = np.ones((2, 3), np.float32)
    if kind == "latest format":
        write(path, data, IDS, libver="latest")
    elif kind == "another byte order":
        write(path, data.astype(">f4"), IDS)
    elif kind == "a user block":
        write(path, data, IDS, userblock_size=512)
    elif kind == "many datasets":
        write(path, data, IDS, others=200)
    elif kind == "no file":
        return
    elif kind == "text that a zero ends":
        write(path, data, IDS)
        content = path.read_bytes()
        padded = h5py.h5t.py_create(IDS.dtype).encode()[2:]
        ended = h5py.h5t.C_S1.copy()
        ended.set_size(IDS.dtype.itemsize)
        assert content.count(padded) == 1
        path.write_bytes(content.replace(padded, ended.encode()[2:]).replace(b"v_a\0", b"v_a\0garbage"))
    else:
        with h5py.File(path, "w") as file:
            file["video_urls"] = IDS
            if kind == "variable-length text":
                file.create_dataset("data", data=["a", "b"], dtype=h5py.string_dtype())
            elif kind == "chunks":
                file.create_dataset("data", data=data, chunks=(1, 3))
            elif kind == "compression":
                file.create_dataset("data", data=data, compression="gzip")
            elif kind == "other files":
                file.create_dataset("data", (2, 3), "f4", external=[("elsewhere", 0, 24)])
            elif kind == "a soft link":
                file["data"] = h5py.SoftLink("/video_urls")
            elif kind == "an external link":
                file["data"] = h5py.ExternalLink("other.h5", "/data")
            elif kind == "a group":
                file.create_group("data")
            elif kind == "no content":
                file.create_dataset("data", (2, 3), "f4")
            elif kind == "no dimensions":
                file["data"] = 1.0
            elif kind == "compound":
                file["data"] = np.zeros(2, [("a", "f4"), ("b", "f8")])
            elif kind == "a named type":
                file["type"] = np.dtype("f4")
                file.create_dataset("data", data=data, dtype=file["type"])


@pytest.mark.parametrize(
    "kind",
    [
        *("latest format", "another byte order", "a user block", "no file", "variable-length text", "chunks"),
        *("compression", "other files", "a soft link", "an external link", "a group", "no content"),
        *("text that a zero ends", "no dimensions", "compound", "a named type", "missing"),
    ],
)
def test_other_forms_are_left_to_the_library(tmp_path: Path, kind: str) -> None:
    unusual(tmp_path / "some.h5", kind)
    assert read_contiguous(tmp_path / "some.h5", NAMES) is None


def test_a_tree_with_many_names_is_read_or_left_to_the_library(tmp_path: Path) -> None:
    unusual(tmp_path / "some.h5", "many datasets")
    arrays = read_contiguous(tmp_path / "some.h5", NAMES)
    assert arrays is None or arrays[0].tolist() == [[1.0] * 3] * 2


def test_files_that_end_early_are_left_to_the_library(tmp_path: Path) -> None:
    path = tmp_path / "some.h5"
    content = write(path, np.ones((2, 3), np.float32), IDS)
    for end in range(len(content)):
        path.write_bytes(content[:end])
        assert read_contiguous(path, NAMES) is None


@pytest.mark.parametrize("begins_well", [False, True])
def test_absurdly_large_files_are_left_to_the_library(tmp_path: Path, begins_well: bool) -> None:
    path = tmp_path / "some.h5"
    write(path, np.ones((2, 3), np.float32), IDS)
    if not begins_well:
        path.write_bytes(b"")
    os.truncate(path, 1 << 40)
    assert read_contiguous(path, NAMES) is None
