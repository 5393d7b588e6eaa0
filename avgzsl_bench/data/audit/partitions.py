"""Checks of partitions: videos and classes of each, and the standard."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from avgzsl_bench.data.audit.finding import Check, Finding, Severity, some
from avgzsl_bench.data.audit.standard import compare, overlaps
from avgzsl_bench.data.audit.survey import Survey, Vectors, partitions_of
from avgzsl_bench.data.datasets.facts import PARTITIONS

TWO_PARTITIONS = Check(
    "two-partitions",
    Severity.ERROR,
    "scored videos were trained on, or are counted twice: results are too high",
    "remove them from one of the partitions, by the csvs",
)
_TWO_CLASSES = Check(
    "two-classes",
    Severity.ERROR,
    "one label is wrong: a video counts for two classes",
    "keep it in the class of the csv",
)
_LEAKED = Check(
    "unseen-class-in-training",
    Severity.ERROR,
    "the class is not unseen: U, HM and ZSL are too high",
    "remove its videos from training",
)
_UNPAIRED = Check(
    "one-modality",
    Severity.ERROR,
    "the video lacks a modality; 'data import' refuses the tree, and the published loaders stop",
    "download both folders again",
)
_ROW_ORDER = Check(
    "row-order",
    Severity.NOTE,
    "none here: rows are paired by id. The published loaders pair by position, and stop",
    "nothing",
)
_VECTORS = Check(
    "other-vectors",
    Severity.ERROR,
    "a video has different vectors in two places, so the two stages train on different data",
    "download both partitions from one archive",
)
_TRAIN = Check(
    "stage-2-train",
    Severity.WARNING,
    "stage 2 is to train on all videos of stage 1; code that opens this partition trains on others than the "
    "published code, which joins the three stage-1 partitions (avbench joins them, and adds more from here)",
    "make it the union of the three stage-1 partitions",
)
_MISSING = Check(
    "partition-missing",
    Severity.ERROR,
    "the protocol cannot be followed",
    "download the folder again",
)
_UNLISTED = Check(
    "class-beyond-list",
    Severity.WARNING,
    "its videos are left out by avbench; code that goes by folders trains or tests on them",
    "remove the class from the partition",
)
_DROPPED = Check(
    "class-beyond-list",
    Severity.NOTE,
    "none where the class list decides, as here; code that goes by folders tests on more classes",
    "nothing; --split main keeps these classes",
)
_THIN = Check(
    "thin-class",
    Severity.NOTE,
    "per-class means weigh these classes like the rest: one video moves a class by 20 points or more",
    "read intervals rather than means (avbench leaderboard has them); look at accuracies by class in the records",
)
_THIN_TRAINING = Check(
    "thin-training-class",
    Severity.NOTE,
    "the classes are rarely drawn unless batches are balanced, so seen accuracy depends on the others",
    "sample batches evenly by class, as the published code does",
)

_SCORED = ("stage1_val_seen", "stage1_val_unseen", "stage2_test_seen", "stage2_test_unseen")
_FEWEST = 5
_SHARE = 1 / 3
"""A class with less than this share of the median class's training videos is thin."""


def check_partitions(survey: Survey) -> Iterator[Finding]:
    """Check partitions, classes and ids."""
    for modality, vectors in survey.vectors.items():
        yield from _check_places(survey, modality, vectors)
    yield from _check_pairs(survey)
    for vectors in list(survey.vectors.values())[
        :1
    ]:  # the other modality has the same videos, or is reported above
        yield from _check_stage2(survey, vectors)
        yield from _check_classes(survey, vectors)
        yield from _check_standard(survey, vectors)
        yield from _check_thin(survey, vectors)


def _check_places(survey: Survey, modality: str, vectors: Vectors) -> Iterator[Finding]:
    """Check that each video is in one class, with one vector, and in one partition of each stage."""
    for one, other, both in overlaps({p: set(vectors.ids(p)) for p in PARTITIONS}):
        yield TWO_PARTITIONS.found(f"{modality}, {one} and {other}", f"{len(both)} videos: {some(both)}")
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
        yield _TWO_CLASSES.found(modality, f"{len(classes)} videos: {some(classes, 3)}")
    if changed:
        yield _VECTORS.found(modality, f"{len(changed)} videos: {some(sorted(set(changed)))}")


def _check_pairs(survey: Survey) -> Iterator[Finding]:
    """Check that both modalities have the same videos in the same order."""
    if survey.kind == "store" or len(survey.vectors) < 2:
        missing = [m for m in ("audio", "visual") if m not in survey.vectors]
        if missing:
            yield _UNPAIRED.found(" and ".join(missing), "holds no vector that can be read")
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
                yield _UNPAIRED.found(
                    partition, f"{len(unpaired)} videos are in {modality} only: {some(unpaired)}"
                )
        if set(ids[0]) == set(ids[1]) and ids[0] != ids[1]:
            moved.append(partition)
    if moved:
        yield _ROW_ORDER.found(some(moved, 6), "audio and visual rows are not in the same order")


def _check_stage2(survey: Survey, vectors: Vectors) -> Iterator[Finding]:
    stage1 = {i for p in ("stage1_train", "stage1_val_seen", "stage1_val_unseen") for i in vectors.ids(p)}
    train = set(vectors.ids("stage2_train"))
    if not stage1 or not train:
        return
    for videos, verb in ((stage1 - train, "lacks"), (train - stage1, "adds")):
        if videos:
            yield _TRAIN.found("stage2_train", f"{verb} {len(videos)} videos: {some(sorted(videos))}")


def _check_classes(survey: Survey, vectors: Vectors) -> Iterator[Finding]:
    here = {p: set(vectors.label[vectors.inside(p)].tolist()) for p in PARTITIONS}
    if survey.kind == "tree":
        for partition in PARTITIONS:
            if not here[partition] and partition != "stage2_train":
                yield _MISSING.found(partition, "no video that can be read")
    for stage, training, unseen in (
        ("stage 1", ("stage1_train", "stage1_val_seen"), "stage1_val_unseen"),
        ("stage 2", ("stage2_train", "stage2_test_seen"), "stage2_test_unseen"),
    ):
        never = partitions_of(survey.dataset, survey.split)[unseen]
        for partition in training:
            leaked = sorted(here[partition] & never)
            if leaked:
                names = some([survey.name(c) for c in leaked])
                yield _LEAKED.found(partition, f"{len(leaked)} unseen classes of {stage}: {names}")
    of_split, of_any = (partitions_of(survey.dataset, split) for split in (survey.split, None))
    unseen_of = {"stage1_train": "stage1_val_unseen", "stage1_val_seen": "stage1_val_unseen"}
    unseen_of |= {"stage2_train": "stage2_test_unseen", "stage2_test_seen": "stage2_test_unseen"}
    for partition in PARTITIONS:
        reported = of_split[unseen_of[partition]] if partition in unseen_of else set()
        beyond = sorted(here[partition] - of_split[partition] - reported)
        for check, classes in (
            (_DROPPED, [c for c in beyond if c in of_any[partition]]),
            (_UNLISTED, [c for c in beyond if c not in of_any[partition]]),
        ):
            if classes:
                videos = int((vectors.inside(partition) & np.isin(vectors.label, classes)).sum())
                names = some([survey.name(c) for c in classes])
                yield check.found(partition, f"{len(classes)} classes with {videos} videos: {names}")


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
    for partition in _SCORED:
        labels, counts = np.unique(vectors.label[vectors.inside(partition)], return_counts=True)
        few = labels[counts <= _FEWEST].tolist()
        if few:
            text = f"{len(few)} of {len(labels)} classes have {_FEWEST} videos or fewer"
            yield _THIN.found(partition, f"{text}: {some([survey.name(c) for c in few])}")
    labels, counts = np.unique(vectors.label[vectors.inside("stage2_train")], return_counts=True)
    thin = counts < _SHARE * np.median(counts) if len(counts) else np.zeros(0, bool)
    if thin.any():
        text = (
            f"{thin.sum()} of {len(labels)} classes have {counts[thin].min()} to {counts[thin].max()} videos, the "
            f"others {counts[~thin].min()} to {counts[~thin].max()}"
        )
        yield _THIN_TRAINING.found("stage2_train", text)
