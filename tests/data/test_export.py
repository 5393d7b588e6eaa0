from __future__ import annotations

import csv
import json
import os
import pickle
import pickletools
import shutil
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
from click.testing import CliRunner
from published_tree import UCF, write_tree

from avgzsl_bench.cli import main
from avgzsl_bench.data.datasets.facts import partition_bit
from avgzsl_bench.data.layouts.export import export_tree
from avgzsl_bench.data.layouts.importing import import_tree
from avgzsl_bench.data.layouts.marker import FILE_NAME, Marker
from avgzsl_bench.data.simulated.simulated import ensure_simulated
from avgzsl_bench.data.store.installed import store_path
from avgzsl_bench.data.store.store import read_header, read_store
from avgzsl_bench.data.store.writing import write_store
from avgzsl_bench.errors import AvbenchError, DataError
from avgzsl_bench.system.files import new_folder

pytestmark = pytest.mark.usefixtures("standard")


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return ensure_simulated(tmp_path_factory.mktemp("data"), UCF).path


@pytest.fixture(scope="module")
def exported(simulated: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export_tree(simulated, UCF, "avca", tmp_path_factory.mktemp("out") / "avca")


@pytest.fixture
def tree(exported: Path, tmp_path: Path) -> Path:
    """A copy of the exported feature-set folder, to be tampered with."""
    return Path(shutil.copytree(exported, tmp_path / "UCF" / "features" / "simulated"))


@pytest.mark.parametrize("layout", ["avca", "clipclap"])
def test_simulated_features_come_back_identical_and_simulated(
    simulated: Path, tmp_path: Path, layout: str
) -> None:
    export_tree(simulated, UCF, layout, tmp_path / "out")
    (result,) = import_tree(tmp_path / "out", tmp_path / "data", force=False)
    assert result.found.reader == layout
    assert result.path == store_path(tmp_path / "data", "ucf", "simulated")
    before, after = read_header(simulated), read_header(result.path)
    assert after.fingerprint == before.fingerprint
    assert after.simulated


@pytest.mark.parametrize(
    ("features", "layout", "folder"),
    [
        ("selavi", "avca", "main_features"),
        ("c3d_vggish", "avca", "cls_features"),
        ("clip_clap", "clipclap", "cls_features_non_averaged"),
        ("selavi", "clipclap", "selavi"),
        ("selavi_seq", "tcaf", "main_features_non_averaged"),
        ("c3d_vggish_seq", "tcaf", "cls_features_non_averaged"),
    ],
)
def test_imported_features_come_back_identical(tmp_path: Path, features: str, layout: str, folder: str) -> None:
    write_tree(tmp_path / "in", features)
    (first,) = import_tree(tmp_path / "in", tmp_path / "a", force=False)
    made = export_tree(first.path, UCF, layout, tmp_path / "out")
    assert made == tmp_path / "out" / "UCF" / "features" / folder
    (again,) = import_tree(tmp_path / "out", tmp_path / "b", force=False)
    assert read_header(again.path).fingerprint == read_header(first.path).fingerprint


def csv_rows(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))


def test_the_published_programs_find_what_they_look_for(exported: Path, simulated: Path) -> None:
    """Written against what their loaders open, as a plain reading of them, not with our readers."""
    _, table = read_store(simulated)
    lists = exported.parents[1] / "class-split"
    names = (lists / "all_class.txt").read_text(encoding="utf-8").splitlines()
    ids = {name.lower(): i for i, name in enumerate(sorted(names))}
    original = {row["manual"]: row["original"] for row in csv_rows(lists / "ucf_w2v_class_names.csv")}
    words = np.load(exported / "text" / "word_embeddings_ucf_normed.npy", allow_pickle=True).item()
    for name, vector in words.items():
        np.testing.assert_array_equal(vector, table.text["hashed"][ids[original[name].lower()]])
    assert len(words) == len(names) == 101
    row = {video: i for i, video in enumerate(table.video_id)}
    for partition, count in (("stage_1_train", 3174), ("stage_2_train", 4994), ("stage_2_test_unseen", 1267)):
        found = []
        for path in sorted((exported / "audio" / partition).iterdir()):
            with h5py.File(path) as audio, h5py.File(exported / "video" / partition / path.name) as video:
                assert audio["video_urls"].dtype == np.dtype("S80")
                assert audio["video_urls"][:].tolist() == video["video_urls"][:].tolist()
                at = [row[url.decode()] for url in audio["video_urls"][:]]
                np.testing.assert_array_equal(audio["data"], table.audio[at])
                np.testing.assert_array_equal(video["data"], table.visual[at])
                assert set(table.label[at].tolist()) == {ids[path.stem.lower()]}
                found += at
        assert len(found) == count
        listed = {
            (r["filename"], int(r["label_code"])) for r in csv_rows(lists / "cls_split" / f"{partition}.csv")
        }
        assert listed == {(table.video_id[i], table.label[i]) for i in found}
    for split, classes in (("main", 9), ("cls", 6)):
        listed = (lists / f"{split}_split" / "stage_2_test_unseen.txt").read_text(encoding="utf-8").splitlines()
        assert len(listed) == classes


def test_pickles_name_only_what_old_versions_of_numpy_know(simulated: Path, tmp_path: Path) -> None:
    made = export_tree(simulated, UCF, "clipclap", tmp_path / "out")
    path = made / "video" / "stage_1_train" / "Archery.pkl"
    text = (made / "text" / "word_embeddings_ucf_normed.npy").read_bytes()
    for raw in (path.read_bytes(), text[text.index(b"\x80\x03") :]):
        named = {arg for op, arg, _ in pickletools.genops(raw) if op.name == "GLOBAL"}
        assert named <= {"numpy.core.multiarray _reconstruct", "numpy ndarray", "numpy dtype", "_codecs encode"}
    content = pickle.loads(path.read_bytes())
    assert content["fps"] == [25] * len(content["features"])
    assert all(isinstance(name, bytes) for name in content["video_names"])
    assert content["features"][0].shape == (256,)
    names = csv_rows(made.parents[1] / "class-split" / "ucf_clip_class_names.csv")
    assert {row["clip_class_name"] for row in names} == {c.clip for c in UCF.classes}


def refused(tmp_path: Path, message: str) -> None:
    """The tree below is not imported."""
    with pytest.raises(DataError, match=message):
        import_tree(tmp_path, tmp_path / "data", force=False)
    assert not list((tmp_path / "data").rglob("*.h5"))


def remark(tree: Path, **change: object) -> None:
    marker = json.loads((tree / FILE_NAME).read_text(encoding="utf-8"))
    (tree / FILE_NAME).write_text(json.dumps(marker | change), encoding="utf-8")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"simulated": False}, "only 'simulated' is simulated"),
        ({"features": "own"}, "only 'simulated' is simulated"),
        ({"simulated": False, "features": "own"}, "sim_.* is of simulated features"),
        ({"simulated": False, "features": "selavi"}, "published feature set of other widths"),
        ({"dataset": "mine"}, "dataset 'mine', which is not known"),
    ],
)
def test_simulated_features_cannot_come_back_as_real_ones(
    tree: Path, tmp_path: Path, change: dict[str, object], message: str
) -> None:
    remark(tree, **change)
    refused(tmp_path, message)


def test_simulated_features_without_a_mark_are_no_real_ones_of_any_width(tree: Path, tmp_path: Path) -> None:
    (tree / FILE_NAME).unlink()
    refused(tmp_path, "of no known feature set")
    for path in tree.glob("*/*/*.h5"):
        with h5py.File(path, "a") as file:
            urls = file["video_urls"][:]
            del file["data"]
            file["data"] = np.zeros((len(urls), 512), np.float32)
    refused(tmp_path, "is of simulated features")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{", "damaged"),
        (b"\xff" * 10, "damaged"),
        (b" " * 20_000, "larger than"),
        (b'{"form": "avgzsl-bench tree 1"}', "dataset: Field required"),
    ],
)
def test_damaged_marks_are_reported(tree: Path, tmp_path: Path, content: bytes, message: str) -> None:
    (tree / FILE_NAME).write_bytes(content)
    refused(tmp_path, message)


def test_a_mark_outside_the_tree_is_refused(tree: Path, tmp_path: Path) -> None:
    (tree / FILE_NAME).symlink_to((tree / FILE_NAME).rename(tmp_path / "elsewhere.json"))
    refused(tmp_path, "symbolic link")


def some_text(*widths: int) -> dict[str, np.ndarray]:
    return {f"e{i}": np.ones((len(UCF.classes), width), np.float32) for i, width in enumerate(widths)}


def test_what_a_layout_has_no_place_for_is_refused(simulated: Path, tmp_path: Path) -> None:
    _, table = read_store(simulated)
    out, path = tmp_path / "out", store_path(tmp_path / "changed", "ucf", "simulated")
    text = some_text(3)
    text["e0"][0] = np.nan
    no_train = np.where(table.partition & partition_bit("stage1_train"), partition_bit("stage1_train"), 63)
    later = np.full_like(table.partition, partition_bit("stage2_train"))
    for layout, change, message in (
        ("avca", {"text": some_text(3, 4)}, "room for: 1; these features have e0, e1"),
        ("avca", {"text": text}, "'ApplyEyeMakeup' has none"),
        ("avca", {"partition": no_train.astype(np.uint8)}, "missing from stage2_train"),
        (
            "avca",
            {"partition": later},
            "no videos in stage1_train",
        ),
    ):
        write_store(path, replace(table, **change))
        with pytest.raises(DataError, match=message):
            export_tree(path, UCF, layout, out)
    write_tree(tmp_path / "in", "selavi_seq")
    (found,) = import_tree(tmp_path / "in", tmp_path / "data", force=False)
    for layout in ("avca", "clipclap"):
        with pytest.raises(DataError, match="one vector per video, and these are sequences; use tcaf"):
            export_tree(found.path, UCF, layout, out)
    with pytest.raises(DataError, match="it has sequences, and these are one vector per video; use avca or clip"):
        export_tree(simulated, UCF, "tcaf", out)
    unsorted = UCF.model_copy(update={"classes": UCF.classes[::-1]})
    with pytest.raises(DataError, match="numbers classes by the sort"):
        export_tree(simulated, unsorted, "avca", out)
    assert not out.exists()


def test_an_altered_store_is_not_exported(simulated: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copy(simulated, tmp_path / "features.h5"))
    with h5py.File(copy, "a") as file:
        file["audio"][0, 0] += 1
    with pytest.raises(DataError, match="altered"):
        export_tree(copy, UCF, "avca", tmp_path / "out")


def test_nothing_is_overwritten_and_nothing_half_written_stays(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    with pytest.raises(AvbenchError, match="would be overwritten"), new_folder(tmp_path / "there"):
        pytest.fail("entered")

    def interrupted(error: type[BaseException]) -> None:
        with new_folder(tmp_path / "new") as folder:
            (folder / "a" / "b").mkdir(parents=True)
            (folder / "a" / "b" / "c").write_text("c")
            raise error

    for error in (KeyboardInterrupt, RuntimeError):
        with pytest.raises(error):
            interrupted(error)
    with pytest.raises(AvbenchError, match="No space left"), new_folder(tmp_path / "new"):
        raise OSError(28, os.strerror(28))
    assert [path.name for path in tmp_path.iterdir()] == ["there"]
    with new_folder(tmp_path / "new") as folder:
        (folder / "a").write_text("a")
        assert not (tmp_path / "new").exists()
    assert (tmp_path / "new" / "a").read_text() == "a"


def test_command(data_root: Path, tmp_path: Path) -> None:
    def call(*arguments: object):
        return CliRunner().invoke(main, ["data", "export", *map(str, arguments), "--data-root", str(data_root)])

    known = ("--features", "simulated", "--layout", "avca")
    done = call("ucf", tmp_path / "out", *known)
    assert done.exit_code == 0, done.stderr
    assert "SIMULATED" in done.stdout
    assert Marker.model_validate_json((tmp_path / "out/UCF/features/simulated" / FILE_NAME).read_bytes()).simulated
    for arguments, message in (
        (("ucf", tmp_path / "out", *known), "would be overwritten"),
        (("ucf", tmp_path / "b", *known[:3], "taf"), "did you mean 'tcaf'"),
        (("ucf", tmp_path / "b", "--features", "selavi", *known[2:]), "avbench data import"),
        (("ufc", tmp_path / "b", *known), "did you mean 'ucf'"),
    ):
        failed = call(*arguments)
        assert failed.exit_code == 2
        assert message in failed.stderr
        assert len(failed.stderr.splitlines()) == 1
    assert not (tmp_path / "b").exists()
