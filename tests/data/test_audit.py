"""Each known fault, planted in a tree that nothing is wrong with, is found; and nothing is found in that tree."""

from __future__ import annotations

import csv
import json
import pickle
import re
import shutil
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace

import h5py
import numpy as np
import pytest
import torch
from click.testing import CliRunner
from plausible_tree import (
    BY_NAME,
    UCF_VIDEOS,
    text_keys,
    values,
    with_stage_2_train,
    word_vector,
    write_plausible_tree,
)
from published_tree import write_class

from avgzsl_bench.cli import main
from avgzsl_bench.data.audit import text_rows
from avgzsl_bench.data.audit.audit import Audit, audit_path, audit_store
from avgzsl_bench.data.audit.text_rows import vector_mark
from avgzsl_bench.data.datasets import registry
from avgzsl_bench.data.datasets.facts import PARTITIONS, Dataset, PartitionFacts
from avgzsl_bench.data.layouts.importing import import_tree
from avgzsl_bench.data.layouts.tree import disk_name
from avgzsl_bench.data.store.store import read_header
from avgzsl_bench.errors import DataError

TREE = dict[str, dict[str, list[str]]]
EXPECTED = {"clip_clap": set(), "selavi": {"text-order"}, "c3d_vggish": {"text-order"}}
EXPECTED |= {"selavi_seq": {"text-order"}, "c3d_vggish_seq": {"text-order"}}
"""What the published names of UCF's classes bring with them; those of ClipClap sort as the classes do."""


def standard(name: str, videos: TREE) -> Dataset:
    """The dataset, with the small tree as its standard."""
    dataset = BY_NAME[name]
    partitions = {}
    for partition in PARTITIONS:
        ids = {dataset.class_id(c): v for c, v in with_stage_2_train(videos)[disk_name(partition)].items()}
        mark = sha256("\n".join(sorted(v for vs in ids.values() for v in vs)).encode()).hexdigest()
        facts = PartitionFacts(classes=tuple(sorted(ids)), videos=tuple(len(ids[c]) for c in sorted(ids)))
        partitions[partition] = facts.model_copy(update={"ids_sha256": mark})
    return dataset.model_copy(update={"partitions": partitions, "splits": {"main": {}, "cls": {}}})


@pytest.fixture(autouse=True)
def _small_standard(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everybody takes the small tree for the standard."""
    small = standard("ucf", UCF_VIDEOS)
    monkeypatch.setattr(registry, "registered_datasets", lambda: {**BY_NAME, "ucf": small})
    monkeypatch.setattr(registry, "registered_dataset", lambda name: {**BY_NAME, "ucf": small}[name])


def audit(tree: SimpleNamespace) -> Audit:
    (found,) = audit_path(tree.root, list(registry.registered_datasets().values()))
    assert found.dataset == "ucf"
    return found


def checks(found: Audit) -> set[str]:
    return {f"{f.severity.value} {f.check}" for f in found.findings}


def rewrite(
    tree: SimpleNamespace, change: Callable[[dict[str, np.ndarray]], object], *places: tuple[str, str, str]
):
    """Change what class files hold: `change` gets video id -> array, in order; it may return raw (ids, arrays)."""
    for modality, partition, name in places:
        path = tree.file(modality, partition, name)
        if path.suffix == ".h5":
            with h5py.File(path) as file:
                content = dict(zip((i.decode() for i in file["video_urls"]), file["data"][()], strict=True))
        else:
            stored = pickle.loads(path.read_bytes())
            content = dict(zip((i.decode() for i in stored["video_names"]), stored["features"], strict=True))
        raw = change(content)
        write_class(path, *(raw if raw is not None else (content, list(content.values()))))


def both(partition: str, name: str, *more: str) -> list[tuple[str, str, str]]:
    return [(m, p, name) for m in ("audio", "video") for p in (partition, *more)]


ARCHERY = UCF_VIDEOS["stage_1_train"]["Archery"]


@pytest.mark.parametrize("features", EXPECTED)
def test_nothing_is_found_in_a_clean_tree(tmp_path, features):
    tree = write_plausible_tree(tmp_path, features)
    found = audit(tree)
    assert {f.check for f in found.findings} == EXPECTED[features], found.findings
    assert (found.features, found.kind, found.failed) == (features, "tree", False)
    assert found.videos == 62


def test_the_note_on_text_order_counts_as_the_published_loaders_place(tmp_path):
    (finding,) = audit(write_plausible_tree(tmp_path, "selavi")).findings
    assert finding.evidence.startswith("sorted by readable name, 79 of 101 classes get another's vector, ")


# -- faults of class files ------------------------------------------------------------------------------------


def no_file(tree):
    tree.file("audio", "stage_1_val_seen", "Archery").unlink()


def truncated(tree):
    path = tree.file("video", "stage_2_test_unseen", "BlowDryHair")
    path.write_bytes(path.read_bytes()[:100])


def link_out(tree):
    path = tree.file("audio", "stage_1_val_seen", "Archery")
    path.rename(tree.root.parent / "elsewhere.pkl")
    path.symlink_to(tree.root.parent / "elsewhere.pkl")


def id_in_both(tree):
    """A training clip is tested, too."""
    drop(tree, "v_Archery_g20_c01", both("stage_2_test_seen", "Archery"))
    add(ARCHERY[0], "stage_2_test_seen", "Archery")(tree)


def add(video, partition, name, source=None):
    def plant(tree):
        for modality in ("audio", "video"):
            array = values(source or video, modality, "clip_clap")
            rewrite(tree, lambda content, a=array: content.update({video: a}), (modality, partition, name))

    return plant


def new_class(partition, name, ids):
    def plant(tree):
        for modality in ("audio", "video"):
            rows = [values(i, modality, "clip_clap") for i in ids]
            write_class(tree.file(modality, partition, name), ids, rows)

    return plant


def drop(tree, video, places):
    def change(content):
        content.pop(video, None)

    rewrite(tree, change, *places)


def everywhere(change, name="Archery", modality="video", partitions=("stage_1_train", "stage_2_train")):
    """A change of one modality in all partitions that hold the class's training videos."""
    return lambda tree: rewrite(tree, change, *((modality, p, name) for p in partitions))


def set_first(value):
    def change(content):
        content[ARCHERY[0]] = np.full_like(content[ARCHERY[0]], value)

    return change


def one_not_finite(content):
    content[ARCHERY[0]] = content[ARCHERY[0]].copy()
    content[ARCHERY[0]][7] = np.nan


def shorter(content):
    return [*content], [*content.values()][:-1]


def repeated(content):
    ids, rows = [*content], [*content.values()]
    return [*ids, ids[0]], [*rows, rows[1].copy()]


def narrower(content):
    return [*content], [row[:-1] for row in content.values()]


def empty(content):
    content[ARCHERY[0]] = np.zeros((0,), np.float32)


def bad_id(content):
    return [b"\xff\xfe", *list(content)[1:]], [*content.values()]


def reversed_rows(content):
    return [*content][::-1], [*content.values()][::-1]


def double(content):
    content[ARCHERY[0]] = -content[ARCHERY[0]]


def as_text_of_bytes(content):
    return [repr(i.encode()) for i in content], [*content.values()]


def every_file(change, modality=None):
    def plant(tree):
        for path in sorted(tree.set.glob("*/stage*/*")):
            if modality in (None, path.parts[-3]):
                rewrite(tree, change, (path.parts[-3], path.parts[-2], path.stem))

    return plant


def constant(content):
    for array in content.values():
        array[..., 5] = 0


def shifted_partition(tree):
    rewrite(
        tree,
        lambda content: (["v_Archery_g07_c09", *list(content)[1:]], [*content.values()]),
        *both("stage_1_train", "Archery", "stage_2_train"),
    )


def remove_partition(tree):
    for modality in ("audio", "video"):
        for path in (tree.set / modality / "stage_2_test_seen").iterdir():
            path.unlink()


NO_AUDIO = {"error one-modality", "warning stage-2-train", "warning standard-counts"}

CLASS_FILES = {
    "unreadable": (
        truncated,
        {"error unreadable", "error one-modality"},
        "BlowDryHair.pkl: damaged|truncated|unsafe",
    ),
    "link": (link_out, {"error unreadable", *NO_AUDIO}, "audio/stage_1_val_seen/Archery.pkl: refused: a symbolic"),
    "no file": (no_file, NO_AUDIO, "6 videos are in visual only"),
    "two partitions": (
        id_in_both,
        {"error two-partitions", "warning standard-ids", "note shared-recordings"},
        f"stage2_train and stage2_test_seen: 1 videos: {ARCHERY[0]}",
    ),
    "two classes": (
        add(ARCHERY[0], "stage_1_val_unseen", "ApplyEyeMakeup"),
        {
            "error two-partitions",
            "error two-classes",
            "warning standard-counts",
            "note shared-recordings",
        },
        r"two-classes .*1 videos: v_Archery_g01_c01 \(A",
    ),
    "unseen class in training": (
        new_class("stage_2_train", "BlowDryHair", ["v_BlowDryHair_g11_c01", "v_BlowDryHair_g12_c01"]),
        {"error unseen-class-in-training", "warning stage-2-train", "note thin-training-class"},
        "1 unseen classes of stage 2: BlowDryHair",
    ),
    "one modality": (
        lambda tree: drop(tree, ARCHERY[0], [("audio", "stage_1_train", "Archery")]),
        {"error one-modality", "warning stage-2-train", "warning standard-counts"},
        f"stage1_train: 1 videos are in visual only: {ARCHERY[0]}",
    ),
    "row order": (
        lambda tree: rewrite(tree, reversed_rows, ("video", "stage_2_test_seen", "Archery")),
        {"note row-order"},
        "stage2_test_seen: audio and visual rows",
    ),
    "other vectors": (
        lambda tree: rewrite(tree, double, ("audio", "stage_2_train", "Archery")),
        {"error other-vectors"},
        f"audio: 1 videos: {ARCHERY[0]}",
    ),
    "stage 2 lacks": (
        lambda tree: drop(tree, ARCHERY[0], both("stage_2_train", "Archery")),
        {"warning stage-2-train", "warning standard-counts"},
        f"lacks 1 videos: {ARCHERY[0]}",
    ),
    "stage 2 adds": (
        add("v_Archery_g19_c01", "stage_2_train", "Archery"),
        {"warning stage-2-train", "warning standard-counts"},
        "adds 1 videos: v_Archery_g19_c01",
    ),
    "partition missing": (
        remove_partition,
        {"error partition-missing", "warning standard-counts"},
        "stage2_test_seen: no video",
    ),
    "class beyond list": (
        new_class("stage_1_val_seen", "YoYo", [f"v_YoYo_g0{i}_c01" for i in range(1, 8)]),
        {"warning class-beyond-list", "warning stage-2-train"},
        "1 classes with 7 videos: YoYo",
    ),
    "counts": (
        lambda tree: drop(
            tree, UCF_VIDEOS["stage_2_test_seen"]["Archery"][0], both("stage_2_test_seen", "Archery")
        ),
        {"warning standard-counts", "note thin-class"},
        "17 videos, standard 18; other counts in 1 classes: Archery 5 of 6",
    ),
    "ids": (shifted_partition, {"warning standard-ids"}, "sha256 of the ids is"),
    "recordings": (
        lambda tree: rewrite(
            tree,
            lambda c: (["v_Archery_g01_c07", *list(c)[1:]], [*c.values()]),
            *both("stage_2_test_seen", "Archery"),
        ),
        {"note shared-recordings", "warning standard-ids"},
        "1 of 18 videos are of recordings that are also in stage2_train, such as v_Archery_g01_c07",
    ),
    "ids without recordings": (
        lambda tree: rewrite(
            tree,
            lambda c: (["my_video", *list(c)[1:]], [*c.values()]),
            *both("stage_2_test_seen", "Archery"),
        ),
        {"note recordings-unknown", "warning standard-ids"},
        "1 ids do not name the recording: my_video",
    ),
    "not finite": (everywhere(one_not_finite), {"error not-finite"}, f"visual: 1 videos hold .*: {ARCHERY[0]}"),
    "zero": (everywhere(set_first(0)), {"warning zero-vector"}, f"visual: 1 videos are all zero: {ARCHERY[0]}"),
    "constant dimension": (
        every_file(constant, "audio"),
        {"warning constant-dimension"},
        "audio: 1 of 1024 dimensions never change, 1 of them are always zero: 5",
    ),
    "near duplicate": (
        lambda tree: [
            rewrite(
                tree,
                lambda c, m=m: c.update({next(iter(c)): values(ARCHERY[3], m, "clip_clap") * np.float32(1.001)}),
                (m, "stage_2_test_seen", "Archery"),
            )
            for m in ("audio", "video")
        ],
        {"warning near-duplicate"},
        f"1 scored videos are as a training video: v_Archery_g20_c01 and {ARCHERY[3]}",
    ),
    "slipped ids": (
        everywhere(shorter, modality="audio", partitions=("stage_1_train",)),
        {"error ids-and-features", "error one-modality", "warning stage-2-train", "warning standard-counts"},
        "Archery.pkl: 7 features for 8 video ids",
    ),
    "repeated id": (everywhere(repeated), {"error repeated-id"}, f"1 rows: {ARCHERY[0]}"),
    "width": (
        everywhere(narrower),
        {"error width", "error one-modality"},
        r"8 of 8 videos, expected width 512: .* has shape \(511,\)",
    ),
    "empty": (
        everywhere(empty),
        {"error empty-sequence", "error one-modality"},
        f"1 videos without steps: {ARCHERY[0]}",
    ),
    "video id": (everywhere(bad_id), {"error video-id", "error one-modality"}, "1 of 8 rows have no proper id: 0"),
    "ids as text of bytes": (every_file(as_text_of_bytes), set(), ""),
    "unknown class": (
        new_class("stage_1_train", "Juggling Bears", ["v_X_g01_c01"]),
        {"error unknown-class"},
        "'Juggling Bears' is no class of ucf",
    ),
    "class file twice": (
        new_class("stage_1_train", "archery", ["v_Archery_g09_c01"]),
        {"error class-file-twice"},
        "'Archery' and 'archery' are the same class",
    ),
    "value range": (
        every_file(lambda c: c.update({k: v * 3 for k, v in c.items()}), "audio"),
        {"warning value-range"},
        "audio: 62 of 62|vectors have not length 1",
    ),
}


@pytest.mark.parametrize("fault", CLASS_FILES)
def test_faults_of_class_files(tmp_path, fault):
    plant, expected, evidence = CLASS_FILES[fault]
    tree = write_plausible_tree(tmp_path / "tree", "clip_clap")
    shutil.rmtree(tree.lists)  # what the csvs would tell of most of these has tests of its own
    plant(tree)
    found = audit(tree)
    assert checks(found) == expected, found.findings
    lines = [f"{f.check} {f.where}: {f.evidence}" for f in found.findings]
    assert not evidence or any(re.search(evidence, line) for line in lines), lines
    assert all(f.effect and f.advice for f in found.findings)


def replaced(file, name, value):
    del file[name]
    file[name] = value


@pytest.mark.parametrize(
    ("change", "expected", "evidence"),
    [
        (lambda f: replaced(f, "data", f["data"][:-1]), "error ids-and-features", "5 features for 6 video ids"),
        (lambda f: replaced(f, "data", f["data"][:, :-1]), "error width", "6 of 6 videos, expected width 512"),
        (lambda f: replaced(f, "data", f["data"][0]), "error unreadable", "'data' has shape"),
        (lambda f: f["data"].__setitem__((2, 3), np.inf), "error not-finite", "v_Archery_g22_c01"),
        (lambda f: f["video_urls"].__setitem__(1, b"v_Archery_g20_c01"), "error repeated-id", "v_Archery_g20_c01"),
        (lambda f: f.pop("video_urls"), "error unreadable", "has no dataset 'video_urls'"),
        (lambda f: replaced(f, "data", h5py.ExternalLink("/elsewhere.h5", "x")), "error unreadable", "refused"),
    ],
)
def test_faults_of_hdf5_files(tmp_path, change, expected, evidence):
    tree = write_plausible_tree(tmp_path, "selavi")
    with h5py.File(tree.file("audio", "stage_2_test_seen", "Archery"), "a") as file:
        change(file)
    found = audit(tree)
    (finding,) = (f for f in found.findings if f"{f.severity.value} {f.check}" == expected)
    assert evidence in finding.evidence
    follows = {"note text-order", "note thin-class", "error one-modality"}
    assert checks(found) <= {expected, *follows, "warning csv-and-features", "warning standard-counts"}


def test_one_fault_does_not_hide_another(tmp_path):
    tree = write_plausible_tree(tmp_path / "tree", "clip_clap")
    for plant in (truncated, everywhere(one_not_finite), everywhere(repeated, name="Bowling"), remove_partition):
        plant(tree)
    errors = {f.check for f in audit(tree).findings if f.severity.value == "error"}
    assert errors == {"unreadable", "not-finite", "repeated-id", "partition-missing", "one-modality"}


@pytest.mark.parametrize(
    ("features", "change", "modality", "expected"),
    [
        ("c3d_vggish", lambda v: v / 255, "audio", "values up to 1"),
        ("c3d_vggish", lambda v: v * 2, "audio", "values from 0 to 510; VGGish"),
        ("c3d_vggish", lambda v: v - 1, "video", "values from -1 to .*C3D's are not negative"),
        ("selavi", lambda v: v / np.linalg.norm(v), "video", "all vectors have length 1; those of selavi"),
    ],
)
def test_values_that_betray_another_feature_set(tmp_path, features, change, modality, expected):
    tree = write_plausible_tree(tmp_path, features)
    every_file(lambda c: c.update({k: change(v).astype(np.float32) for k, v in c.items()}), modality)(tree)
    (finding,) = (f for f in audit(tree).findings if f.check == "value-range")
    assert re.search(expected, finding.evidence)


def test_folders_that_are_swapped(tmp_path):
    tree = write_plausible_tree(tmp_path, "c3d_vggish")
    tree.set.rename(tree.set.with_name("main_features"))
    (finding,) = (f for f in audit(tree).findings if f.check == "folder-name")
    assert finding.evidence == "main_features holds c3d_vggish (widths 128/4096)"


def test_widths_of_no_known_set(tmp_path):
    tree = write_plausible_tree(tmp_path, "clip_clap")
    every_file(lambda c: c.update({k: v[:100] for k, v in c.items()}), "audio")(tree)
    found = audit(tree)
    assert "error unknown-feature-set" in checks(found)
    assert found.features == "unknown"


def test_selavi_saw_vggsound(tmp_path):
    facts = BY_NAME["vggsound"]
    names = {p: [facts.class_names[facts.partitions[p].classes[0]]] for p in PARTITIONS}
    videos = {
        disk_name(p): {n: [f"{p[:6]}{k:05d}_000030" for k in range(i, i + 7)] for n in names[p]}
        for i, p in enumerate(PARTITIONS)
        if p != "stage2_train"
    }
    tree = write_plausible_tree(tmp_path, "selavi", "vggsound", videos)
    (found,) = audit_path(tree.root, list(BY_NAME.values()))
    assert "note pre-training" in checks(found)


def test_vggsound_clips_that_overlap_in_time(tmp_path):
    facts = BY_NAME["vggsound"]
    train, unseen, test = (
        facts.class_names[facts.partitions[p].classes[0]]
        for p in ("stage1_train", "stage1_val_unseen", "stage2_test_unseen")
    )
    videos = {
        "stage_1_train": {train: ["aaaaaaaaaaa_000030", "bbbbbbbbbbb_000030", "ccccccccccc_000001"]},
        "stage_1_val_seen": {train: ["ddddddddddd_000001"]},
        "stage_1_val_unseen": {unseen: ["eeeeeeeeeee_000001"]},
        # 9 seconds after, 10 seconds before, and in another recording at the same time
        "stage_2_test_seen": {train: ["aaaaaaaaaaa_000039", "bbbbbbbbbbb_000020", "fffffffffff_000030"]},
        "stage_2_test_unseen": {test: ["ggggggggggg_000001"]},
    }
    tree = write_plausible_tree(tmp_path, "clip_clap", "vggsound", videos)
    (found,) = audit_path(tree.root, list(BY_NAME.values()))
    (finding,) = (f for f in found.findings if f.check == "shared-recordings")
    assert finding.where == "stage2_test_seen"
    assert finding.evidence.startswith(
        "2 of 3 videos are of recordings that are also in stage2_train; 1 of them even"
    )


# -- faults of text files ---------------------------------------------------------------------------------------


def edit_text(tree, change):
    for path in tree.texts:
        words = np.load(path, allow_pickle=True).item()
        change(words)
        np.save(path, np.array(words, dtype=object), allow_pickle=True)


def swap_words(words):
    words["Archery"], words["Bowling"] = words["Bowling"], words["Archery"]


TEXTS = {
    "missing": (lambda w: w.pop("Archery"), "error text-file", "no vector for 1 classes, such as 'Archery'"),
    "unknown": (lambda w: w.update({"Dragons": w["Archery"][::-1]}), "error text-file", "such as 'Dragons'"),
    "no vector": (lambda w: w.update({"Archery": "text"}), "error text-file", "1 entries are no vectors"),
    "not finite": (
        lambda w: w["Archery"].__setitem__(3, np.inf),
        "error text-vector",
        "1 vectors are zero",
    ),
    "zero": (lambda w: w["Archery"].fill(0), "error text-vector", "1 vectors are zero .*: Archery"),
    "equal": (lambda w: w.update({"Archery": w["Bowling"]}), "warning text-equal", "2 vectors are not unique"),
    "norm": (lambda w: w.update({k: 2 * v for k, v in w.items()}), "warning text-norm", "101 of 101 .* 2 to 2"),
    "rows": (swap_words, "error text-rows", "2 of 101 published .*: Archery has that of Bowling"),
}


@pytest.mark.parametrize("fault", TEXTS)
def test_faults_of_text_files(tmp_path, fault, monkeypatch):
    change, expected, evidence = TEXTS[fault]
    marks = [vector_mark(word_vector(key, 300)) for key in text_keys(BY_NAME["ucf"], "selavi")]
    monkeypatch.setattr(text_rows, "_published", lambda: {"ucf": marks})
    tree = write_plausible_tree(tmp_path, "selavi")
    assert checks(audit(tree)) == {"note text-order"}
    edit_text(tree, change)
    found = audit(tree)
    assert expected in checks(found), found.findings
    rest = checks(found) - {expected, "note text-order"}
    assert rest <= (
        {"error text-rows"} if fault == "equal" else {"error text-file"} if fault == "no vector" else set()
    )
    assert any(re.search(evidence, f.evidence) for f in found.findings), found.findings


def test_text_files_that_are_not_there_or_two(tmp_path):
    tree = write_plausible_tree(tmp_path, "clip_clap")
    tree.texts[0].unlink()
    (finding,) = audit(tree).findings
    assert finding.evidence == "0 files with vectors of width 512 (clip), expected one"
    tree = write_plausible_tree(tmp_path, "clip_clap")
    tree.texts[0].with_name("more.npy").write_bytes(tree.texts[0].read_bytes())
    (finding,) = audit(tree).findings
    assert finding.evidence == "2 files with vectors of width 512 (clip), expected one"


def test_a_text_file_that_cannot_be_read(tmp_path):
    tree = write_plausible_tree(tmp_path, "selavi")
    tree.texts[0].write_bytes(b"\x93NUMPY?")
    assert checks(audit(tree)) == {"error text-file"}


def test_official_word_vectors_are_known_by_class(shared):
    for name, folder, word in (
        ("ucf", "UCF", "ucf"),
        ("vggsound", "VGGSound", "vggsound"),
        ("activitynet", "ActivityNet", "activity"),
    ):
        path = shared / "data/official" / folder / "w2v_features" / f"word_embeddings_{word}_normed.npy"
        words = np.load(path, allow_pickle=True).item()
        vectors = np.stack([words[c.readable] for c in BY_NAME[name].classes])
        held = text_rows.published_classes(BY_NAME[name], vectors)
        assert np.array_equal(held, np.arange(len(vectors)))
        rows = np.array(sorted(range(len(vectors)), key=lambda i: BY_NAME[name].classes[i].readable))
        held = text_rows.published_classes(BY_NAME[name], vectors[rows])
        assert (held != np.arange(len(rows))).sum() == {"ucf": 79, "vggsound": 205, "activitynet": 8}[name]


# -- faults of lists --------------------------------------------------------------------------------------------


def edit_csv(tree, stem, change):
    path = tree.lists / f"{tree.split}_split" / f"{stem}.csv"
    with path.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    rows = change(rows) or rows
    with path.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def txt(tree, stem="stage_1_train"):
    return tree.lists / f"{tree.split}_split" / f"{stem}.txt"


def row(video, label, code):
    return {"filename": video, "label": label, "label_code": str(code)}


def code_of_first(rows):
    rows[0]["label_code"] = "99"


def spell(tree):
    names = (tree.lists / "all_class.txt").read_text()
    assert "HandstandPushups\n" in names
    edit = txt(tree)
    edit.write_text(edit.read_text() + "HandStandPushups\n")


def rename_readable(tree):
    path = tree.lists / "ucf_w2v_class_names.csv"
    path.write_text(path.read_text().replace("Baby Crawling", "Crawling Baby"))


def unsort(tree):
    path = tree.lists / "all_class.txt"
    lines = path.read_text().splitlines()
    path.write_text("\n".join([lines[1], lines[0], *lines[2:]]) + "\n")


LISTS = {
    "csv beyond list": (
        lambda tree: edit_csv(tree, "stage_1_train", lambda rows: [*rows, row("v_YoYo_g01_c01", "YoYo", 100)]),
        {"warning csv-beyond-list", "warning csv-and-features"},
        "1 classes with 1 videos that the list leaves out: YoYo",
    ),
    "label code": (
        lambda tree: edit_csv(tree, "stage_1_train", code_of_first),
        {"warning label-code"},
        r"1 of 16 rows: v_Archery_g01_c01 \(Archery 99\)",
    ),
    "a row twice": (
        lambda tree: edit_csv(tree, "stage_1_train", lambda rows: [*rows, rows[0]]),
        {"warning csv-ids"},
        "1 videos occur twice: v_Archery_g01_c01",
    ),
    "two labels": (
        lambda tree: edit_csv(
            tree, "stage_1_train", lambda rows: [*rows, row(rows[0]["filename"], "Bowling", 15)]
        ),
        {"warning csv-ids"},
        "1 videos have two labels: v_Archery_g01_c01",
    ),
    "csv and features": (
        lambda tree: edit_csv(tree, "stage_1_train", lambda rows: [*rows, row("v_Archery_g19_c01", "Archery", 2)]),
        {"warning csv-and-features", "warning standard-counts"},
        "stage1_train, audio and visual: 1 of 17 have no features, such as v_Archery_g19_c01",
    ),
    "class list": (
        lambda tree: txt(tree).write_text("Archery\nYoYo\n"),
        {"warning class-list", "warning csv-beyond-list"},
        "lacks 1 classes: Bowling; adds 1 classes: YoYo",
    ),
    "unknown class": (
        lambda tree: txt(tree).write_text("Archery\nBowling\nDragons\n"),
        {"warning class-list"},
        "1 names of no class: Dragons",
    ),
    "no final line feed": (
        lambda tree: txt(tree).write_text("Archery\nBowling"),
        {"note no-final-line-feed"},
        "2 names, 1 line feeds",
    ),
    "class order": (unsort, {"note class-order"}, "2 of 101 lines are not in sorted order"),
    "all classes": (
        lambda tree: (tree.lists / "all_class.txt").write_text("Archery\n"),
        {"warning class-list"},
        "1 names, not those of ucf",
    ),
    "spelling": (
        spell,
        {"note class-spelling", "warning class-list"},
        "HandStandPushups in 1 lists is HandstandPushups in all_class.txt",
    ),
    "readable names": (
        rename_readable,
        {"warning readable-names"},
        "1 names: 'BabyCrawling' is called 'Crawling Baby'",
    ),
    "no such column": (
        lambda tree: txt(tree).with_suffix(".csv").write_text("a,b\n1,2\n"),
        {"warning list-unreadable"},
        "has no column 'filename'",
    ),
    "not text": (lambda tree: txt(tree).write_bytes(b"\xff"), {"warning list-unreadable"}, "not UTF-8"),
    "a link": (
        lambda tree: (txt(tree).unlink(), txt(tree).symlink_to(__file__)),
        {"warning list-unreadable"},
        "refused: a symbolic link",
    ),
}


@pytest.mark.parametrize("fault", LISTS)
def test_faults_of_lists(tmp_path, fault):
    plant, expected, evidence = LISTS[fault]
    tree = write_plausible_tree(tmp_path, "clip_clap")
    plant(tree)
    found = audit(tree)
    assert checks(found) == expected, found.findings
    assert any(re.search(evidence, f"{f.where}: {f.evidence}") for f in found.findings), found.findings


def test_classes_that_cls_drops_are_a_note(tmp_path, monkeypatch):
    """As in the published data: the csvs and folders of cls hold classes that only the list of main has."""
    small = registry.registered_dataset("ucf")
    videos = {
        **UCF_VIDEOS,
        "stage_2_test_unseen": {"BlowDryHair": UCF_VIDEOS["stage_2_test_unseen"]["BlowDryHair"]},
    }
    videos["stage_2_test_unseen"] = {
        **videos["stage_2_test_unseen"],
        "Typing": [f"v_Typing_g0{i}_c01" for i in range(7)],
    }
    kept = small.partitions["stage2_test_unseen"]
    whole = standard("ucf", videos).partitions["stage2_test_unseen"]
    changed = small.model_copy(
        update={
            "partitions": {**small.partitions, "stage2_test_unseen": whole},
            "splits": {"main": {}, "cls": {"stage2_test_unseen": kept}},
        }
    )
    monkeypatch.setattr(registry, "registered_datasets", lambda: {"ucf": changed})
    tree = write_plausible_tree(tmp_path, "clip_clap", "ucf", videos)
    txt(tree, "stage_2_test_unseen").write_text("BlowDryHair\n")
    found = audit(tree)
    assert checks(found) == {"note class-beyond-list", "note csv-beyond-list"}
    assert all("1 classes with 7 videos" in f.evidence and "Typing" in f.evidence for f in found.findings)


# -- caches -----------------------------------------------------------------------------------------------------

PHASES = {
    "training": ("stage_1_train",),
    "val": ("stage_1_val_seen", "stage_1_val_unseen"),
    "train_val": ("stage_1_train", "stage_1_val_seen", "stage_1_val_unseen"),
    "test": ("stage_2_test_seen", "stage_2_test_unseen"),
}


def write_caches(
    folder: Path, features: str, change: Callable[[str, dict], None] = lambda phase, parts: None
) -> None:
    """As the published programs write them: tensors for averaged features, lists of arrays for the others."""
    small = BY_NAME["ucf"]
    split = "main" if features.startswith("selavi") else "cls"
    order = sorted(range(101), key=lambda i: text_keys(small, features)[i])
    for phase, partitions in PHASES.items():
        videos = [(small.class_id(c), i) for p in partitions for c, ids in UCF_VIDEOS[p].items() for i in ids]
        target = torch.tensor([label for label, _ in videos])
        parts = {}
        for name in ("audio", "video"):
            rows = [values(i, name, features) for _, i in videos]
            averaged = features in ("selavi", "c3d_vggish")
            url = np.array([i if averaged else repr(i.encode()) for _, i in videos])
            data = torch.from_numpy(np.stack(rows)) if averaged else rows
            parts[name] = {"data": data, "target": target, "url": url}
        width = 300 if averaged else 512
        text = np.stack([word_vector(text_keys(small, features)[i], width) for i in order])
        parts["text"] = {
            "data": torch.from_numpy(text) if averaged else list(text),
            "target": torch.tensor(order),
            "url": np.array([]),
        }
        change(phase, parts)
        path = folder / "_features_processed" / f"{split}_features" / f"{phase}{split}_split.pkl"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(pickle.dumps(parts))


def test_a_clean_cache(tmp_path):
    write_caches(tmp_path, "clip_clap")
    found = audit(SimpleNamespace(root=tmp_path))
    assert checks(found) == {"note id-as-bytes"}, found.findings
    assert (found.kind, found.features, found.videos) == ("cache", "clip_clap", 62)


def test_misaligned_text_rows_of_a_cache(tmp_path):
    """What the published code caches: rows sorted by readable name, of which `target` tells the true class."""
    write_caches(tmp_path, "selavi")
    found = audit(SimpleNamespace(root=tmp_path))
    assert checks(found) == {"error text-target"}
    assert len(found.findings) == 4, "each cache has the text"
    evidence = found.findings[0].evidence
    assert evidence.startswith("target is not 0 to C-1: 79 of 101 rows; CleanAndJerk holds that of CliffDiving")


@pytest.mark.parametrize(
    ("change", "expected", "evidence"),
    [
        (
            lambda p, parts: parts["audio"].update(url=parts["audio"]["url"][::-1]),
            "error cache-pairs",
            "rows of audio",
        ),
        (
            lambda p, parts: parts["audio"].update(url=parts["audio"]["url"][1:]),
            "error cache-form",
            "have lengths",
        ),
        (lambda p, parts: parts.pop("text") if p == "val" else None, "error unreadable", "part 'text'"),
        (
            lambda p, parts: parts["audio"]["data"].__setitem__((0, 0), float("nan")) if p == "test" else None,
            "error not-finite",
            "audio|1 videos",
        ),
    ],
)
def test_faults_of_caches(tmp_path, change, expected, evidence):
    write_caches(tmp_path, "selavi", change)
    found = audit(SimpleNamespace(root=tmp_path))
    assert expected in checks(found), found.findings
    assert any(re.search(evidence, f.evidence) for f in found.findings if f.check in expected)


def test_a_single_cache_file(tmp_path):
    write_caches(tmp_path, "selavi")
    path = next(tmp_path.rglob("testmain_split.pkl"))
    (found,) = audit_path(path, list(registry.registered_datasets().values()))
    assert checks(found) == {"error text-target"}
    assert found.videos == 26


# -- stores -----------------------------------------------------------------------------------------------------


@pytest.fixture
def stored(tmp_path):
    write_plausible_tree(tmp_path / "in", "clip_clap")
    (result,) = import_tree(tmp_path / "in", tmp_path / "data", force=False)
    return result.path


def test_nothing_is_found_in_a_clean_store(stored):
    found = audit_store(read_header(stored), registry.registered_dataset("ucf"))
    assert found.findings == ()
    assert (found.kind, found.features, found.videos) == ("store", "clip_clap", 62)


def test_faults_of_a_store(stored):
    with h5py.File(stored, "a") as file:
        file["audio"][0] = 0
        file["partition"][0] |= 1 << PARTITIONS.index("stage2_test_seen")
    found = audit_store(read_header(stored), registry.registered_dataset("ucf"))
    assert {"error fingerprint", "error two-partitions", "warning zero-vector"} <= checks(found), found.findings


# -- the command ------------------------------------------------------------------------------------------------


def call(*arguments: object):
    return CliRunner().invoke(main, ["data", "audit", *map(str, arguments)])


def test_the_command(tmp_path, stored):
    clean, faulty = tmp_path / "in", tmp_path / "faulty"
    result = call(clean)
    assert (result.exit_code, result.stdout.splitlines()[-1]) == (0, "nothing found")
    everywhere(one_not_finite)(write_plausible_tree(faulty, "clip_clap"))
    result = call(faulty)
    assert result.exit_code == 1, "errors"
    assert "error: not-finite" in result.stdout
    assert "    effect: " in result.stdout
    assert "    do: " in result.stdout
    (shown,) = json.loads(call(faulty, "--json").stdout)
    assert shown["counts"] == {"error": 1, "warning": 0, "note": 0}
    (finding,) = shown["findings"]
    assert set(finding) == {"check", "severity", "where", "evidence", "effect", "advice"}
    root = stored.parents[2]
    for options in ((), ("--dataset", "ucf"), ("--dataset", "ucf", "--features", "clip_clap")):
        result = call(*options, "--data-root", root)
        assert (result.exit_code, result.stdout.splitlines()[-1]) == (0, "nothing found"), result.output
    before = {p: (p.stat().st_mtime_ns, p.stat().st_size) for p in tmp_path.rglob("*")}
    call(faulty)
    assert before == {p: (p.stat().st_mtime_ns, p.stat().st_size) for p in tmp_path.rglob("*")}


def test_warnings_alone_do_not_fail(tmp_path):
    tree = write_plausible_tree(tmp_path, "clip_clap")
    everywhere(set_first(0))(tree)
    assert call(tmp_path).exit_code == 0


def test_what_cannot_be_audited_is_told_in_one_line(tmp_path):
    cases = {
        (tmp_path / "nothing",): "no such file or folder",
        (tmp_path,): "nothing recognised",
        (tmp_path, "--dataset", "ucf"): "leave out DIR",
        ("--data-root", tmp_path): "not installed",
        ("--data-root", tmp_path, "--features", "selawi"): "did you mean 'selavi'",
    }
    for arguments, said in cases.items():
        result = call(*arguments)
        assert result.exit_code == 2, arguments
        (line,) = (line for line in result.stderr.splitlines() if line.startswith("error: "))
        assert said in line


def test_control_characters_of_names_do_not_reach_the_terminal(tmp_path):
    tree = write_plausible_tree(tmp_path, "clip_clap")
    txt(tree).write_text("Archery\nBowling\nDra\x1b[31mgons\n")
    assert "\x1b" not in call(tmp_path).stdout


def test_the_official_sample_trees_have_what_they_are_known_for(shared, monkeypatch):
    monkeypatch.setattr(registry, "registered_datasets", lambda: BY_NAME)
    for layout in ("avca", "tcaf", "clipclap"):
        (found,) = audit_path(shared / "data" / "trees" / layout, list(BY_NAME.values()))
        expected = {"note class-spelling", "note csv-beyond-list", "note shared-recordings", "note thin-class"}
        expected |= {"warning standard-counts", "warning csv-and-features"}  # a few per cent of the videos
        expected |= {"note class-beyond-list"} if layout == "clipclap" else {"note text-order"}
        assert checks(found) == expected, found.findings


@pytest.mark.slow
def test_the_whole_of_ucf_has_notes_and_nothing_else(shared, tmp_path):
    """The published lists and ids at full size, with plausible values."""
    lists = shared / "data" / "official" / "UCF" / "class-split" / "main_split"
    videos: TREE = {}
    for partition in PARTITIONS:
        with (lists / f"{disk_name(partition)}.csv").open(newline="") as stream:
            for line in csv.DictReader(stream):
                videos.setdefault(disk_name(partition), {}).setdefault(line["label"], []).append(line["filename"])
    tree = write_plausible_tree(tmp_path, "selavi", "ucf", videos)
    (found,) = audit_path(tree.root, list(BY_NAME.values()))
    assert found.videos == 6816
    notes = ("text-order", "class-spelling", "shared-recordings", "ucf-last-clips")
    assert checks(found) == {f"note {name}" for name in notes}
    evidence = {f"{f.check} {f.where}": f.evidence for f in found.findings}
    assert evidence["shared-recordings stage2_test_seen"].startswith("555 of 555 videos are")
    assert evidence["shared-recordings stage1_val_seen"].startswith("353 of 353 videos are")
    (order,) = (text for name, text in evidence.items() if name.startswith("text-order"))
    assert "79 of 101 classes get another's vector, 36 of the 51 in use (main), 5 of them unseen" in order


def mutate(path: Path, random: np.random.Generator) -> None:
    """Damage a file somewhere: cut it, or change some bytes."""
    content = bytearray(path.read_bytes())
    if random.random() < 0.3:
        del content[int(random.integers(len(content))) :]
    for at in random.integers(0, max(len(content), 1), int(random.integers(1, 20))):
        content[at : at + 1] = bytes(random.integers(0, 256, 1).tolist())
    path.write_bytes(bytes(content))


@pytest.mark.parametrize("features", ["clip_clap", "selavi", "selavi_seq"])
@pytest.mark.parametrize("seed", range(3))
def test_damaged_files_are_findings_never_crashes(tmp_path, features, seed):
    random = np.random.default_rng(seed)
    tree = write_plausible_tree(tmp_path, features)
    write_caches(tmp_path, features)
    paths = [path for path in sorted(tmp_path.rglob("*")) if path.is_file()]
    for path in random.choice(np.array(paths, dtype=object), len(paths) // 2, replace=False):
        mutate(path, random)
    audits = audit_path(tree.root, list(registry.registered_datasets().values()))
    assert any(item.findings for item in audits)


def test_not_a_folder_is_a_data_error(tmp_path):
    with pytest.raises(DataError, match="nothing recognised"):
        audit_path(tmp_path, [])
