"""Each known fault of class files and partitions, planted in a sound tree, is found."""

from __future__ import annotations

import shutil

import h5py
import numpy as np
import pytest
from audit_faults import (
    ARCHERY,
    assert_finds,
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


def rewritten(change):
    """A change of the lists of ids and of rows, which need not be of one length then."""
    return lambda content: change([*content], [*content.values()])


repeated = rewritten(lambda ids, rows: ([*ids, ids[0]], [*rows, rows[1].copy()]))


def constant(content):
    for array in content.values():
        array[..., 5] = 0


def first_called(video, *places):
    return changed(rewritten(lambda ids, rows: ([video, *ids[1:]], rows)), *places)


def remove_partition(tree):
    for modality in ("audio", "video"):
        for path in (tree.set / modality / "stage_2_test_seen").iterdir():
            path.unlink()


CLASS_FILES = {
    "unreadable": truncated,
    "link": link_out,
    "no file": no_file,
    "two partitions": id_in_both,
    "two classes": added(ARCHERY[0], *VAL_UNSEEN),
    "unseen class in training": new_class(
        "stage_2_train", "BlowDryHair", "v_BlowDryHair_g11_c01", "v_BlowDryHair_g12_c01"
    ),
    "one modality": dropped(ARCHERY[0], TRAIN[0]),
    "row order": changed(rewritten(lambda ids, rows: (ids[::-1], rows[::-1])), TEST[1]),
    "other vectors": changed(lambda c: c.update({ARCHERY[0]: -c[ARCHERY[0]]}), STAGE_2[0]),
    "stage 2 lacks": dropped(ARCHERY[0], *STAGE_2),
    "stage 2 adds": added("v_Archery_g19_c01", *STAGE_2),
    "partition missing": remove_partition,
    "class beyond list": new_class("stage_1_val_seen", "YoYo", *(f"v_YoYo_g0{i}_c01" for i in range(1, 8))),
    "counts": dropped("v_Archery_g20_c01", *TEST),
    "ids": first_called("v_Archery_g07_c09", *TRAIN, *STAGE_2),
    "recordings": first_called("v_Archery_g01_c07", *TEST),
    "ids without recordings": first_called("my_video", *TEST),
    "not finite": everywhere(one_not_finite),
    "zero": everywhere(set_first(0)),
    "constant dimension": every_file(constant, "audio"),
    "near duplicate": added("v_Archery_g20_c01", *TEST, source=ARCHERY[3], scale=1.001),
    "slipped ids": changed(rewritten(lambda ids, rows: (ids, rows[:-1])), TRAIN[0]),
    "repeated id": everywhere(repeated),
    "width": everywhere(rewritten(lambda ids, rows: (ids, [row[:-1] for row in rows]))),
    "empty": everywhere(lambda c: c.update({ARCHERY[0]: np.zeros(0, np.float32)})),
    "video id": everywhere(rewritten(lambda ids, rows: ([b"\xff\xfe", *ids[1:]], rows))),
    "ids as text of bytes": every_file(rewritten(lambda ids, rows: ([repr(i.encode()) for i in ids], rows))),
    "unknown class": new_class("stage_1_train", "Juggling Bears", "v_X_g01_c01"),
    "class file twice": new_class("stage_1_train", "archery", "v_Archery_g09_c01"),
    "value range": every_file(lambda c: c.update({k: v * 3 for k, v in c.items()}), "audio"),
}


@pytest.mark.parametrize("fault", CLASS_FILES)
def test_faults_of_class_files(tmp_path, fault):
    tree = write_plausible_tree(tmp_path / "tree", "clip_clap")
    shutil.rmtree(tree.lists)  # csvs have tests of their own
    CLASS_FILES[fault](tree)
    assert_finds(audit(tree), "class_files", fault)


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
