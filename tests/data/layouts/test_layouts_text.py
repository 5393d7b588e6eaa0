"""Text embeddings of published trees are placed by name; odd files are refused."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from layout_readers import read
from published_tree import UCF, text_vector, write_text, write_tree

from avgzsl_bench.data.datasets.feature_sets import PUBLISHED
from avgzsl_bench.errors import DataError


@pytest.mark.parametrize("features", ["selavi", "clip_clap"])
def test_text_rows_are_placed_by_name(tmp_path: Path, features: str) -> None:
    write_tree(tmp_path, features)
    table = read(tmp_path)
    expected = next(f.text for f in PUBLISHED if f.name == features)
    assert list(table.text) == list(expected)
    for encoder, width in expected.items():
        for class_id, names in enumerate(UCF.classes):
            name = names.clip if features == "clip_clap" else names.readable
            np.testing.assert_array_equal(table.text[encoder][class_id], text_vector(name, width))


def text_file(tree: SimpleNamespace, content: object, name: str = "word_embeddings_ucf_normed.npy") -> None:
    np.save(tree.set / "text" / name, np.array(content, dtype=object), allow_pickle=True)


WORDS = {c.readable: text_vector(c.readable, 300) for c in UCF.classes}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({k: v for k, v in WORDS.items() if k != "Archery"}, "no vector for 'Archery'"),
        ({**WORDS, "Sleeping": text_vector("a", 300)}, "no class of ucf is called 'Sleeping'"),
        ({**WORDS, "Archery": np.ones(299)}, "'Archery' has width 299"),
        ({**WORDS, "Archery": np.full(300, np.nan)}, "'Archery' holds a value that is not finite"),
        ({**WORDS, "Archery": "text"}, "'Archery' is not a vector"),
        ({k: v[:7] for k, v in WORDS.items()}, "no text embeddings of width 300 .* widths found: 7 in"),
        ({}, "expected a dictionary"),
        ([1, 2], "single object"),
    ],
)
def test_odd_text(selavi: SimpleNamespace, words: object, message: str) -> None:
    text_file(selavi, words)
    with pytest.raises(DataError, match=message):
        read(selavi.root)


def test_unused_class_without_vector_is_all_nan(selavi: SimpleNamespace) -> None:
    used = {c for s in UCF.splits for facts in UCF.facts(s).values() for c in facts.classes}
    unused = next(i for i in range(len(UCF.classes)) if i not in used)
    text_file(selavi, {k: v for k, v in WORDS.items() if k != UCF.classes[unused].readable})
    words = read(selavi.root).text["word2vec"]
    assert np.isnan(words[unused]).all()
    assert np.isfinite(np.delete(words, unused, axis=0)).all()


def test_no_text_and_two_texts(selavi: SimpleNamespace) -> None:
    text_file(selavi, WORDS, "copy.npy")
    with pytest.raises(DataError, match="second text file of width 300"):
        read(selavi.root)
    shutil.rmtree(selavi.set / "text")
    with pytest.raises(DataError, match="no text embeddings of width 300"):
        read(selavi.root)


def test_text_of_another_feature_set_is_ignored(clip_clap: SimpleNamespace) -> None:
    text_file(clip_clap, WORDS, "word_embeddings_activity_normed.npy")
    assert list(read(clip_clap.root).text) == ["clip", "clap"]
    shutil.rmtree(clip_clap.set / "text")
    write_text(clip_clap.set / "text", "selavi")
    with pytest.raises(DataError, match=r"width 512 \(clip\)"):
        read(clip_clap.root)
