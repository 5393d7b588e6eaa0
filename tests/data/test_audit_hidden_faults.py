"""Faults that hide: the audit once passed them over, blamed something else or stopped at them."""

from __future__ import annotations

import json
import pickle
import shutil
from pathlib import Path
from types import SimpleNamespace

import h5py
import numpy as np
import pytest
from click.testing import CliRunner
from plausible_tree import BY_NAME, UCF_VIDEOS, text_keys, values, word_vector, write_plausible_tree
from published_tree import write_class
from test_audit import (
    ARCHERY,
    audit,
    checks,
    edit_csv,
    every_file,
    everywhere,
    rewrite,
    row,
    set_first,
    standard,
    txt,
    write_caches,
)

from avgzsl_bench.cli import main
from avgzsl_bench.data.audit.audit import audit_path
from avgzsl_bench.data.datasets import registry
from avgzsl_bench.data.layouts.importing import import_tree


@pytest.fixture(autouse=True)
def _small_standard(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everybody takes the small tree for the standard."""
    known = {**BY_NAME, "ucf": standard("ucf", UCF_VIDEOS)}
    monkeypatch.setattr(registry, "registered_datasets", lambda: known)
    monkeypatch.setattr(registry, "registered_dataset", known.__getitem__)


def evidence(found, check):
    return [f"{f.where}: {f.evidence}" for f in found.findings if f.check == check]


def call(*arguments):
    return CliRunner().invoke(main, ["data", "audit", *map(str, arguments)])


# -- values -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [3e38, 1e6])
def test_an_outlier_is_reported_and_makes_nothing_a_near_duplicate(tmp_path, value):
    tree = write_plausible_tree(tmp_path, "selavi")
    everywhere(set_first(value), modality="audio")(tree)
    found = audit(tree)
    assert checks(found) == {"note text-order", "warning value-range"}
    (text,) = evidence(found, "value-range")
    assert text.startswith("audio: 1 videos have lengths up to")
    assert text.endswith(ARCHERY[0])


def test_vectors_that_would_overflow_are_reported(tmp_path):
    tree = write_plausible_tree(tmp_path, "selavi")
    every_file(lambda c: c.update({k: v * np.float32(1e19) for k, v in c.items()}), "audio")(tree)
    assert "audio: 62 videos have lengths" in evidence(audit(tree), "value-range")[0]


def test_near_duplicates_between_seen_and_unseen_test_videos(tmp_path):
    tree = write_plausible_tree(tmp_path, "clip_clap")
    for modality in ("audio", "video"):
        close = values("v_Archery_g20_c01", modality, "clip_clap") * np.float32(1.001)
        change = {"v_BlowDryHair_g01_c01": close}
        rewrite(tree, lambda c, new=change: c.update(new), (modality, "stage_2_test_unseen", "BlowDryHair"))
    found = audit(tree)
    assert checks(found) == {"warning near-duplicate"}
    (text,) = evidence(found, "near-duplicate")
    assert text == (
        "stage2_test_seen and stage2_test_unseen: 1 videos are as one of the other: "
        "v_BlowDryHair_g01_c01 and v_Archery_g20_c01"
    )


def with_unit_steps(content):
    for video, steps in content.items():
        content[video] = steps / np.linalg.norm(steps, axis=-1, keepdims=True)


def three_times_as_long(content):
    for video, steps in content.items():
        content[video] = np.concatenate([steps, steps * 2, steps * 3]).astype(np.float32)


def with_fractions(content):
    for video, steps in content.items():
        content[video] = steps.astype(np.float32) * np.float32(0.99)


@pytest.mark.parametrize(
    ("features", "change", "modality", "expected"),
    [
        ("selavi_seq", with_unit_steps, "video", "visual: all steps have length 1; those of selavi_seq"),
        ("selavi_seq", three_times_as_long, "audio", "audio and visual: audio covers 3 times"),
        ("c3d_vggish_seq", with_fractions, "audio", "audio: values with fractions; VGGish codes are whole"),
    ],
)
def test_sequences_of_another_feature_set(tmp_path, features, change, modality, expected):
    tree = write_plausible_tree(tmp_path, features)
    every_file(change, modality)(tree)
    (text,) = evidence(audit(tree), "value-range")
    assert text.startswith(expected)


# -- labels and lists -------------------------------------------------------------------------------------------


def test_class_files_under_each_others_name(tmp_path):
    tree = write_plausible_tree(tmp_path, "clip_clap")
    for archery in tree.set.glob("*/*/Archery.pkl"):
        bowling, spare = archery.with_name("Bowling.pkl"), archery.with_name("spare")
        if bowling.exists():
            archery.rename(spare)
            bowling.rename(archery)
            spare.rename(bowling)
    found = audit(tree)
    assert checks(found) == {"error class-and-csv"}
    assert "16 videos are in the class file of another class than in the csv: " in found.findings[0].evidence
    assert found.findings[0].where == "stage1_train, audio and visual"


def test_csv_rows_with_each_others_class(tmp_path):
    tree = write_plausible_tree(tmp_path, "clip_clap")

    def swap(rows):
        first, last = rows[0], rows[-1]
        for column in ("label", "label_code"):
            first[column], last[column] = last[column], first[column]

    edit_csv(tree, "stage_1_train", swap)
    found = audit(tree)
    assert checks(found) == {"error class-and-csv"}
    assert found.findings[0].evidence.startswith("2 videos are in")


def other_split(tree):
    """A second split beside that of the folder."""
    place = tree.lists / "main_split"
    shutil.copytree(tree.lists / "cls_split", place)
    return SimpleNamespace(lists=tree.lists, split="main", place=place)


def test_csvs_of_the_other_split_are_compared_with_the_standard(tmp_path):
    tree = write_plausible_tree(tmp_path, "clip_clap")
    other = other_split(tree)
    assert checks(audit(tree)) == set()
    edit_csv(other, "stage_1_train", lambda rows: rows[:3])
    found = audit(tree)
    assert checks(found) == {"warning standard-counts"}
    (text,) = evidence(found, "standard-counts")
    assert text.startswith("class-split/main_split/stage_1_train.csv: 3 videos, standard 16")


def test_ids_of_csvs_are_compared_with_the_standard(tmp_path):
    tree = write_plausible_tree(tmp_path, "clip_clap")
    edit_csv(other_split(tree), "stage_1_train", lambda rows: [row("v_Archery_g09_c09", "Archery", 2), *rows[1:]])
    assert checks(audit(tree)) == {"warning standard-ids"}


def test_videos_in_two_csvs_of_a_split(tmp_path):
    tree = write_plausible_tree(tmp_path, "clip_clap")
    twice = [row(video, "Archery", 2) for video in ARCHERY[:3]]
    edit_csv(other_split(tree), "stage_2_test_seen", lambda rows: [*rows, *twice])
    found = audit(tree)
    assert checks(found) == {"error two-partitions", "warning standard-counts"}
    (text,) = evidence(found, "two-partitions")
    assert text.startswith("class-split/main_split, csvs of stage2_train and stage2_test_seen: 3 videos")


def test_lists_that_are_not_there(tmp_path):
    tree = write_plausible_tree(tmp_path, "clip_clap")
    txt(tree).unlink()
    txt(tree, "stage_2_train").with_suffix(".csv").unlink()
    found = audit(tree)
    assert checks(found) == {"note list-missing"}
    assert evidence(found, "list-missing") == ["class-split/cls_split: no stage_1_train.txt, stage_2_train.csv"]


@pytest.mark.parametrize("place", [".", "../cls_features_non_averaged", "audio/.."])
def test_relative_paths_find_the_lists(tmp_path, monkeypatch, place):
    tree = write_plausible_tree(tmp_path, "clip_clap")
    edit_csv(tree, "stage_1_train", lambda rows: [*rows, rows[0]])
    monkeypatch.chdir(tree.set)
    (found,) = audit_path(Path(place), list(registry.registered_datasets().values()))
    assert checks(found) == {"warning csv-ids"}


# -- names ------------------------------------------------------------------------------------------------------


def write_clip_names(tree, last):
    lines = [f"{c.listed},{c.readable},{c.clip}" for c in BY_NAME["ucf"].classes]
    path = tree.lists / "ucf_clip_class_names.csv"
    path.write_text("\n".join(["original,manual,clip_class_name", *lines[:-1], last or lines[-1]]) + "\n")


@pytest.mark.parametrize(
    ("table", "last", "expected"),
    [
        ("clip", None, None),
        ("clip", "YoYo,Yo Yo,Toy", "1 names: 'YoYo' is called 'Yo Yo / Toy'"),
        ("w2v", "YoYo,Yo Yo\nArchery,Archery", "1 names twice"),
        ("w2v", "YoYo,Yo Yo\nDragons,Dragons", "adds 1 classes: Dragons"),
        ("w2v", "YoYo2,Yo Yo", "lacks 1 classes: YoYo; adds 1 classes: YoYo2"),
    ],
)
def test_tables_of_names(tmp_path, table, last, expected):
    tree = write_plausible_tree(tmp_path, "clip_clap")
    if table == "clip":
        write_clip_names(tree, last)
    else:
        path = tree.lists / "ucf_w2v_class_names.csv"
        path.write_text("\n".join([*path.read_text().splitlines()[:-1], last]) + "\n")
    found = audit(tree)
    assert checks(found) == ({"warning readable-names"} if expected else set())
    assert all(expected in f.evidence for f in found.findings)


def test_a_text_file_with_the_keys_of_another_feature_set(tmp_path):
    tree = write_plausible_tree(tmp_path, "clip_clap")
    for path, width in zip(tree.texts, (512, 1024), strict=True):
        words = {key: word_vector(key, width) for key in text_keys(BY_NAME["ucf"], "selavi")}
        np.save(path, np.array(words, dtype=object), allow_pickle=True)
    found = audit(tree)
    assert checks(found) == {"warning readable-names", "note text-order"}


def test_the_order_of_text_is_told_by_its_keys_also_for_unknown_widths(tmp_path):
    tree = write_plausible_tree(tmp_path, "clip_clap")
    every_file(lambda c: c.update({k: v[:511] for k, v in c.items()}), "video")(tree)
    assert {f.check for f in audit(tree).findings} == {"unknown-feature-set"}


# -- exported trees ---------------------------------------------------------------------------------------------


def mark(tree, features, **change):
    content = {"form": "avgzsl-bench tree 1", "dataset": "ucf", "features": features, "audio": 30, "visual": 40}
    content |= {"simulated": features == "simulated", "text": {"hashed": 512}}
    (tree.set / "avgzsl-bench.json").write_text(json.dumps(content | change))


def exported(tmp_path, features, ids=lambda video: video):
    """As an export writes a tree of no published feature set."""
    tree = write_plausible_tree(tmp_path, "clip_clap")
    for path in sorted(tree.set.glob("*/stage*/*.pkl")):
        content = pickle.loads(path.read_bytes())
        width = 30 if path.parts[-3] == "audio" else 40
        names = [ids(i.decode()) for i in content["video_names"]]
        write_class(path, names, [v[:width] for v in content["features"]])
    for stale in (tree.texts[1], tree.lists):
        shutil.rmtree(stale) if stale.is_dir() else stale.unlink()
    mark(tree, features)
    return tree


def simulated_id(video):
    return f"sim_000_{list(video_numbers()).index(video):05d}"


def video_numbers():
    return {i: None for classes in UCF_VIDEOS.values() for ids in classes.values() for i in ids}


def test_exported_simulated_features_are_called_simulated(tmp_path):
    tree = exported(tmp_path, "simulated", simulated_id)
    found = audit(tree)
    assert (found.features, found.simulated, checks(found)) == ("simulated", True, set())
    assert call(tmp_path).exit_code == 0
    (tree.set / "avgzsl-bench.json").unlink()
    found = audit(tree)
    assert (found.simulated, found.failed) == (True, True)
    assert "ids are of the form sim_" in evidence(found, "tree-mark")[0]


def test_exported_features_of_ones_own_are_known_by_their_mark(tmp_path):
    tree = exported(tmp_path, "own_features")
    found = audit(tree)
    assert (found.features, found.simulated, checks(found)) == ("own_features", False, set())


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"simulated": True}, "not a valid marker: content: "),
        ({"audio": 31}, "says own_features of widths 31/40, found 30/40"),
        ({"dataset": "mine"}, "exported from dataset 'mine', which is not known here"),
    ],
)
def test_a_mark_that_is_wrong_is_reported(tmp_path, change, expected):
    tree = exported(tmp_path, "own_features")
    mark(tree, "own_features", **change)
    found = audit(tree)
    assert "error tree-mark" in checks(found)
    assert expected in evidence(found, "tree-mark")[0]


# -- what cannot be surveyed ------------------------------------------------------------------------------------


def test_a_damaged_cache_is_reported_beside_a_tree_and_alone(tmp_path):
    write_plausible_tree(tmp_path, "clip_clap")
    path = tmp_path / "_features_processed" / "main_features" / "trainingmain_split.pkl"
    path.parent.mkdir(parents=True)
    path.write_bytes(np.random.default_rng(0).bytes(300))
    for place in (tmp_path, path.parent, path):
        found = audit_path(place, list(registry.registered_datasets().values()))[-1]
        assert (found.kind, found.dataset, checks(found)) == ("cache", "unknown", {"error unreadable"})
    assert call(tmp_path).exit_code == 1


def text_of_objects(phase, parts):
    parts["text"]["data"] = np.array({"no": "rows"}, dtype=object)


def text_of_few_rows(phase, parts):
    parts["text"].update(data=parts["text"]["data"][:50], target=parts["text"]["target"][:50])


def class_id(value):
    def change(phase, parts):
        for name in ("audio", "video"):
            target = parts[name]["target"].numpy().astype(np.asarray(value).dtype)
            target[0] = value
            parts[name]["target"] = target

    return change


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (text_of_objects, "text: not as many vectors"),
        (text_of_few_rows, "text: 50 rows, ucf has 101 classes"),
        (class_id(-7), "audio: 1 rows without id, without steps, of another width or of no class"),
        (class_id(9_200_000_000_000_000_000), "or do not hold vectors and class ids"),
        (class_id(1e300), "or do not hold vectors and class ids"),
    ],
)
def test_caches_of_an_odd_form_are_reported(tmp_path, change, expected):
    write_caches(tmp_path, "clip_clap", change)
    found = audit(SimpleNamespace(root=tmp_path))
    assert "error cache-form" in checks(found)
    assert any(expected in text for text in evidence(found, "cache-form"))


def test_a_cache_of_no_known_dataset_is_reported(tmp_path):
    def foreign(phase, parts):
        text_of_few_rows(phase, parts)
        for name in ("audio", "video"):
            parts[name]["url"] = np.array([f"clip {i}" for i in range(len(parts[name]["url"]))])

    write_caches(tmp_path, "clip_clap", foreign)
    (found,) = audit_path(tmp_path, list(registry.registered_datasets().values()))
    assert (found.dataset, checks(found)) == ("unknown", {"error cache-form"})


def test_a_cache_that_is_a_link_out_is_reported(tmp_path):
    write_caches(tmp_path / "in", "clip_clap")
    path = next(tmp_path.rglob("test*_split.pkl"))
    path.symlink_to(path.rename(tmp_path / "elsewhere.pkl"))
    (found,) = audit_path(tmp_path / "in", list(registry.registered_datasets().values()))
    assert "symbolic link" in evidence(found, "unreadable")[0]


def test_moved_rows_of_a_cache_are_counted_by_use(tmp_path):
    write_caches(tmp_path, "selavi")
    text = evidence(audit(SimpleNamespace(root=tmp_path)), "text-target")[0]
    assert text.endswith("of the 4 in use (main), 0 of them unseen in the test")


@pytest.mark.parametrize("kept", ["audio", "nonsense"])
def test_a_second_feature_set_that_is_incomplete_or_unknown_is_reported(tmp_path, kept):
    tree = write_plausible_tree(tmp_path, "clip_clap")
    second = tree.set.with_name("main_features")
    if kept == "audio":
        shutil.copytree(tree.set / "audio", second / "audio")
        expected = "error one-modality"
    else:
        for modality in ("audio", "video"):
            write_class(second / modality / "stage_1_train" / "Nonsense.h5", ["a"], [np.ones(512, np.float32)])
        expected = "error unknown-class"
    result = call(tmp_path, "--json")
    assert result.exit_code == 1
    shown = {
        Path(a["target"]).name: {f"{f['severity']} {f['check']}" for f in a["findings"]}
        for a in json.loads(result.stdout)
    }
    assert shown["cls_features_non_averaged"] == set()
    assert expected in shown["main_features"]


def test_damaged_stores_are_reported_beside_sound_ones_and_alone(tmp_path):
    root = tmp_path / "data"
    write_plausible_tree(tmp_path / "in", "clip_clap")
    write_plausible_tree(tmp_path / "in2", "selavi")
    (sound,) = import_tree(tmp_path / "in", root, force=False)
    (broken,) = import_tree(tmp_path / "in2", root, force=False)
    broken.path.write_bytes(broken.path.read_bytes()[:100])

    def shown(*options):
        result = call("--data-root", root, "--json", *options)
        found = {a["features"]: {f["check"] for f in a["findings"]} for a in json.loads(result.stdout)}
        return result.exit_code, found

    assert shown() == (1, {"selavi": {"unreadable"}, "clip_clap": set()})
    assert shown("--features", "clip_clap") == (0, {"clip_clap": set()})
    sound.path.unlink()
    assert shown("--dataset", "ucf") == (1, {"selavi": {"unreadable"}})
    assert "not installed" in call("--data-root", root, "--features", "clip_clap").stderr


def test_a_store_whose_body_is_damaged_does_not_hide_the_others(tmp_path):
    root = tmp_path / "data"
    for features in ("clip_clap", "selavi"):
        write_plausible_tree(tmp_path / features, features)
        (result,) = import_tree(tmp_path / features, root, force=False)
    with h5py.File(result.path, "a") as file:
        del file["audio"]
    result = call("--data-root", root, "--json")
    assert result.exit_code == 1
    assert {a["features"] for a in json.loads(result.stdout)} == {"clip_clap", "selavi"}


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
    assert evidence(audit(tree), "unreadable") == [
        "audio/stage_2_train: refused: a symbolic link that leads nowhere"
    ]
