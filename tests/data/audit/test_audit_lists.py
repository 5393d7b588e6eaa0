"""Each known fault of class lists, csvs and tables of names, planted beside a sound tree, is found."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
from audit_faults import ARCHERY, assert_finds, audit, checks, edited, row, standard, txt
from plausible_tree import UCF_VIDEOS, clips, write_plausible_tree
from published_tree import UCF

from avgzsl_bench.data.datasets import registry


def code_of_first(rows):
    rows[0]["label_code"] = "99"


def exchange_classes(rows):
    first, last = rows[0], rows[-1]
    for column in ("label", "label_code"):
        first[column], last[column] = last[column], first[column]


def exchange_class_files(tree):
    for archery in tree.set.glob("*/*/Archery.pkl"):
        bowling, spare = archery.with_name("Bowling.pkl"), archery.with_name("spare")
        if bowling.exists():
            archery.rename(spare)
            bowling.rename(archery)
            spare.rename(bowling)


def other_split(tree):
    """Lists of a second split beside those of the folder's own."""
    shutil.copytree(tree.lists / "cls_split", tree.lists / "main_split")
    return SimpleNamespace(lists=tree.lists, split="main")


def spell(tree):
    assert "HandstandPushups\n" in (tree.lists / "all_class.txt").read_text()
    with txt(tree).open("a") as stream:
        stream.write("HandStandPushups\n")


def rename_readable(tree):
    path = tree.lists / "ucf_w2v_class_names.csv"
    path.write_text(path.read_text().replace("Baby Crawling", "Crawling Baby"))


def unsort(tree):
    path = tree.lists / "all_class.txt"
    first, second, *rest = path.read_text().splitlines()
    path.write_text("\n".join([second, first, *rest]) + "\n")


def clip_names(*last):
    lines = ["original,manual,clip_class_name", *(f"{c.listed},{c.readable},{c.clip}" for c in UCF.classes)]
    content = "\n".join([*lines[: -len(last) or None], *last]) + "\n"
    return lambda tree: (tree.lists / "ucf_clip_class_names.csv").write_text(content)


def last_name(*last):
    def plant(tree):
        path = tree.lists / "ucf_w2v_class_names.csv"
        path.write_text("\n".join([*path.read_text().splitlines()[:-1], *last]) + "\n")

    return plant


def listed(*names, end="\n"):
    return lambda tree: txt(tree).write_text("\n".join(names) + end)


LISTS = {
    "csv beyond list": edited(lambda rows: [*rows, row("v_YoYo_g01_c01", "YoYo", 100)]),
    "label code": edited(code_of_first),
    "a row twice": edited(lambda rows: [*rows, rows[0]]),
    "two labels": edited(lambda rows: [*rows, row(ARCHERY[0], "Bowling", 15)]),
    "csv and features": edited(lambda rows: [*rows, row("v_Archery_g19_c01")]),
    "class list": listed("Archery", "YoYo"),
    "unknown class": listed("Archery", "Bowling", "Dragons"),
    "no final line feed": listed("Archery", "Bowling", end=""),
    "class order": unsort,
    "all classes": lambda tree: (tree.lists / "all_class.txt").write_text("Archery\n"),
    "spelling": spell,
    "readable names": rename_readable,
    "no such column": lambda tree: txt(tree).with_suffix(".csv").write_text("a,b\n1,2\n"),
    "not text": lambda tree: txt(tree).write_bytes(b"\xff"),
    "a link": lambda tree: (txt(tree).unlink(), txt(tree).symlink_to(__file__)),
    "rows with each other's class": edited(exchange_classes),
    "class files with each other's name": exchange_class_files,
    "sound lists of another split": other_split,
    "fewer rows in another split": edited(lambda rows: rows[:3], lists=other_split),
    "another id in another split": edited(lambda rows: [row("v_Archery_g09_c09"), *rows[1:]], lists=other_split),
    "videos in two csvs of another split": edited(
        lambda rows: [*rows, *map(row, ARCHERY[:3])], "stage_2_test_seen", other_split
    ),
    "missing lists": lambda tree: (txt(tree).unlink(), txt(tree, "stage_2_train").with_suffix(".csv").unlink()),
    "sound names of ClipClap": clip_names(),
    "another name of ClipClap": clip_names("YoYo,Yo Yo,Toy"),
    "a name twice": last_name("YoYo,Yo Yo", "Archery,Archery"),
    "a name more": last_name("YoYo,Yo Yo", "Dragons,Dragons"),
    "another name": last_name("YoYo2,Yo Yo"),
}


@pytest.mark.parametrize("fault", LISTS)
def test_faults_of_lists(tmp_path, fault):
    tree = write_plausible_tree(tmp_path, "clip_clap")
    LISTS[fault](tree)
    assert_finds(audit(tree), "lists", fault)


def test_classes_that_cls_drops_are_a_note(tmp_path, monkeypatch):
    """As in the published data: the csvs and folders of cls hold classes that only the list of main has."""
    small = registry.registered_dataset("ucf")
    unseen = UCF_VIDEOS["stage_2_test_unseen"] | {"Typing": clips("Typing", 0, 6)}
    videos = {**UCF_VIDEOS, "stage_2_test_unseen": unseen}
    kept = small.partitions["stage2_test_unseen"]
    partitions = {
        **small.partitions,
        "stage2_test_unseen": standard("ucf", videos).partitions["stage2_test_unseen"],
    }
    splits = {"main": {}, "cls": {"stage2_test_unseen": kept}}
    changed = small.model_copy(update={"partitions": partitions, "splits": splits})
    monkeypatch.setattr(registry, "registered_datasets", lambda: {"ucf": changed})
    tree = write_plausible_tree(tmp_path, "clip_clap", "ucf", videos)
    txt(tree, "stage_2_test_unseen").write_text("BlowDryHair\n")
    found = audit(tree)
    assert checks(found) == {"note class-beyond-list", "note csv-beyond-list"}
    assert all("1 classes with 7 videos" in f.evidence and "Typing" in f.evidence for f in found.findings)


@pytest.mark.parametrize("place", [".", "../cls_features_non_averaged", "audio/.."])
def test_relative_paths_find_the_lists(tmp_path, monkeypatch, place):
    tree = write_plausible_tree(tmp_path, "clip_clap")
    edited(lambda rows: [*rows, rows[0]])(tree)
    monkeypatch.chdir(tree.set)
    assert checks(audit(Path(place))) == {"warning csv-ids"}
