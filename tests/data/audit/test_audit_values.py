"""Faults that show in the numbers of features and texts: ranges, outliers, near duplicates, wrong rows."""

from __future__ import annotations

import re

import numpy as np
import pytest
from audit_faults import ARCHERY, audit, both, changed, checks, every_file, everywhere, evidence, set_first
from plausible_tree import write_plausible_tree
from published_tree import BY_NAME, text_keys, text_vector, vector

from avgzsl_bench.data.audit import text_rows
from avgzsl_bench.data.audit.text_rows import vector_mark
from avgzsl_bench.data.datasets.facts import PARTITIONS
from avgzsl_bench.data.layouts.tree import disk_name


def each(change):
    """A change of the values of every video of a file."""
    return lambda content: content.update({k: change(v).astype(np.float32) for k, v in content.items()})


tripled = each(lambda steps: np.concatenate([steps, steps * 2, steps * 3]))


def unit_steps(steps):
    return steps / np.linalg.norm(steps, axis=-1, keepdims=True)


@pytest.mark.parametrize(
    ("features", "change", "modality", "expected"),
    [
        ("c3d_vggish", each(lambda v: v / 255), "audio", "audio: values up to 1"),
        ("c3d_vggish", each(lambda v: v * 2), "audio", "audio: values from 0 to 510; VGGish"),
        ("c3d_vggish", each(lambda v: v - 1), "video", "visual: values from -1 to .*C3D's are not negative"),
        ("selavi", each(unit_steps), "video", "visual: all vectors have length 1; those of selavi"),
        ("selavi_seq", each(unit_steps), "video", "visual: all steps have length 1; those of selavi_seq"),
        ("selavi_seq", tripled, "audio", "audio and visual: audio covers 3 times"),
        (
            "c3d_vggish_seq",
            each(lambda v: v * 0.99),
            "audio",
            "audio: values with fractions; VGGish codes are whole",
        ),
        ("selavi", each(lambda v: v * 1e19), "audio", "audio: 62 videos have lengths"),
    ],
)
def test_values_that_show_another_feature_set_or_overflow(tmp_path, features, change, modality, expected):
    tree = write_plausible_tree(tmp_path, features)
    every_file(change, modality)(tree)
    (text,) = evidence(audit(tree), "value-range")
    assert re.match(expected, text)


@pytest.mark.parametrize("value", [3e38, 1e6])
def test_an_outlier_is_reported_and_makes_nothing_a_near_duplicate(tmp_path, value):
    tree = write_plausible_tree(tmp_path, "selavi")
    everywhere(set_first(value), modality="audio")(tree)
    found = audit(tree)
    assert checks(found) == {"note text-order", "warning value-range"}
    (text,) = evidence(found, "value-range")
    assert text.startswith("audio: 1 videos have lengths up to")
    assert text.endswith(ARCHERY[0])


def test_near_duplicates_between_seen_and_unseen_test_videos(tmp_path):
    tree = write_plausible_tree(tmp_path, "clip_clap")
    for place in both("stage_2_test_unseen", "BlowDryHair"):
        close = vector("v_Archery_g20_c01", place[0], "clip_clap") * np.float32(1.001)
        changed(lambda c, new=close: c.update({"v_BlowDryHair_g01_c01": new}), place)(tree)
    found = audit(tree)
    assert checks(found) == {"warning near-duplicate"}
    (text,) = evidence(found, "near-duplicate")
    assert text == (
        "stage2_test_seen and stage2_test_unseen: 1 videos are almost equal to one of the other: "
        "v_BlowDryHair_g01_c01 and v_Archery_g20_c01"
    )


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
    found = audit(tree, "vggsound")
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
    (text,) = evidence(audit(tree, "vggsound"), "shared-recordings")
    assert text.startswith(
        "stage2_test_seen: 2 of 3 videos are of recordings that are also in stage2_train; 1 of them even"
    )


def test_the_note_on_text_order_counts_as_the_published_loaders_place(tmp_path):
    (finding,) = audit(write_plausible_tree(tmp_path, "selavi")).findings
    assert finding.evidence.startswith("sorted by readable name, 79 of 101 classes get another's vector, ")


def edit_text(tree, change):
    for path in tree.texts:
        words = np.load(path, allow_pickle=True).item()
        change(words)
        np.save(path, np.array(words, dtype=object), allow_pickle=True)


TEXTS = {
    "missing": (lambda w: w.pop("Archery"), "error text-file", "no vector for 1 classes, such as 'Archery'"),
    "unknown": (lambda w: w.update({"Dragons": w["Archery"][::-1]}), "error text-file", "such as 'Dragons'"),
    "no vector": (lambda w: w.update({"Archery": "text"}), "error text-file", "1 entries are no vectors"),
    "not finite": (lambda w: w["Archery"].__setitem__(3, np.inf), "error text-vector", "1 vectors are zero"),
    "zero": (lambda w: w["Archery"].fill(0), "error text-vector", "1 vectors are zero .*: Archery"),
    "equal": (lambda w: w.update({"Archery": w["Bowling"]}), "warning text-equal", "2 vectors are not unique"),
    "norm": (lambda w: w.update({k: 2 * v for k, v in w.items()}), "warning text-norm", "101 of 101 .* 2 to 2"),
    "rows": (
        lambda w: w.update(Archery=w["Bowling"], Bowling=w["Archery"]),
        "error text-rows",
        "2 of 101 published .*: Archery has that of Bowling",
    ),
}


@pytest.mark.parametrize("fault", TEXTS)
def test_faults_of_text_files(tmp_path, fault, monkeypatch):
    change, expected, evidence = TEXTS[fault]
    marks = [vector_mark(text_vector(key, 300)) for key in text_keys("selavi")]
    monkeypatch.setattr(text_rows, "_published", lambda: {"ucf": marks})
    tree = write_plausible_tree(tmp_path, "selavi")
    assert checks(audit(tree)) == {"note text-order"}
    edit_text(tree, change)
    found = audit(tree)
    assert expected in checks(found), found.findings
    follows = {"equal": {"error text-rows"}, "no vector": {"error text-file"}}.get(fault, set())
    assert checks(found) - {expected, "note text-order"} <= follows
    assert any(re.search(evidence, f.evidence) for f in found.findings), found.findings


@pytest.mark.parametrize("count", [0, 2])
def test_text_files_that_are_not_there_or_two(tmp_path, count):
    tree = write_plausible_tree(tmp_path, "clip_clap")
    content = tree.texts[0].read_bytes()
    tree.texts[0].unlink()
    for i in range(count):
        tree.texts[0].with_name(f"{i}.npy").write_bytes(content)
    (finding,) = audit(tree).findings
    assert finding.evidence == f"{count} files with vectors of width 512 (clip), expected one"


def test_a_text_file_that_cannot_be_read(tmp_path):
    tree = write_plausible_tree(tmp_path, "selavi")
    tree.texts[0].write_bytes(b"\x93NUMPY?")
    assert checks(audit(tree)) == {"error text-file"}


@pytest.mark.parametrize(
    ("name", "path", "moved"),
    [
        ("ucf", "UCF/w2v_features/word_embeddings_ucf_normed.npy", 79),
        ("vggsound", "VGGSound/w2v_features/word_embeddings_vggsound_normed.npy", 205),
        ("activitynet", "ActivityNet/w2v_features/word_embeddings_activity_normed.npy", 8),
    ],
)
def test_published_word_vectors_are_known_by_class(shared, name, path, moved):
    words = np.load(shared / "data/official" / path, allow_pickle=True).item()
    keys = text_keys("selavi", BY_NAME[name])
    for order, wrong in ((keys, 0), (sorted(keys), moved)):
        held = text_rows.published_classes(BY_NAME[name], np.stack([words[key] for key in order]))
        assert (held != np.arange(len(keys))).sum() == wrong


def test_a_text_file_with_the_keys_of_another_feature_set(tmp_path):
    tree = write_plausible_tree(tmp_path, "clip_clap")
    for path, width in zip(tree.texts, (512, 1024), strict=True):
        words = {key: text_vector(key, width) for key in text_keys("selavi")}
        np.save(path, np.array(words, dtype=object), allow_pickle=True)
    found = audit(tree)
    assert checks(found) == {"warning readable-names", "note text-order"}


def test_the_order_of_text_follows_from_its_keys_also_for_unknown_widths(tmp_path):
    tree = write_plausible_tree(tmp_path, "clip_clap")
    every_file(lambda c: c.update({k: v[:511] for k, v in c.items()}), "video")(tree)
    assert {f.check for f in audit(tree).findings} == {"unknown-feature-set"}
