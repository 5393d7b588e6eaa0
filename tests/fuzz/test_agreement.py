"""The fast reader of class files and the HDF5 library: what both read of a damaged file is the same."""

from __future__ import annotations

from pathlib import Path
from random import Random

import h5py
import numpy as np
from mutations import mutated

from avgzsl_bench.data.untrusted.contiguous_hdf5 import read_contiguous
from avgzsl_bench.data.untrusted.hdf5 import find_plain, open_plain
from avgzsl_bench.errors import DataError

NAMES = ("data", "video_urls")
FILES = 1500


def test_both_readers_of_class_files_agree(tmp_path: Path) -> None:
    path = tmp_path / "some.h5"
    with h5py.File(path, "w") as file:
        file["data"] = np.ones((2, 3), np.float32)
        file["video_urls"] = np.array([b"v_a", b"v_bcd"], "S8")
    content = path.read_bytes()
    both = 0
    for seed in range(FILES):
        path.write_bytes(mutated(content, [content], Random(seed), text=False))
        arrays = read_contiguous(path, NAMES)
        if arrays is None:
            continue
        try:
            with open_plain(path) as file:
                others = [find_plain(file, name).read() for name in NAMES]
        except DataError:
            continue
        both += 1
        for ours, theirs in zip(arrays, others, strict=True):
            assert (ours.dtype, ours.shape, ours.tobytes()) == (theirs.dtype, theirs.shape, theirs.tobytes()), seed
    assert both > FILES / 10
