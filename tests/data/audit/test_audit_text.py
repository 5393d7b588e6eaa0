"""Each known fault of text files, planted in a sound tree, is found."""

from __future__ import annotations

import re

import numpy as np
import pytest
from audit_faults import audit, checks, every_file
from plausible_tree import BY_NAME, text_keys, word_vector, write_plausible_tree

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


def test_published_word_vectors_are_known_by_class(shared):
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


def test_a_text_file_with_the_keys_of_another_feature_set(tmp_path):
    tree = write_plausible_tree(tmp_path, "clip_clap")
    for path, width in zip(tree.texts, (512, 1024), strict=True):
        words = {key: word_vector(key, width) for key in text_keys(BY_NAME["ucf"], "selavi")}
        np.save(path, np.array(words, dtype=object), allow_pickle=True)
    found = audit(tree)
    assert checks(found) == {"warning readable-names", "note text-order"}


def test_the_order_of_text_follows_from_its_keys_also_for_unknown_widths(tmp_path):
    tree = write_plausible_tree(tmp_path, "clip_clap")
    every_file(lambda c: c.update({k: v[:511] for k, v in c.items()}), "video")(tree)
    assert {f.check for f in audit(tree).findings} == {"unknown-feature-set"}
