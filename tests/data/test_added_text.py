from __future__ import annotations

import io
import json
import os
import pickle
import warnings
import zipfile
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from pickled_values import Evil

import avgzsl_bench as ab
from avgzsl_bench.cli import main
from avgzsl_bench.data.choose import find_added_text
from avgzsl_bench.data.datasets.registry import registered_dataset as dataset
from avgzsl_bench.data.own.class_vectors import read_class_vectors
from avgzsl_bench.data.simulated.extras import simulate_descriptions
from avgzsl_bench.data.simulated.simulated import ensure_simulated
from avgzsl_bench.data.store.added_text import AddedText, read_added_text, write_added_text
from avgzsl_bench.data.store.installed import store_path
from avgzsl_bench.data.store.store import StoreHeader, read_store
from avgzsl_bench.data.store.writing import write_store
from avgzsl_bench.errors import DataError

UCF = dataset("ucf")
VECTORS = np.random.default_rng(0).standard_normal((len(UCF.classes), 5)).astype(np.float32)
BY_NAME = {c.readable: v for c, v in zip(UCF.classes, VECTORS, strict=True)}
HEADER = StoreHeader(
    dataset="ucf",
    features="own",
    simulated=False,
    source="test",
    fingerprint="0" * 64,
    **dict.fromkeys(("videos", "audio", "visual"), 1),
    **dict.fromkeys(("audio_seconds", "visual_seconds")),
    text={"hashed": 300},
    path=Path("features.h5"),
)
NEEDS = ab.Needs(added_text=("knowledge",))


def write(path: Path, vectors: dict[str, np.ndarray]) -> Path:
    """A file of the kind that its ending says."""
    if path.suffix == ".json":
        path.write_text(json.dumps({name: v.tolist() for name, v in vectors.items()}))
    elif path.suffix == ".csv":
        rows = [[name, *map(float, row)] for name, v in vectors.items() for row in np.atleast_2d(v)]
        pd.DataFrame(rows, columns=["name", *(f"x{i}" for i in range(5))]).to_csv(path, index=False)
    elif path.suffix == ".npz":
        np.savez(path, **vectors)
    elif path.suffix == ".npy":
        np.save(path, np.array(vectors, dtype=object), allow_pickle=True)
    else:
        path.write_bytes(pickle.dumps(vectors))
    return path


def call(command: str, root: Path, *arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(main, ["data", command, *map(str, arguments), "--data-root", str(root)])
    return result.exit_code, result.output


@pytest.mark.parametrize("ending", ["json", "csv", "npz", "npy", "pkl"])
def test_vectors_are_placed_by_name_and_those_of_a_class_are_averaged(ending: str, tmp_path: Path) -> None:
    names = sorted(BY_NAME, key=lambda name: name[::-1])
    path = write(tmp_path / f"vectors.{ending}", {name: BY_NAME[name] for name in names})
    assert np.array_equal(read_class_vectors(path, UCF), VECTORS)
    several = np.array([[1.0, 2, 3, 4, 5], [3, 2, 1, 0, 5]])
    found = read_class_vectors(write(path, {UCF.classes[3].readable: several}), UCF)
    assert found[3].tolist() == [2, 2, 2, 2, 5]
    assert np.isnan(np.delete(found, 3, axis=0)).all()


def test_a_class_may_go_by_any_of_its_names(tmp_path: Path) -> None:
    c = UCF.classes[20]
    for name in (c.listed, c.readable, c.clip):
        path = write(tmp_path / "v.json", {name: VECTORS[20]})
        assert np.array_equal(read_class_vectors(path, UCF)[20], VECTORS[20])


FIRST, SECOND = (c.readable for c in UCF.classes[:2])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"Flying a kite": [1.0]}, "no class of ucf is called 'Flying a kite'"),
        ({FIRST: [1.0, 2.0], SECOND: [1.0]}, "has width 1"),
        ({FIRST: [1.0, float("nan")]}, "not finite"),
        ({FIRST: [1e300]}, "not finite"),
        ({FIRST: []}, "not a vector"),
        ({FIRST: [[[1.0]]]}, "not a vector"),
        ({FIRST: "a person"}, "not a vector"),
        ({FIRST: [[1.0], [1.0, 2.0]]}, "not a vector"),
        ({UCF.classes[20].readable: [1.0], UCF.classes[20].listed: [1.0]}, "the same class"),
        ({FIRST: [True, False]}, "not a vector"),
        ({FIRST: ["0.1", "0.2"]}, "embedded first"),
        ({FIRST: [10**400]}, "not a vector"),
        ({}, "no vectors"),
        ([1.0], "expected an object"),
    ],
)
def test_what_cannot_be_placed_is_refused_and_nothing_written(
    content: object, message: str, tmp_path: Path
) -> None:
    path = tmp_path / "v.json"
    path.write_text(json.dumps(content))
    code, output = call("add-text", tmp_path / "data", "ucf", path)
    assert code == 2
    assert message in output
    assert len(output.splitlines()) == 1
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("ending", ["json", "csv", "npz", "npy", "pkl", "txt"])
def test_damaged_and_foreign_files_are_refused(ending: str, tmp_path: Path) -> None:
    for content in (b"", b"\x80\x04\x95", b"{", b"a,b\nc,d\n", b"\xff\xfe\x00"):
        path = tmp_path / f"v.{ending}"
        path.write_bytes(content)
        with pytest.raises(DataError, match="v\\."):
            read_class_vectors(path, UCF)
    with pytest.raises(DataError):
        read_class_vectors(tmp_path / f"missing.{ending}", UCF)


def refused(path: Path, message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        read_class_vectors(path, UCF)
    assert "\n" not in str(caught.value)


def test_two_entries_of_one_name_are_refused(tmp_path: Path) -> None:
    (tmp_path / "v.json").write_text(f'{{"{FIRST}": [1.0], "{FIRST}": [2.0]}}')
    refused(tmp_path / "v.json", f"two entries are called '{FIRST}'")
    (tmp_path / "v.pkl").write_bytes(pickle.dumps({FIRST: [1.0], FIRST.encode(): [2.0]}))
    refused(tmp_path / "v.pkl", "two entries")
    with zipfile.ZipFile(tmp_path / "v.npz", "w") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        buffer = io.BytesIO()
        np.save(buffer, np.array([1.0]))
        for _ in range(2):
            archive.writestr(f"{FIRST}.npy", buffer.getvalue())
    refused(tmp_path / "v.npz", "two entries")


@pytest.mark.parametrize(
    "array",
    [
        *(np.array(["2020-01-01"], "datetime64[D]"), np.array([1 + 1j]), np.array([True])),
        *(np.empty(10**6, "V0"), np.empty(10**6, "U0")),
        *(np.zeros((1, 1, 1)), np.zeros(0), np.zeros((2, 0))),
    ],
    ids=lambda array: str(array.dtype) + str(array.shape),
)
def test_arrays_of_other_kinds_are_refused(array: np.ndarray, tmp_path: Path) -> None:
    np.savez(tmp_path / "v.npz", **{FIRST: array})
    refused(tmp_path / "v.npz", "not a vector")


def test_small_files_that_unpack_to_much_are_refused(tmp_path: Path) -> None:
    nested: list[object] = [1.0] * 16
    for _ in range(7):
        nested = [nested] * 16
    (tmp_path / "v.pkl").write_bytes(pickle.dumps({FIRST: nested}))
    refused(tmp_path / "v.pkl", "numbers")
    np.savez_compressed(tmp_path / "v.npz", **{FIRST: np.zeros(1 << 25)})
    refused(tmp_path / "v.npz", "not a vector|unpacks")
    with (tmp_path / "v.json").open("wb") as stream:
        stream.truncate(1 << 30)
    refused(tmp_path / "v.json", "larger than")


def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "v.json")
    refused(tmp_path / "v.json", "not a file")
    (tmp_path / "v.csv").mkdir()
    refused(tmp_path / "v.csv", "not a file")


def test_headings_and_misprints_of_a_table_are_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "v.csv"
    for heading in (",0,1", "name,0,1", "name,x,y", "class name,first,second"):
        path.write_text(f"{heading}\n{FIRST},3,4\n")
        assert read_class_vectors(path, UCF)[0].tolist() == [3, 4]
    for misprint in (f"{FIRST},0.1x,2", f"{FIRST},,2", "Flying,0.1x,2"):
        path.write_text(f"{misprint}\n{FIRST},3,4\n")
        refused(path, "line 1")
    path.write_text(f"Flying,5,6\n{FIRST},3,4\n")
    refused(path, "no class of ucf is called 'Flying'")


def test_a_pickle_runs_nothing(tmp_path: Path) -> None:
    (tmp_path / "v.pkl").write_bytes(pickle.dumps({"x": Evil(exec, "raise SystemExit('ran')")}))
    refused(tmp_path / "v.pkl", "refused")


def test_adding_listing_verifying_and_replacing(tmp_path: Path) -> None:
    root = tmp_path / "data"
    code, output = call("add-text", root, "ucf", write(tmp_path / "v.json", BY_NAME))
    assert code == 0
    assert f"ucf knowledge: 5 numbers for 101 of 101 classes -> {root}/ucf/text-knowledge.h5" in output
    assert "ucf text knowledge: 5 numbers for 101 classes, from v.json" in call("list", root)[1]
    assert "ucf text knowledge: unaltered" in call("verify", root)[1]
    before = read_added_text(root / "ucf" / "text-knowledge.h5").fingerprint
    half = write(tmp_path / "half.csv", dict(list(BY_NAME.items())[:50]))
    code, output = call("add-text", root, "ucf", half)
    assert (code, "--force" in output) == (2, True)
    code, output = call("add-text", root, "ucf", half, "--force")
    assert code == 0
    assert "no vector for" in output
    assert read_added_text(root / "ucf" / "text-knowledge.h5").fingerprint != before


@pytest.mark.parametrize("name", ["clip", "word2vec", "../up", "Knowledge", "", "k" * 41])
def test_names_that_cannot_be(name: str, tmp_path: Path) -> None:
    path = write(tmp_path / "v.json", BY_NAME)
    code, output = call("add-text", tmp_path / "data", "ucf", path, "--name", name)
    assert code == 2
    assert len(output.splitlines()) == 1
    assert not (tmp_path / "data").exists()


def store(root: Path, vectors: np.ndarray = VECTORS, name: str = "knowledge", source: str = "here") -> Path:
    return write_added_text(root, AddedText("ucf", name, vectors, source))


def test_alteration_is_noticed(tmp_path: Path) -> None:
    path = store(tmp_path)
    with h5py.File(path, "r+") as file:
        file["vectors"][0, 0] += 1
    with pytest.raises(DataError, match="altered"):
        read_added_text(path)
    code, output = call("verify", tmp_path)
    assert (code, "altered" in output) == (2, True)
    path.write_bytes(b"?")
    with pytest.raises(DataError, match="add-text"):
        read_added_text(path)
    path.unlink()
    path.symlink_to(tmp_path / "nowhere")
    with pytest.raises(DataError, match=r"a broken link, to .*nowhere"):
        read_added_text(path)
    with pytest.raises(DataError, match=r"a broken link, to .*nowhere"):
        find_added_text(tmp_path, UCF, HEADER, ("knowledge",))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"extra": 1}, "header.extra"),
        ({"source": "a\x1b[31m"}, "control"),
        ({"source": "a" * 300}, "header.source"),
    ],
)
def test_damaged_headers_are_told_in_a_line(change: dict[str, object], message: str, tmp_path: Path) -> None:
    path = store(tmp_path)
    with h5py.File(path, "r+") as file:
        header = json.loads(bytes(file.attrs["header"])) | change
        file.attrs["header"] = np.bytes_(json.dumps(header).encode())
    with pytest.raises(DataError, match=message) as caught:
        read_added_text(path)
    assert len(str(caught.value).splitlines()) == 1
    assert "pydantic" not in str(caught.value)


@pytest.mark.parametrize(
    ("vectors", "message"),
    [
        (VECTORS[:3], "3 rows"),
        (VECTORS[:, :0], "without numbers"),
        (np.where(np.arange(5) == 2, np.inf, VECTORS), "not finite"),
        (np.where(np.arange(5) == 2, np.nan, VECTORS), "not finite"),
    ],
)
def test_what_runs_refuse_does_not_verify(vectors: np.ndarray, message: str, tmp_path: Path) -> None:
    store(tmp_path, vectors.astype(np.float32))
    code, output = call("verify", tmp_path)
    assert (code, message in output) == (2, True)
    with pytest.raises(DataError, match=message):
        find_added_text(tmp_path, UCF, HEADER, ("knowledge",))


def test_a_text_cannot_take_the_place_of_a_text_encoder(tmp_path: Path) -> None:
    store(tmp_path, name="hashed")
    with pytest.raises(DataError, match="a text encoder 'hashed' of their own"):
        find_added_text(tmp_path, UCF, HEADER, ("hashed",))


def test_names_of_files_are_kept_printable(tmp_path: Path) -> None:
    path = store(tmp_path, source="\x1b[31m\udcff" + "a" * 300)
    assert read_added_text(path).source.startswith("?[31m?aaa")


@pytest.fixture(scope="module")
def real(data_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with features that are not called simulated."""
    root = tmp_path_factory.mktemp("real")
    _, table = read_store(ensure_simulated(data_root, UCF).path)
    write_store(store_path(root, "ucf", "own"), replace(table, features="own", simulated=False, source="test"))
    return root


def test_only_a_method_that_asks_is_given_the_text(real: Path) -> None:
    without = ab.load_benchmark("ucf", "own", data_root=real, needs=NEEDS)
    assert (list(without.final.classes.text), without.spec.added_text) == (["hashed"], {})
    store(real)
    given = ab.load_benchmark("ucf", "own", data_root=real, needs=NEEDS, text_order="official")
    assert list(given.final.classes.text) == ["hashed", "knowledge"]
    assert given.shape.text == {"hashed": 300, "knowledge": 5}
    ids = [UCF.class_id(name) for name in given.final.classes.names]
    assert np.array_equal(given.final.classes.text["knowledge"].numpy(), VECTORS[ids]), "always by name"
    assert list(given.spec.added_text) == ["knowledge"]
    other = ab.load_benchmark("ucf", "own", data_root=real)
    assert (list(other.final.classes.text), other.spec.added_text) == (["hashed"], {})
    assert other.spec.fingerprint == given.spec.fingerprint


def test_a_class_without_a_vector_is_named(real: Path) -> None:
    used = ab.load_benchmark("ucf", "own", data_root=real).final.classes.names[0]
    gap = VECTORS.copy()
    gap[UCF.class_id(used)] = np.nan
    store(real, gap)
    with pytest.raises(DataError, match=f"'knowledge' has no vector of class '{used}'"):
        ab.load_benchmark("ucf", "own", data_root=real, needs=NEEDS)
    store(real, VECTORS[:50])
    with pytest.raises(DataError, match="101 classes"):
        ab.load_benchmark("ucf", "own", data_root=real, needs=NEEDS)


def test_simulated_features_come_with_simulated_descriptions(data_root: Path, tmp_path: Path) -> None:
    given = ab.load_benchmark("ucf", "simulated", data_root=data_root, needs=NEEDS)
    ids = [UCF.class_id(name) for name in given.final.classes.names]
    described = simulate_descriptions(UCF)
    assert np.array_equal(given.final.classes.text["knowledge"].numpy(), described[ids])
    assert np.allclose(np.linalg.norm(described, axis=1), 10, atol=1e-3)
