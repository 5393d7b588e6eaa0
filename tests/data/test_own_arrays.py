from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from own_features import OwnFiles

from avgzsl_bench.data.own.array_file import read_vectors
from avgzsl_bench.data.own.video_table import read_video_table
from avgzsl_bench.errors import DataError


def test_bad_arrays(own: OwnFiles) -> None:
    good = own.audio
    for bad, expected in (
        (good[:-1], "has 47 rows, and the table of videos has 48"),
        (good[:, :0], "expected a vector of numbers per video"),
        (good[:, :, None], "sequences cannot be added"),
        (good.astype("S3"), "expected a vector of numbers per video"),
        (np.where(np.arange(48)[:, None] == 3, np.nan, good), "row 4 holds a value that is not finite"),
        (good * 1e300, "not finite"),
    ):
        np.save(own.path("audio.npy"), bad)
        own.refuses(expected)
    np.save(own.path("audio.npy"), np.array([object()]), allow_pickle=True)
    own.refuses("audio.npy")
    np.save(own.path("audio.npy"), good)
    whole = own.path("audio.npy").read_bytes()
    own.path("audio.npy").write_bytes(whole[:-8])
    own.refuses("damaged or refused")
    own.path("audio.npy").write_bytes(whole)
    with h5py.File(own.path("visual.h5"), "a") as file:
        file["second"] = own.visual
        file["elsewhere"] = h5py.ExternalLink("other.h5", "/x")
    own.refuses("has 3 datasets (elsewhere, second, visual)")
    own.refuses("is a link", visual=f"{own.path('visual.h5')}:elsewhere")
    own.refuses("has no dataset 'third'", visual=f"{own.path('visual.h5')}:third")


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data())
def test_mutated_files_are_read_or_refused(tmp_path: Path, data: st.DataObject) -> None:
    """A few bytes of a table or an array changed, or the end cut off: one line, or the values of a real file."""
    kind = data.draw(st.sampled_from([".npy", ".h5", ".csv", ".parquet"]))
    path = tmp_path / f"file{kind}"
    if kind == ".npy":
        np.save(path, np.ones((4, 3), np.float32))
    elif kind == ".h5":
        with h5py.File(path, "w") as file:
            file["x"] = np.ones((4, 3), np.float32)
    else:
        frame = pd.DataFrame({"video": list("abcd"), "class": ["k"] * 4, "partition": ["stage1_train"] * 4})
        frame.to_csv(path, index=False) if kind == ".csv" else frame.to_parquet(path)
    raw = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(0, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(raw[: data.draw(st.integers(0, len(raw)))] if data.draw(st.booleans()) else raw)
    fault = ""
    try:
        if kind in (".npy", ".h5"):
            assert read_vectors(str(path), np.arange(4)).dtype == np.float32
        else:
            assert read_video_table(path).video_id
    except DataError as error:
        fault = str(error)
    assert len(fault.splitlines()) <= 1


def test_a_pickle_in_an_array_is_not_run(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[Any, ...]:
            return Path(tmp_path / "run").touch, ()

    header = b"\x93NUMPY\x01\x00v\x00{'descr': '|O', 'fortran_order': False, 'shape': (4, 3), }"
    header = header.ljust(127) + b"\n"
    (tmp_path / "trap.npy").write_bytes(header + pickle.dumps(Trap()))
    with pytest.raises(DataError):
        read_vectors(str(tmp_path / "trap.npy"), np.arange(4))
    assert not (tmp_path / "run").exists()
