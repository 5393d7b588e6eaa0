"""Sequence sets in TCAF's layout, read as its program reads them, and imported again."""

from __future__ import annotations

import json
import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from published_tree import BY_NAME, DATASETS, UCF, write_tree

from avgzsl_bench.data.audit.audit import audit_path
from avgzsl_bench.data.layouts.export import export_tree
from avgzsl_bench.data.layouts.importing import import_tree
from avgzsl_bench.data.layouts.marker import FILE_NAME
from avgzsl_bench.data.layouts.tree import disk_name
from avgzsl_bench.data.store.installed import store_path
from avgzsl_bench.data.store.store import read_header, read_store
from avgzsl_bench.data.store.table import Ragged
from avgzsl_bench.data.store.writing import write_store
from avgzsl_bench.errors import DataError

HELD = ("stage1_train", "stage1_val_seen", "stage1_val_unseen", "stage2_test_seen", "stage2_test_unseen")

pytestmark = pytest.mark.usefixtures("standard")


@pytest.fixture
def published(tmp_path: Path) -> Path:
    """A store of a published sequence set."""
    write_tree(tmp_path / "in", "selavi_seq")
    (found,) = import_tree(tmp_path / "in", tmp_path / "data", force=False)
    return found.path


@pytest.fixture
def own(tmp_path: Path, published: Path) -> Path:
    """A store of a sequence set of one's own: other steps, and two text encoders of one width."""
    _, table = read_store(published)
    assert isinstance(table.audio, Ragged)
    assert isinstance(table.visual, Ragged)
    random = np.random.default_rng(0)
    text = {e: random.standard_normal((101, 6)).astype(np.float32) for e in ("clip", "clap")}
    audio = Ragged(table.audio.values[:, :5].copy(), table.audio.offsets, 0.48)
    changed = replace(
        table, features="mine_seq", audio=audio, visual=replace(table.visual, seconds=0.1), text=text
    )
    path = store_path(tmp_path / "own", "ucf", "mine_seq")
    write_store(path, replace(changed, source="added"))
    return path


def test_the_published_program_finds_what_it_looks_for(published: Path, tmp_path: Path) -> None:
    """A plain reading of what its loader opens, not done with our readers."""
    _, table = read_store(published)
    assert isinstance(table.audio, Ragged)
    assert isinstance(table.visual, Ragged)
    made = export_tree(published, UCF, "tcaf", tmp_path / "out")
    assert made == tmp_path / "out" / "UCF" / "features" / "main_features_non_averaged"
    found = set()
    for path in sorted((made / "audio").rglob("*.pkl")):
        audio, visual = (
            pickle.loads((made / m / path.relative_to(made / "audio")).read_bytes()) for m in ("audio", "video")
        )
        assert audio["video_names"] == visual["video_names"]
        assert audio["fps"] == visual["fps"] == [25] * len(audio["features"])
        for content, feature in ((audio, table.audio), (visual, table.visual)):
            assert isinstance(content["features"], list)
            for name, steps in zip(content["video_names"], content["features"], strict=True):
                row = table.video_id.index(name.decode())
                np.testing.assert_array_equal(
                    steps, feature.values[feature.offsets[row] : feature.offsets[row + 1]]
                )
                assert (steps.dtype, steps.ndim) == (np.float32, 2)
                found.add((path.parent.name, name.decode()))
    assert ("stage_2_train", "v_A_1") in found
    assert len({name for _, name in found}) == len(table)
    words = np.load(made / "text" / "word_embeddings_ucf_normed.npy", allow_pickle=True).item()
    np.testing.assert_array_equal(words["Archery"], table.text["word2vec"][UCF.class_id("Archery")])
    assert [path.name for path in (made / "text").iterdir()] == ["word_embeddings_ucf_normed.npy"]


def test_the_text_file_of_activitynet_is_called_as_in_tcaf(tmp_path: Path) -> None:
    dataset = BY_NAME["activitynet"]
    names = {p: [dataset.class_names[c] for c in f.classes[:2]] for p, f in dataset.partitions.items()}
    videos = {
        disk_name(p): {name: [f"{name[:6]}____{i}_{len(p)}" for i in range(2)] for name in names[p]} for p in HELD
    }
    write_tree(tmp_path / "in", "selavi_seq", videos, dataset=dataset)
    (found,) = import_tree(tmp_path / "in", tmp_path / "data", force=False)
    made = export_tree(found.path, dataset, "tcaf", tmp_path / "out")
    assert [path.name for path in (made / "text").iterdir()] == ["word_embeddings_activity_normed.npy"]


def test_sequences_of_ones_own_come_back_identical(own: Path, tmp_path: Path) -> None:
    made = export_tree(own, UCF, "tcaf", tmp_path / "out")
    (again,) = import_tree(tmp_path / "out", tmp_path / "again", force=False)
    before, after = read_header(own), read_header(again.path)
    assert after.fingerprint == before.fingerprint
    assert (after.features, after.audio_seconds, after.visual_seconds) == ("mine_seq", 0.48, 0.1)
    assert (list(after.text), after.source) == (["clip", "clap"], "added")
    (audit,) = audit_path(made, DATASETS)
    assert (audit.features, [f for f in audit.findings if f.check in ("text-file", "tree-mark")]) == (
        "mine_seq",
        [],
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"audio_seconds": None}, "one modality holds sequences"),
        ({"audio_seconds": 0.0}, "audio_seconds"),
        ({"audio_seconds": -1.0}, "audio_seconds"),
        ({"features": "selavi_seq"}, "published feature set of other widths"),
        ({"text_files": {"clip": "a.npy"}}, "name different encoders"),
        ({"text_files": {"clip": "../a.npy", "clap": "b.npy"}}, "text_files.clip"),
        ({"text_files": {"clip": "a.npy", "clap": "b.npy"}}, "a.npy: missing"),
    ],
)
def test_marks_that_do_not_fit_are_refused(
    own: Path, tmp_path: Path, change: dict[str, object], message: str
) -> None:
    made = export_tree(own, UCF, "tcaf", tmp_path / "out")
    content = json.loads((made / FILE_NAME).read_text(encoding="utf-8"))
    (made / FILE_NAME).write_text(json.dumps(content | change), encoding="utf-8")
    with pytest.raises(DataError, match=message):
        import_tree(tmp_path / "out", tmp_path / "again", force=False)


def test_a_tree_of_another_width_than_its_mark_is_refused(own: Path, tmp_path: Path) -> None:
    made = export_tree(own, UCF, "tcaf", tmp_path / "out")
    content = json.loads((made / FILE_NAME).read_text(encoding="utf-8"))
    content["text"]["clap"] = 7
    (made / FILE_NAME).write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(DataError, match=r"width 6, expected 7 \(clap\)"):
        import_tree(tmp_path / "out", tmp_path / "again", force=False)


def test_a_tree_that_others_wrote_goes_out_and_comes_back(shared: Path, tmp_path: Path) -> None:
    """Its class lists are those of the published tree, and its sequences stay as they are."""
    tree = shared / "data" / "trees" / "tcaf"
    (first,) = import_tree(tree, tmp_path / "data", force=False)
    export_tree(first.path, UCF, "tcaf", tmp_path / "out")
    (again,) = import_tree(tmp_path / "out", tmp_path / "again", force=False)
    assert read_header(again.path).fingerprint == read_header(first.path).fingerprint
    for path in (tree / "UCF" / "class-split").rglob("*"):
        if path.suffix == ".txt" or "w2v" in path.name:
            made = tmp_path / "out" / path.relative_to(tree)
            assert made.read_bytes() == path.read_bytes()
