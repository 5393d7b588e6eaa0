"""Checks of partitions: videos and classes of each, and the standard."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from avgzsl_bench.data.audit.finding import Finding, finding, some
from avgzsl_bench.data.audit.standard import compare, overlaps
from avgzsl_bench.data.audit.survey import Survey, Vectors, partitions_of
from avgzsl_bench.data.datasets.facts import PARTITIONS, STAGES

_FEWEST = 5
_SHARE = 1 / 3
"""A class with less than this share of the median class's training videos is thin."""


def check_partitions(survey: Survey) -> Iterator[Finding]:
    """Check partitions, classes and ids."""
    for modality, vectors in survey.vectors.items():
        yield from _check_places(survey, modality, vectors)
    yield from _check_pairs(survey)
    if survey.vectors:
        first = next(iter(survey.vectors.values()))  # the other has the same videos, or is reported above
        for check in (_check_stage2, _check_classes, _check_standard, _check_thin):
            yield from check(survey, first)


def _check_places(survey: Survey, modality: str, vectors: Vectors) -> Iterator[Finding]:
    """Check that each video is in one class, with one vector, and in one partition of each stage."""
    for one, other, both in overlaps({p: set(vectors.ids(p)) for p in PARTITIONS}):
        yield finding("two-partitions", f"{modality}, {one} and {other}", f"{len(both)} videos: {some(both)}")
    label: dict[str, int] = {}
    digest: dict[str, int] = {}
    classes, changed = [], []
    entries = zip(vectors.video_id, vectors.label.tolist(), vectors.digest.tolist(), strict=True)
    for video, own, mark in entries:
        if label.setdefault(video, own) != own:
            classes.append(f"{video} ({survey.name(label[video])}, {survey.name(own)})")
        if digest.setdefault(video, mark) != mark:
            changed.append(video)
    if classes:
        yield finding("two-classes", modality, f"{len(classes)} videos: {some(classes, 3)}")
    if changed:
        yield finding("other-vectors", modality, f"{len(changed)} videos: {some(sorted(set(changed)))}")


def _check_pairs(survey: Survey) -> Iterator[Finding]:
    """Check that both modalities have the same videos in the same order."""
    if survey.kind == "store" or len(survey.vectors) < 2:
        missing = [m for m in ("audio", "visual") if m not in survey.vectors]
        if missing:
            yield finding("one-modality", " and ".join(missing), "holds no vector that can be read")
        return
    audio, visual = survey.vectors.values()
    moved = []
    for partition in PARTITIONS:
        ids = [
            list(zip(v.label[v.inside(partition)].tolist(), v.ids(partition), strict=True))
            for v in (audio, visual)
        ]
        for here, there, modality in ((ids[0], ids[1], "audio"), (ids[1], ids[0], "visual")):
            unpaired = sorted(video for _, video in set(here) - set(there))
            if unpaired:
                yield finding(
                    "one-modality", partition, f"{len(unpaired)} videos are in {modality} only: {some(unpaired)}"
                )
        if set(ids[0]) == set(ids[1]) and ids[0] != ids[1]:
            moved.append(partition)
    if moved:
        yield finding("row-order", some(moved, 6), "audio and visual rows are not in the same order")


def _check_stage2(survey: Survey, vectors: Vectors) -> Iterator[Finding]:
    stage1 = {i for p in STAGES[0] for i in vectors.ids(p)}
    train = set(vectors.ids("stage2_train"))
    if not stage1 or not train:
        return
    for videos, verb in ((stage1 - train, "lacks"), (train - stage1, "adds")):
        if videos:
            yield finding("stage-2-train", "stage2_train", f"{verb} {len(videos)} videos: {some(sorted(videos))}")


def _check_classes(survey: Survey, vectors: Vectors) -> Iterator[Finding]:
    here = {p: set(vectors.label[vectors.inside(p)].tolist()) for p in PARTITIONS}
    if survey.kind == "tree":
        for partition in PARTITIONS:
            if not here[partition] and partition != "stage2_train":
                yield finding("partition-missing", partition, "no video that can be read")
    of_split, of_any = (partitions_of(survey.dataset, split) for split in (survey.split, None))
    unseen_of: dict[str, set[int]] = {}
    for stage, (train, seen, unseen) in enumerate(STAGES, 1):
        never = unseen_of[train] = unseen_of[seen] = of_split[unseen]
        for partition in (train, seen):
            leaked = sorted(here[partition] & never)
            if leaked:
                text = f"{len(leaked)} unseen classes of stage {stage}: {some([survey.name(c) for c in leaked])}"
                yield finding("unseen-class-in-training", partition, text)
    for partition in PARTITIONS:
        beyond = sorted(here[partition] - of_split[partition] - unseen_of.get(partition, set()))
        for check, classes in (
            ("class-beyond-list/published", [c for c in beyond if c in of_any[partition]]),
            ("class-beyond-list", [c for c in beyond if c not in of_any[partition]]),
        ):
            if classes:
                videos = int((vectors.inside(partition) & np.isin(vectors.label, classes)).sum())
                names = some([survey.name(c) for c in classes])
                yield finding(check, partition, f"{len(classes)} classes with {videos} videos: {names}")


def _check_standard(survey: Survey, vectors: Vectors) -> Iterator[Finding]:
    dataset = survey.dataset
    for partition in PARTITIONS:
        inside = vectors.inside(partition)
        if survey.kind == "cache" and not inside.any():
            continue  # each cache holds one phase
        for split in [survey.split] if survey.split else _distinct(survey, partition):
            label = {vectors.video_id[i]: int(vectors.label[i]) for i in np.flatnonzero(inside)}
            where = partition if survey.split else f"{partition} ({split})"
            yield from compare(survey, label, dataset.facts(split)[partition], where)


def _distinct(survey: Survey, partition: str) -> list[str]:
    """List the splits whose standard for a partition differs, each once."""
    chosen: dict[tuple[int, ...], str] = {}
    for split in survey.dataset.splits:
        chosen.setdefault(survey.dataset.facts(split)[partition].classes, split)
    return list(chosen.values())


def _check_thin(survey: Survey, vectors: Vectors) -> Iterator[Finding]:
    for partition in (*STAGES[0][1:], *STAGES[1][1:]):
        labels, counts = np.unique(vectors.label[vectors.inside(partition)], return_counts=True)
        few = labels[counts <= _FEWEST].tolist()
        if few:
            text = f"{len(few)} of {len(labels)} classes have {_FEWEST} videos or fewer"
            yield finding("thin-class", partition, f"{text}: {some([survey.name(c) for c in few])}")
    labels, counts = np.unique(vectors.label[vectors.inside("stage2_train")], return_counts=True)
    thin = counts < _SHARE * np.median(counts) if len(counts) else np.zeros(0, bool)
    if thin.any():
        text = (
            f"{thin.sum()} of {len(labels)} classes have {counts[thin].min()} to {counts[thin].max()} videos, the "
            f"others {counts[~thin].min()} to {counts[~thin].max()}"
        )
        yield finding("thin-training-class", "stage2_train", text)
