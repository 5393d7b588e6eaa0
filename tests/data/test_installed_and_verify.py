from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from unittest.mock import patch

import h5py
import numpy as np
import platformdirs
import pytest
from published_tree import UCF, write_tree

from avgzsl_bench.data.datasets.facts import partition_bit
from avgzsl_bench.data.layouts.importing import import_tree
from avgzsl_bench.data.simulated.simulated import simulate
from avgzsl_bench.data.store import writing
from avgzsl_bench.data.store.installed import data_root, installed, scan, store_path
from avgzsl_bench.data.store.store import read_header, read_store
from avgzsl_bench.data.store.table import FeatureTable
from avgzsl_bench.data.store.verify import Severity, verify_store
from avgzsl_bench.data.store.writing import write_store
from avgzsl_bench.errors import DataError, InaccessibleError

pytestmark = pytest.mark.usefixtures("standard")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "data"


def findings(path: Path) -> dict[str, list[str]]:
    shown: dict[str, list[str]] = {}
    for finding in verify_store(read_header(path), UCF).findings:
        shown.setdefault(f"{finding.severity.value} {finding.name}", []).append(finding.text)
    return shown


def test_data_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AVBENCH_DATA", str(tmp_path / "env"))
    assert data_root(tmp_path) == tmp_path
    assert data_root(None) == tmp_path / "env"
    monkeypatch.setenv("AVBENCH_DATA", "")
    assert data_root(None) == platformdirs.user_data_path("avgzsl-bench")


@pytest.mark.parametrize("name", ["..", "", "a/b", "/etc", "A", "a\n"])
def test_store_path_stays_inside(tmp_path: Path, name: str) -> None:
    assert store_path(tmp_path, "ucf", "selavi") == tmp_path / "ucf" / "selavi" / "features.h5"
    with pytest.raises(DataError, match="is not a valid name"):
        store_path(tmp_path, name, "selavi")
    with pytest.raises(DataError, match="is not a valid name"):
        store_path(tmp_path, "ucf", name)


def test_import_and_list(tmp_path: Path, root: Path) -> None:
    assert installed(root) == []
    write_tree(tmp_path / "in", "selavi", set_name="main_features")
    write_tree(tmp_path / "in", "clip_clap", set_name="cls_features_non_averaged")
    steps: list[str] = []
    results = import_tree(tmp_path / "in", root, force=False, report=steps.append)
    assert [(r.found.features, r.videos) for r in results] == [("clip_clap", 9), ("selavi", 9)]
    assert [h.path for h in installed(root)] == [r.path for r in results]
    assert sum(step.startswith("reading ucf") for step in steps) == 2


def test_installed_data_is_replaced_only_by_force(tmp_path: Path, root: Path) -> None:
    tree = write_tree(tmp_path / "in", "selavi")
    import_tree(tmp_path / "in", root, force=False)
    (first,) = installed(root)
    with pytest.raises(DataError, match="is there already; replace it with --force"):
        import_tree(tmp_path / "in", root, force=False)
    import_tree(tmp_path / "in", root, force=True)
    assert installed(root) == [first]
    tree.file("audio", "stage_1_train", "Archery").write_bytes(b"")
    with pytest.raises(DataError, match="Archery"):
        import_tree(tmp_path / "in", root, force=True)
    assert installed(root) == [first]


def test_interrupted_import_leaves_no_file(tmp_path: Path, root: Path) -> None:
    write_tree(tmp_path / "in", "selavi")

    with patch.object(writing, "_write", side_effect=KeyboardInterrupt), pytest.raises(KeyboardInterrupt):
        import_tree(tmp_path / "in", root, force=False)
    assert [p for p in root.rglob("*") if p.is_file()] == []


def test_import_of_nothing(tmp_path: Path, root: Path) -> None:
    (tmp_path / "file").write_text("")
    for name, message in (("none", "no such folder"), ("file", "not a folder"), ("a" * 300, "File name too long")):
        with pytest.raises(DataError, match=message):
            import_tree(tmp_path / name, root, force=False)
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"known layouts: avca, clipclap, tcaf.*512/512 .selavi.") as error:
        import_tree(tmp_path / "empty", root, force=False)
    assert "activitynet, ucf, vggsound" in str(error.value)


def test_two_copies_at_once(tmp_path: Path, root: Path) -> None:
    write_tree(tmp_path / "in", "selavi", set_name="main_features")
    write_tree(tmp_path / "in", "selavi", set_name="cls_features")
    with pytest.raises(DataError, match=r"cls_features and .*main_features both hold selavi of ucf"):
        import_tree(tmp_path / "in", root, force=False)


def test_damaged_file_does_not_hide_the_others(tmp_path: Path, root: Path) -> None:
    write_tree(tmp_path / "in", "selavi")
    (result,) = import_tree(tmp_path / "in", root, force=False)
    other = store_path(root, "ucf", "clip_clap")
    other.parent.mkdir()
    other.write_bytes(b"?")
    moved = store_path(root, "vggsound", "selavi")
    moved.parent.mkdir(parents=True)
    moved.write_bytes(result.path.read_bytes())
    there = scan(root)
    assert [h.path for h in there.headers] == [result.path]
    assert [path for path, _ in there.unreadable] == [other, moved]
    assert "belongs elsewhere" in there.unreadable[1][1]


@pytest.mark.parametrize(
    ("make", "fault"),
    [(lambda path: path.symlink_to(path), "Too many levels of symbolic links"), (Path.mkdir, "damaged")],
    ids=["loop", "folder"],
)
def test_what_is_no_file_is_found_in_a_stores_place(
    tmp_path: Path, root: Path, make: Callable[[Path], None], fault: str
) -> None:
    path = store_path(root, "ucf", "selavi")
    path.parent.mkdir(parents=True)
    make(path)
    ((found, error),) = scan(root).unreadable
    assert found == path
    assert fault in error
    write_tree(tmp_path / "in", "selavi")
    with pytest.raises(DataError, match="is there already"):
        import_tree(tmp_path / "in", root, force=False)


def test_scan_of_an_impossible_folder(tmp_path: Path) -> None:
    with pytest.raises(InaccessibleError, match="cannot be read: File name too long"):
        installed(tmp_path / ("a" * 300))


@pytest.fixture(scope="module")
def standard_table() -> FeatureTable:
    return simulate(UCF)


@pytest.fixture
def standard_store(root: Path, standard_table: FeatureTable) -> Path:
    path = store_path(root, "ucf", "simulated")
    write_store(path, standard_table)
    return path


def rewrite(path: Path, **change: object) -> None:
    write_store(path, dataclasses.replace(read_store(path)[1], **change))


def test_standard_data_has_no_findings(standard_store: Path) -> None:
    assert findings(standard_store) == {}
    assert verify_store(read_header(standard_store), UCF).verdict == "simulated, unaltered"


def test_altered_value(standard_store: Path) -> None:
    with h5py.File(standard_store, "a") as file:
        file["audio"][0, 0] += 1
    assert list(findings(standard_store)) == ["error fingerprint"]


def test_other_ids(standard_store: Path) -> None:
    rewrite(standard_store, simulated=False)
    found = findings(standard_store)
    assert set(found) == {
        *(f"difference stage1_{p}" for p in ("train", "val_seen", "val_unseen")),
        *(f"difference stage2_{p}" for p in ("train", "test_seen", "test_unseen (main)", "test_unseen (cls)")),
    }
    assert all(texts == ["as many videos as standard, but other ids"] for texts in found.values())


def test_overlaps_and_stage2_train(standard_store: Path, standard_table: FeatureTable) -> None:
    mask = standard_table.partition.copy()
    test = np.flatnonzero(mask == partition_bit("stage2_test_seen"))[:2]
    train = np.flatnonzero(mask & partition_bit("stage1_train"))[:3]
    mask[test] |= partition_bit("stage2_train")
    mask[train] &= ~np.uint8(partition_bit("stage2_train"))
    rewrite(standard_store, partition=mask)
    found = findings(standard_store)
    assert found["error stage2_train and stage2_test_seen"][0].startswith("2 videos are in both")
    assert found["error stage2_train"] == ["lacks 3 videos of the stage-1 partitions"]
    assert "holds 2 videos that are in no stage-1 partition" in found["difference stage2_train"]
    assert all(name.startswith(("error stage2_train", "difference stage2_train")) for name in found)


def test_class_lists(standard_store: Path, standard_table: FeatureTable) -> None:
    """A class of `main` that `cls` drops is missing, and its videos are in a class that no split lists."""
    label = standard_table.label.copy()
    present = set(label.tolist())
    dropped = [UCF.class_id(name) for name in ("BandMarching", "BrushingTeeth", "Typing")]
    # The table stays in order where the next class id is free.
    moved = next(c for c in dropped if c is not None and c + 1 not in present)
    label[label == moved] = moved + 1
    rewrite(standard_store, label=label)
    found = findings(standard_store)
    assert f"no videos of 1 class: {UCF.class_names[moved]}" in found["difference stage2_test_unseen (main)"]
    assert "difference stage2_test_unseen (cls)" not in found
    outside = f"holds classes that no split lists there: 1 class: {UCF.class_names[moved + 1]}"
    assert found["difference stage2_test_unseen"] == [outside]


def test_class_without_text(standard_store: Path, standard_table: FeatureTable) -> None:
    words = standard_table.text["hashed"].copy()
    words[UCF.class_id("Archery")] = np.nan
    rewrite(standard_store, text={"hashed": words})
    assert findings(standard_store) == {"error text hashed": ["no vector for 1 class: Archery"]}


def test_partial_tree_differs_but_is_no_error(tmp_path: Path, root: Path) -> None:
    write_tree(tmp_path / "in", "selavi")
    (result,) = import_tree(tmp_path / "in", root, force=False)
    report = verify_store(read_header(result.path), UCF)
    assert report.errors == []
    assert {f.severity for f in report.findings} == {Severity.DIFFERENCE}
    texts = findings(result.path)["difference stage1_train"]
    assert texts[0].startswith("no videos of 28 classes: ")
    assert texts[1] == "3 videos, standard 3174"
    assert texts[2].startswith("other counts in 2 classes: Archery 1 (standard ")


@pytest.mark.parametrize("layout", ["avca", "clipclap", "tcaf"])
def test_trees_written_by_another_program_are_consistent(shared: Path, root: Path, layout: str) -> None:
    (result,) = import_tree(shared / "data" / "trees" / layout, root, force=False)
    assert verify_store(read_header(result.path), UCF).errors == []


def test_store_of_another_dataset(standard_store: Path) -> None:
    other = UCF.model_copy(update={"name": "other", "classes": UCF.classes[:-1]})
    names = {f.name for f in verify_store(read_header(standard_store), other).errors}
    assert names == {"dataset", "text hashed"}
