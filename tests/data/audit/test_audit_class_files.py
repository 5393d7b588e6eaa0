"""Each known fault of class files and partitions, planted in a sound tree, is found."""

from __future__ import annotations

import re
import shutil

import h5py
import numpy as np
import pytest
from audit_faults import (
    ARCHERY,
    audit,
    both,
    changed,
    checks,
    every_file,
    everywhere,
    evidence,
    one_not_finite,
    set_first,
)
from plausible_tree import write_plausible_tree
from published_tree import vector, write_class

from avgzsl_bench.data.datasets import registry

TEST, VAL_UNSEEN = both("stage_2_test_seen", "Archery"), both("stage_1_val_unseen", "ApplyEyeMakeup")
TRAIN, STAGE_2 = both("stage_1_train", "Archery"), both("stage_2_train", "Archery")


def no_file(tree):
    tree.file("audio", "stage_1_val_seen", "Archery").unlink()


def truncated(tree):
    path = tree.file("video", "stage_2_test_unseen", "BlowDryHair")
    path.write_bytes(path.read_bytes()[:100])


def link_out(tree):
    path = tree.file("audio", "stage_1_val_seen", "Archery")
    path.symlink_to(path.rename(tree.root.parent / "elsewhere.pkl"))


def id_in_both(tree):
    """A training clip is tested, too."""
    dropped("v_Archery_g20_c01", *TEST)(tree)
    added(ARCHERY[0], *TEST)(tree)


def dropped(video, *places):
    def change(content):
        content.pop(video, None)

    return changed(change, *places)


def added(video, *places, source=None, scale=1.0):
    def plant(tree):
        for place in places:
            array = vector(source or video, place[0], "clip_clap") * np.float32(scale)
            changed(lambda content, a=array: content.update({video: a}), place)(tree)

    return plant


def new_class(partition, name, *ids):
    def plant(tree):
        for place in both(partition, name):
            write_class(tree.file(*place), ids, [vector(i, place[0], "clip_clap") for i in ids])

    return plant


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


def negated(content):
    content[ARCHERY[0]] = -content[ARCHERY[0]]


def as_text_of_bytes(content):
    return [repr(i.encode()) for i in content], [*content.values()]


def constant(content):
    for array in content.values():
        array[..., 5] = 0


def first_called(video, *places):
    return changed(lambda c: ([video, *list(c)[1:]], [*c.values()]), *places)


def remove_partition(tree):
    for modality in ("audio", "video"):
        for path in (tree.set / modality / "stage_2_test_seen").iterdir():
            path.unlink()


COUNTS = "warning standard-counts"
NO_AUDIO = {"error one-modality", "warning stage-2-train", COUNTS}

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
        added(ARCHERY[0], *VAL_UNSEEN),
        {"error two-partitions", "error two-classes", COUNTS, "note shared-recordings"},
        r"two-classes .*1 videos: v_Archery_g01_c01 \(A",
    ),
    "unseen class in training": (
        new_class("stage_2_train", "BlowDryHair", "v_BlowDryHair_g11_c01", "v_BlowDryHair_g12_c01"),
        {"error unseen-class-in-training", "warning stage-2-train", "note thin-training-class"},
        "1 unseen classes of stage 2: BlowDryHair",
    ),
    "one modality": (
        dropped(ARCHERY[0], TRAIN[0]),
        NO_AUDIO,
        f"stage1_train: 1 videos are in visual only: {ARCHERY[0]}",
    ),
    "row order": (changed(reversed_rows, TEST[1]), {"note row-order"}, "stage2_test_seen: audio and visual rows"),
    "other vectors": (changed(negated, STAGE_2[0]), {"error other-vectors"}, f"audio: 1 videos: {ARCHERY[0]}"),
    "stage 2 lacks": (
        dropped(ARCHERY[0], *STAGE_2),
        {"warning stage-2-train", COUNTS},
        f"lacks 1 videos: {ARCHERY[0]}",
    ),
    "stage 2 adds": (
        added("v_Archery_g19_c01", *STAGE_2),
        {"warning stage-2-train", COUNTS},
        "adds 1 videos: v_Archery_g19_c01",
    ),
    "partition missing": (remove_partition, {"error partition-missing", COUNTS}, "seen: no video"),
    "class beyond list": (
        new_class("stage_1_val_seen", "YoYo", *(f"v_YoYo_g0{i}_c01" for i in range(1, 8))),
        {"warning class-beyond-list", "warning stage-2-train"},
        "1 classes with 7 videos: YoYo",
    ),
    "counts": (
        dropped("v_Archery_g20_c01", *TEST),
        {COUNTS, "note thin-class"},
        "17 videos, standard 18; other counts in 1 classes: Archery 5 of 6",
    ),
    "ids": (first_called("v_Archery_g07_c09", *TRAIN, *STAGE_2), {"warning standard-ids"}, "sha256 of the ids is"),
    "recordings": (
        first_called("v_Archery_g01_c07", *TEST),
        {"note shared-recordings", "warning standard-ids"},
        "1 of 18 videos are of recordings that are also in stage2_train, such as v_Archery_g01_c07",
    ),
    "ids without recordings": (
        first_called("my_video", *TEST),
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
        added("v_Archery_g20_c01", *TEST, source=ARCHERY[3], scale=1.001),
        {"warning near-duplicate"},
        f"1 scored videos are almost equal to a training video: v_Archery_g20_c01 and {ARCHERY[3]}",
    ),
    "slipped ids": (
        changed(shorter, TRAIN[0]),
        {"error ids-and-features", *NO_AUDIO},
        "Archery.pkl: 7 features for 8 video ids",
    ),
    "repeated id": (everywhere(repeated), {"error repeated-id"}, f"1 rows: {ARCHERY[0]}"),
    "width": (
        everywhere(narrower),
        {"error width", "error one-modality"},
        r"8 of 8 videos, expected width 512: .* has shape \(511,\)",
    ),
    "empty": (everywhere(empty), {"error empty-sequence", "error one-modality"}, f"without steps: {ARCHERY[0]}"),
    "video id": (everywhere(bad_id), {"error video-id", "error one-modality"}, "1 of 8 rows have no proper id: 0"),
    "ids as text of bytes": (every_file(as_text_of_bytes), set(), ""),
    "unknown class": (
        new_class("stage_1_train", "Juggling Bears", "v_X_g01_c01"),
        {"error unknown-class"},
        "'Juggling Bears' is no class of ucf",
    ),
    "class file twice": (
        new_class("stage_1_train", "archery", "v_Archery_g09_c01"),
        {"error class-file-twice"},
        "'Archery' and 'archery' are the same class",
    ),
    "value range": (
        every_file(lambda c: c.update({k: v * 3 for k, v in c.items()}), "audio"),
        {"warning value-range"},
        "audio: 62 of 62|vectors do not have length 1",
    ),
}


@pytest.mark.parametrize("fault", CLASS_FILES)
def test_faults_of_class_files(tmp_path, fault):
    plant, expected, reason = CLASS_FILES[fault]
    tree = write_plausible_tree(tmp_path / "tree", "clip_clap")
    shutil.rmtree(tree.lists)  # csvs have tests of their own
    plant(tree)
    found = audit(tree)
    assert checks(found) == expected, found.findings
    lines = [f"{f.check} {f.where}: {f.evidence}" for f in found.findings]
    assert not reason or any(re.search(reason, line) for line in lines), lines
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


def test_the_advice_on_recordings_fits_a_dataset_without_a_rule(tmp_path, monkeypatch):
    without = registry.registered_datasets()["ucf"].model_copy(update={"recording": None})
    monkeypatch.setattr(registry, "registered_datasets", lambda: {"ucf": without})
    (finding,) = audit(write_plausible_tree(tmp_path, "clip_clap")).findings
    assert finding.check == "recordings-unknown"
    assert finding.advice.startswith("keep videos of one recording in one partition")


def test_a_partition_that_is_a_link_to_itself_is_reported(tmp_path):
    tree = write_plausible_tree(tmp_path, "clip_clap")
    place = tree.set / "audio" / "stage_2_train"
    shutil.rmtree(place)
    place.symlink_to(place)
    (text,) = evidence(audit(tree), "unreadable")
    assert text == "audio/stage_2_train: refused: a symbolic link that leads nowhere"
