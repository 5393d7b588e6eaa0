"""The comparison of two feature sets: of each modality, of the text vectors, and by simple baselines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from avgzsl_bench.data.compare.cosines import Agreement, agreement_by_class, largest_difference
from avgzsl_bench.data.compare.geometry import MOST, Geometry, compare_geometry
from avgzsl_bench.data.compare.nearest import Accuracy, Scores, accuracy_of, prototype_scores, text_scores
from avgzsl_bench.data.compare.shared import SharedVideos, chosen_by_hash, shared_videos
from avgzsl_bench.data.compare.verdict import Verdict, remark_on, verdict_of, worst
from avgzsl_bench.data.datasets.facts import Dataset, partition_bit
from avgzsl_bench.data.datasets.recordings import UNKNOWN, recordings
from avgzsl_bench.data.store.table import Feature, FeatureTable, Ragged
from avgzsl_bench.errors import DataError

_Vectors = NDArray[np.float32]


@dataclass(frozen=True)
class Relation:
    """How the vectors of two sets are related, for the same videos or classes.

    Attributes:
        widths: of either set.
        agreement: cosines; None where the widths differ.
        by_class: the same by class name.
        geometry: arrangement of the vectors, whatever the widths.
        verdict: what it comes to.
        remark: what qualifies the verdict, if anything does.
    """

    widths: tuple[int, int]
    agreement: Agreement | None
    by_class: Mapping[str, Agreement]
    geometry: Geometry
    verdict: Verdict
    remark: str | None


@dataclass(frozen=True)
class Baseline:
    """Accuracy of a baseline on one of the sets.

    Attributes:
        features: the set.
        rule: `nearest prototype`, or `nearest text`.
        by: the vectors that are scored: `audio`, `visual`, `audio and visual`, and the text encoder.
        scored: partition of the scored videos.
        by_recording: whether training videos of a scored video's own recording were left out.
        accuracy: mean per-class accuracy.
    """

    features: str
    rule: str
    by: str
    scored: str
    by_recording: bool
    accuracy: Accuracy


@dataclass(frozen=True)
class Comparison:
    """Two feature sets on the videos that they share.

    Attributes:
        dataset, features: names of the dataset and of both sets.
        videos: number of videos of either set.
        shared, other_class, other_partition: as in `SharedVideos`.
        modalities: by `audio` and `visual`.
        text: by text encoder that both have.
        baselines: on either set.
        verdict: the more distant one of both modalities.
    """

    dataset: str
    features: tuple[str, str]
    videos: tuple[int, int]
    shared: int
    other_class: int
    other_partition: int
    modalities: Mapping[str, Relation]
    text: Mapping[str, Relation]
    baselines: tuple[Baseline, ...]
    verdict: Verdict


def compare_tables(one: FeatureTable, other: FeatureTable, dataset: Dataset) -> Comparison:
    """Compare two feature sets of a dataset; sequences by their means over time.

    Raises:
        DataError: they share no video.
    """
    shared = shared_videos(one, other)
    if not len(shared):
        raise DataError(
            f"{one.features} and {other.features} of {dataset.name} share no video: one has {one.video_id[0]!r}, "
            f"the other {other.video_id[0]!r}; videos are compared by id"
        )
    sets = [_modalities(table) for table in (one, other)]
    modalities = {m: _relation(sets[0][m], sets[1][m], shared, dataset) for m in ("audio", "visual")}
    baselines = [
        b
        for table, vectors, rows in zip((one, other), sets, shared.rows, strict=True)
        for b in _baselines(table, vectors, rows, shared, dataset)
    ]
    return Comparison(
        dataset=dataset.name,
        features=(one.features, other.features),
        videos=(len(one), len(other)),
        shared=len(shared),
        other_class=shared.other_class,
        other_partition=shared.other_partition,
        modalities=modalities,
        text={e: _text_relation(one.text[e], other.text[e], dataset) for e in one.text if e in other.text},
        baselines=tuple(baselines),
        verdict=worst(relation.verdict for relation in modalities.values()),
    )


def _modalities(table: FeatureTable) -> dict[str, _Vectors]:
    def vectors(feature: Feature) -> _Vectors:
        return feature.mean() if isinstance(feature, Ragged) else feature

    return {"audio": vectors(table.audio), "visual": vectors(table.visual)}


def _relation(one: _Vectors, other: _Vectors, shared: SharedVideos, dataset: Dataset) -> Relation:
    some = chosen_by_hash(shared.video_id, MOST)
    geometry = compare_geometry(one[shared.rows[0][some]], other[shared.rows[1][some]])
    return _judged(one, other, shared.rows, shared.label, geometry, dataset)


def _text_relation(one: _Vectors, other: _Vectors, dataset: Dataset) -> Relation:
    """Compare the text vectors of the classes that have one in both sets."""
    classes = np.flatnonzero(~np.isnan(one).any(axis=1) & ~np.isnan(other).any(axis=1))
    geometry = compare_geometry(one[classes], other[classes])
    return _judged(one, other, (classes, classes), classes, geometry, dataset)


def _judged(
    one: _Vectors,
    other: _Vectors,
    rows: tuple[NDArray[np.int64], NDArray[np.int64]],
    label: NDArray[np.int64],
    geometry: Geometry,
    dataset: Dataset,
) -> Relation:
    widths = one.shape[1], other.shape[1]
    agreement, by_class, difference = None, {}, None
    if widths[0] == widths[1]:
        agreement, classes = agreement_by_class(one, other, rows, label)
        by_class = {dataset.class_names[c]: found for c, found in classes.items()}
        difference = largest_difference(one, other, rows)
    verdict = verdict_of(agreement, difference)
    return Relation(widths, agreement, by_class, geometry, verdict, remark_on(verdict, agreement, geometry))


def _baselines(
    table: FeatureTable,
    vectors: Mapping[str, _Vectors],
    rows: NDArray[np.int64],
    shared: SharedVideos,
    dataset: Dataset,
) -> Iterator[Baseline]:
    """Score the shared videos of stage 1 by one set: nearest prototype, and nearest text of equal width."""
    inside = {p: np.flatnonzero(shared.partition & partition_bit(p)) for p in _SCORED}
    train, seen, unseen = inside.values()
    if len(train) and len(seen):
        numbers = recordings(dataset, [shared.video_id[i] for i in (*train, *seen)])
        recording = numbers[: len(train)], numbers[len(train) :]
        by_recording = bool((recording[1] != UNKNOWN).any())
        scores = {
            m: prototype_scores(v[rows[train]], shared.label[train], v[rows[seen]], *recording)
            for m, v in vectors.items()
        }
        scores["audio and visual"] = Scores(
            scores["audio"].classes, scores["audio"].values + scores["visual"].values
        )
        for by, found in scores.items():
            accuracy = accuracy_of(found, shared.label[seen])
            yield Baseline(table.features, "nearest prototype", by, _SCORED[1], by_recording, accuracy)
    for modality, values in vectors.items():
        for encoder, text in table.text.items():
            if len(unseen) and text.shape[1] == values.shape[1]:
                found = text_scores(values[rows[unseen]], text, np.unique(shared.label[unseen]))
                accuracy = accuracy_of(found, shared.label[unseen])
                yield Baseline(
                    table.features, "nearest text", f"{modality} and text {encoder}", _SCORED[2], False, accuracy
                )


_SCORED = ("stage1_train", "stage1_val_seen", "stage1_val_unseen")
