"""Checks of text embeddings: does each class have its own vector?"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from avgzsl_bench.data.audit.finding import Finding, finding, some
from avgzsl_bench.data.audit.survey import Survey, Text
from avgzsl_bench.data.datasets.facts import Dataset
from avgzsl_bench.data.datasets.feature_sets import PUBLISHED
from avgzsl_bench.data.datasets.text_order import text_rows

_NORMED = 1e-3


def check_text(survey: Survey) -> Iterator[Finding]:
    """Check the text embeddings of a survey."""
    for encoder, text in survey.text.items():
        yield from _check_target(survey, text)
        yield from _check_rows(survey, text)
        if not survey.simulated:
            yield from _check_order(survey, encoder, text)
            yield from _check_keys(survey, text)
        yield from _check_vectors(survey, text)


def published_classes(dataset: Dataset, vectors: NDArray[np.float32]) -> NDArray[np.int64]:
    """Find the class whose published word vector each row is: int64 `[n]`, -1 for none."""
    known = {mark: label for label, mark in enumerate(_published().get(dataset.name, []))}
    marks = [vector_mark(row) for row in vectors]
    return np.array([known.get(mark, -1) for mark in marks], np.int64)


def vector_mark(vector: NDArray[np.float32]) -> str:
    """Give twelve digits of the sha256 of a vector's numbers, by which published ones are known."""
    return hashlib.sha256(np.ascontiguousarray(vector, "<f4").tobytes()).hexdigest()[:12]


def _published() -> dict[str, list[str]]:
    """Read the `vector_mark` of each class's word2vec vector, by dataset, in class-id order."""
    file = files("avgzsl_bench").joinpath("data/audit/word_vectors.json")
    marks: dict[str, list[str]] = json.loads(file.read_text(encoding="utf-8"))
    return marks


def _check_target(survey: Survey, text: Text) -> Iterator[Finding]:
    if not text.by_row:
        return
    moved = np.flatnonzero(text.target != np.arange(len(text.target)))
    if len(moved):
        shown = [f"{survey.name(int(r))} holds that of {survey.name(int(text.target[r]))}" for r in moved]
        moves = f"{len(moved)} of {len(text.target)} rows; {some(shown, 3)}; {_in_use(survey, moved)}"
        yield finding("text-target", text.where, f"target is not 0 to C-1: {moves}")


def _check_rows(survey: Survey, text: Text) -> Iterator[Finding]:
    """Check for vectors that are the published one of another class."""
    held = published_classes(survey.dataset, text.vectors)
    wrong = np.flatnonzero((held >= 0) & (held != text.target))
    if len(wrong):
        shown = [f"{survey.name(int(text.target[r]))} has that of {survey.name(int(held[r]))}" for r in wrong]
        share = f"{len(wrong)} of {int((held >= 0).sum())} published word vectors"
        yield finding("text-rows", text.where, f"{share} stand for another class: {some(shown, 3)}")


def _check_order(survey: Survey, encoder: str, text: Text) -> Iterator[Finding]:
    """Count the classes in use that the published loaders would give another class's vector."""
    if text.by_row:
        return
    dataset = survey.dataset
    rows = _sorted_rows(survey, encoder, text)
    moved = np.flatnonzero(rows != np.arange(len(rows)))
    if len(moved):
        unseen = [int(c) for c in moved if c in dataset.facts(_split(survey))["stage2_test_unseen"].classes]
        shown = [f"{survey.name(c)} gets {survey.name(int(rows[c]))}" for c in unseen]
        moves = f"{len(moved)} of {len(rows)} classes get another's vector, {_in_use(survey, moved)}"
        examples = f": {some(shown, 3)}" if shown else ""
        yield finding("text-order", text.where, f"sorted by readable name, {moves}{examples}")


def _in_use(survey: Survey, moved: NDArray[np.int64]) -> str:
    """Count how many of some classes are in use, and unseen in the test."""
    facts = survey.dataset.facts(_split(survey))
    used = {c for f in facts.values() for c in f.classes}
    inside = sum(c in used for c in moved.tolist())
    unseen = sum(c in facts["stage2_test_unseen"].classes for c in moved.tolist())
    return f"{inside} of the {len(used)} in use ({_split(survey)}), {unseen} of them unseen in the test"


def _split(survey: Survey) -> str:
    return survey.split or next(iter(survey.dataset.splits))


def _sorted_rows(survey: Survey, encoder: str, text: Text) -> NDArray[np.int64]:
    """Find the class whose vector the published loaders give each class: they sort by the keys of the file."""
    if text.names is None:
        return text_rows(survey.dataset, encoder, "official")
    return np.array(sorted(range(len(text.names)), key=text.names.__getitem__))


def _check_keys(survey: Survey, text: Text) -> Iterator[Finding]:
    """Check which of UCF's two lists of readable names the keys are from, by the encoder."""
    widths = {width: name for name, width in survey.features.text.items()} if survey.features else {}
    encoder = widths.get(text.vectors.shape[1])
    if text.names is None or encoder is None or survey.features not in PUBLISHED:
        return
    expected = text_rows(survey.dataset, encoder, "official")
    if (expected != _sorted_rows(survey, encoder, text)).any():
        other = f"keyed by the readable names of another feature set than those of {encoder}"
        yield finding("readable-names/text", text.where, other)


def _check_vectors(survey: Survey, text: Text) -> Iterator[Finding]:
    finite = np.asarray(np.isfinite(text.vectors).all(axis=1))
    norm = np.linalg.norm(np.where(finite[:, None], text.vectors, 0).astype(np.float64), axis=1)
    broken = [survey.name(int(text.target[r])) for r in np.flatnonzero(~finite | (norm == 0))]
    if broken:
        yield finding("text-vector", text.where, f"{len(broken)} vectors are zero or not finite: {some(broken)}")
    sound = np.flatnonzero(finite & (norm > 0))
    _, first, count = np.unique(text.vectors[sound], axis=0, return_index=True, return_counts=True)
    if (count > 1).any():
        names = [survey.name(int(text.target[sound[r]])) for r in first[count > 1]]
        share = f"{int(count[count > 1].sum())} vectors are not unique"
        yield finding("text-equal", text.where, f"{share}, such as that of {some(names)}")
    off = [r for r in sound if abs(norm[r] - 1) > _NORMED]
    if off:
        low, high = norm[off].min(), norm[off].max()
        lengths = f"{len(off)} of {len(norm)} vectors have lengths from {low:.4g} to {high:.4g}"
        yield finding("text-norm", text.where, lengths)
