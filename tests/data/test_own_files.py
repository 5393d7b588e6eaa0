from __future__ import annotations

import pickle
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
from own_features import ROLES, OwnFiles
from pickled_values import Evil

from avgzsl_bench.data.own.array_file import read_vectors
from avgzsl_bench.data.own.table_file import read_columns
from avgzsl_bench.data.own.video_table import read_video_table
from avgzsl_bench.errors import DataError


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (("x", "b", "stage1_trian"), "line 50: unknown partition 'stage1_trian'; did you mean 'stage1_train'?"),
        (("x", "b", " "), "a video without partition"),
        (
            ("x", "b", "stage1_train stage2_test_seen"),
            "stage2_train and stage2_test_seen: 1 videos are in both, such as 'x'",
        ),
        (
            ("x", "b", "stage1_train;stage1_val_seen"),
            "stage1_train and stage1_val_seen: 1 videos are in both, such as 'x'",
        ),
        (("", "b", "stage1_train"), "has no proper id"),
        (("a\tb", "b", "stage1_train"), "has no proper id"),
        (("x", "", "stage1_train"), "no class"),
        (
            ("x", "g", "stage1_train"),
            "videos.csv: line 50: no class of mine is called 'g' (known: 'B', 'a/c', 'b'",
        ),
        (("x", "f", "stage1_train"), "no split of mine has their class ('f')"),
        (("sim_001_00002", "b", "stage1_train"), "is of simulated features"),
    ],
)
def test_bad_tables(own: OwnFiles, row: tuple[str, str, str], expected: str) -> None:
    own.rows.append(row)
    own.audio, own.visual = (np.concatenate([a, a[:1]]) for a in (own.audio, own.visual))
    own.write()
    own.refuses(expected)


def test_more_bad_tables(own: OwnFiles) -> None:
    own.rows[1] = (own.rows[0][0], *own.rows[1][1:])
    own.write()
    own.refuses("occurs twice")
    for content, expected in (
        (b"video,class\nx,b\n", "has no column 'partition' (it has: 'video', 'class')"),
        (b"video,class,partition\n", "has 0 rows"),
        (b"video,class,partition,class\na,b,stage1_train,c\n", "two columns are called 'class'"),
        (b"", "damaged, or not a .csv file"),
        (b"\xff\xfe\x00", "damaged, or not a .csv file"),
    ):
        own.path("videos.csv").write_bytes(content)
        own.refuses(expected)
    own.path("videos.parquet").write_bytes(b"PAR1")
    own.refuses("damaged, or not a .parquet file", videos=own.path("videos.parquet"))
    frame = pd.DataFrame({"video": [1, 2], "class": ["b", "b"], "partition": ["stage1_train"] * 2})
    frame.to_parquet(own.path("videos.parquet"))
    own.refuses("column 'video' is not text", videos=own.path("videos.parquet"))


@pytest.mark.parametrize("more", [",", ",x", None])
def test_rows_of_another_length_shift_nothing(own: OwnFiles, more: str | None) -> None:
    lines = own.path("videos.csv").read_text(encoding="utf-8").splitlines()
    changed = [line.rpartition(",")[0] if more is None else line + more for line in lines[1:]]
    own.path("videos.csv").write_text("\n".join([lines[0], *changed]), encoding="utf-8")
    own.refuses("videos.csv: line 2 has more or fewer values than the 3 columns of the first line")


@pytest.mark.parametrize("column", ["video", "class", "partition"])
def test_long_values_give_short_complaints(own: OwnFiles, column: str) -> None:
    frame = pd.read_csv(own.path("videos.csv"))
    frame.loc[0, column] = "x" * 200_000
    frame.to_csv(own.path("videos.csv"), index=False)
    result = own.add()
    assert result.exit_code == 2
    assert len(result.stderr) < 1000


def test_a_parquet_file_that_unpacks_to_gigabytes_takes_none(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    count = 20_000
    long = pa.DictionaryArray.from_arrays(pa.array([0] * count, pa.int32()), ["x" * 50_000])
    columns = {"video": [f"v{i}" for i in range(count)], "class": long, "partition": ["stage1_train"] * count}
    path = tmp_path / "videos.parquet"
    parquet.write_table(pa.table(columns), path, store_schema=False)
    assert path.stat().st_size < 1 << 20
    table = read_video_table(path)
    assert len({id(name) for name in table.class_name}) == 1


def test_parquet_without_pyarrow(own: OwnFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    own.path("videos.parquet").write_bytes(b"PAR1")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    # What the extra asks for, so that the command works whether this package came from an index or a clone.
    project = tomllib.loads((Path(__file__).resolve().parents[2] / "pyproject.toml").read_text(encoding="utf-8"))
    (wanted,) = project["project"]["optional-dependencies"]["parquet"]
    own.refuses(f"pip install '{wanted}', or bring CSV", videos=own.path("videos.parquet"))


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"name": ["b"] * 6}, "line 3: two classes have the same name, 'b': see"),
        ({"cls": ["trian"] * 6}, "has role 'trian' in 'cls'; did you mean 'train'?"),
        (
            {"cls": ["train"] * 5 + ["test_unsen"]},
            "line 7: class 'f' has role 'test_unsen' in 'cls'; did you mean 'te",
        ),
        (
            {"redable": list("abcdef")},
            "every column but name, readable, clip is a split; did you mean 'readable'?",
        ),
        (
            {"Name": list("abcdef"), "name": None},
            "has no column 'name' (it has: 'readable', 'cls', 'Name'); rename",
        ),
        ({"cls": ["train"] * 6}, "has no video in stage1_train"),
        ({"cls": list(ROLES.values()), "name": None}, "no column 'name'"),
        ({"cls": None}, "has no column of roles"),
        ({"cls-disjoint": ["train"] * 6, "cls": None}, "has no video in"),
        ({"../x": list(ROLES.values())}, "a split cannot be called '../x'"),
        ({"cls": [""] * 6}, "no video of split 'cls' is in stage1_train"),
        ({"readable": ["x" * 300, *"bcdef"]}, "longer than 200 characters"),
    ],
)
def test_bad_classes(own: OwnFiles, change: dict[str, Sequence[str] | None], expected: str) -> None:
    dropped = [column for column, values in change.items() if values is None]
    new = {column: values for column, values in change.items() if values is not None}
    own.edit_classes(lambda frame: frame.drop(columns=dropped).assign(**new))
    own.refuses(expected)


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_values_that_look_like_missing_ones_are_text(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"classes.{kind}"
    frame = pd.DataFrame({"name": ["NA", "None", "nan"], "cls": ["train", "", "1"]})
    if kind == "csv":
        frame.to_csv(path, index=False, encoding="utf-8-sig")
    else:
        frame.to_parquet(path)
    assert read_columns(path).columns == {"name": ["NA", "None", "nan"], "cls": ["train", "", "1"]}


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


def test_a_pickle_in_an_array_is_not_run(tmp_path: Path) -> None:
    header = b"\x93NUMPY\x01\x00v\x00{'descr': '|O', 'fortran_order': False, 'shape': (4, 3), }"
    header = header.ljust(127) + b"\n"
    (tmp_path / "trap.npy").write_bytes(header + pickle.dumps(Evil((tmp_path / "run").touch)))
    with pytest.raises(DataError):
        read_vectors(str(tmp_path / "trap.npy"), np.arange(4))
    assert not (tmp_path / "run").exists()
