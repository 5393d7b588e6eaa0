"""Each known fault of text files, planted in a sound tree, is found."""

from __future__ import annotations

import re

import numpy as np
import pytest
from audit_faults import audit, checks, every_file
from plausible_tree import write_plausible_tree
from published_tree import BY_NAME, text_keys, text_vector

from avgzsl_bench.data.audit import text_rows
from avgzsl_bench.data.audit.text_rows import vector_mark


def test_the_note_on_text_order_counts_as_the_published_loaders_place(tmp_path):
    (finding,) = audit(write_plausible_tree(tmp_path, "selavi")).findings
    assert finding.evidence.startswith("sorted by readable name, 79 of 101 classes get another's vector, ")


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
    "not finite": (lambda w: w["Archery"].__setitem__(3, np.inf), "error text-vector", "1 vectors are zero"),
    "zero": (lambda w: w["Archery"].fill(0), "error text-vector", "1 vectors are zero .*: Archery"),
    "equal": (lambda w: w.update({"Archery": w["Bowling"]}), "warning text-equal", "2 vectors are not unique"),
    "norm": (lambda w: w.update({k: 2 * v for k, v in w.items()}), "warning text-norm", "101 of 101 .* 2 to 2"),
    "rows": (swap_words, "error text-rows", "2 of 101 published .*: Archery has that of Bowling"),
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
