from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from avgzsl_bench.data.untrusted.hdf5 import open_plain, plain_dataset
from avgzsl_bench.errors import DataError

DATA = np.arange(16, dtype=np.float32).reshape(2, 8)


def chunked(path: Path, chunks: tuple[int, int], data: np.ndarray = DATA) -> Path:
    with h5py.File(path, "w") as file:
        file.create_dataset("data", data=data, maxshape=(None, None), chunks=chunks, compression="gzip")
    return path


@pytest.mark.parametrize("chunks", [(1, 8), (1024, 1024)])
def test_chunks_of_usual_sizes_are_read(tmp_path: Path, chunks: tuple[int, int]) -> None:
    with open_plain(chunked(tmp_path / "some.h5", chunks)) as file:
        np.testing.assert_array_equal(plain_dataset(file, "data")[()], DATA)


def test_a_large_dataset_may_lie_in_one_chunk(tmp_path: Path) -> None:
    shape = (70, 1_000_000)
    with h5py.File(tmp_path / "some.h5", "w") as file:
        file.create_dataset("data", data=np.ones(shape, np.uint8), chunks=shape)
    with open_plain(tmp_path / "some.h5") as file:
        assert plain_dataset(file, "data").shape == shape


def test_chunks_that_are_far_larger_than_the_dataset_are_refused(tmp_path: Path) -> None:
    path = chunked(tmp_path / "some.h5", (20_000, 1000))
    with (
        open_plain(path) as file,
        pytest.raises(DataError, match="'data' is stored in chunks of 80,000,000 bytes"),
    ):
        plain_dataset(file, "data")


@pytest.mark.parametrize("fails", [False, True])
def test_the_file_is_closed_when_the_block_ends(tmp_path: Path, fails: bool) -> None:
    path = chunked(tmp_path / "some.h5", (1, 8))
    try:
        with open_plain(path) as file:
            data = plain_dataset(file, "data")
            if fails:
                raise DataError("some")
    except DataError:
        pass
    assert not file.id.valid
    assert not data.id.valid
