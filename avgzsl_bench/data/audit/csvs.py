"""Checks of the csvs beside a feature tree: rows, classes and videos, and agreement with the features."""

from __future__ import annotations

from collections.abc import Iterator

from avgzsl_bench.data.audit.finding import Finding, finding, some
from avgzsl_bench.data.audit.standard import compare, overlaps
from avgzsl_bench.data.audit.survey import ClassList, Survey
from avgzsl_bench.data.datasets.facts import PARTITIONS


def check_csvs(survey: Survey) -> Iterator[Finding]:
    """Check the csvs themselves, and against lists, standard and features."""
    for split, lists in survey.lists.items():
        for item in lists:
            yield from _check_rows(survey, item)
            yield from _check_list(survey, split, item)
            yield from _check_standard(survey, split, item)
        yield from _check_partitions(lists)
    yield from _check_features(survey)


def _check_rows(survey: Survey, item: ClassList) -> Iterator[Finding]:
    rows, where = item.rows or [], f"{item.where}.csv"
    wrong = [f"{video} ({label} {code})" for video, label, code in rows if code != survey.dataset.class_id(label)]
    if wrong:
        yield finding("label-code", where, f"{len(wrong)} of {len(rows)} rows: {some(wrong, 3)}")
    owner: dict[str, str] = {}
    twice: list[str] = []
    two: list[str] = []
    for video, label, _ in rows:
        if video in owner:
            (twice if owner[video] == label else two).append(video)
        owner.setdefault(video, label)
    for videos, what in ((twice, "occur twice"), (two, "have two labels")):
        if videos:
            yield finding("csv-ids", where, f"{len(videos)} videos {what}: {some(videos, 3)}")


def _check_list(survey: Survey, split: str, item: ClassList) -> Iterator[Finding]:
    """Check for classes of a csv that its list leaves out."""
    if item.rows is None or item.listed is None:
        return
    dataset = survey.dataset
    labels = {label: dataset.class_id(label) for _, label, _ in item.rows}
    listed = {dataset.class_id(name) for name in item.listed}
    beyond = sorted(label for label, i in labels.items() if i not in listed)
    if beyond:
        count = sum(label in beyond for _, label, _ in item.rows)
        text = f"{len(beyond)} classes with {count} videos that the list leaves out: {some(beyond)}"
        union = {c for s in dataset.splits for c in dataset.facts(s)[item.partition].classes}
        dropped = union - set(dataset.facts(split)[item.partition].classes)
        known = all(labels[label] in dropped for label in beyond)
        check = "csv-beyond-list/published" if known else "csv-beyond-list/foreign"
        yield finding(check, f"{item.where}.csv", text)


def _check_standard(survey: Survey, split: str, item: ClassList) -> Iterator[Finding]:
    if item.rows is None:
        return
    label: dict[str, int] = {}
    for video, name, _ in item.rows:
        own = survey.dataset.class_id(name)
        if own is not None:
            label.setdefault(video, own)
    yield from compare(survey, label, survey.dataset.facts(split)[item.partition], f"{item.where}.csv")


def _check_partitions(lists: list[ClassList]) -> Iterator[Finding]:
    ids: dict[str, set[str]] = {partition: set() for partition in PARTITIONS}
    ids |= {item.partition: {video for video, _, _ in item.rows or ()} for item in lists}
    for one, other, both in overlaps(ids):
        place = lists[0].where.rpartition("/")[0]
        yield finding(
            "two-partitions/csvs", f"{place}, csvs of {one} and {other}", f"{len(both)} videos: {some(both)}"
        )


def _check_features(survey: Survey) -> Iterator[Finding]:
    """Check ids and classes of the csvs against those of the features."""
    split = survey.split if survey.split in survey.lists else next(iter(survey.lists), None)
    for item in survey.lists.get(split or "", ()):
        if item.rows is None:
            continue
        listed = {video for video, _, _ in item.rows}
        labelled = {(video, survey.dataset.class_id(label)) for video, label, _ in item.rows}
        lacking_places: dict[str, list[str]] = {}
        class_places: dict[str, list[str]] = {}
        for modality, vectors in survey.vectors.items():
            inside = vectors.inside(item.partition).nonzero()[0]
            there = {(vectors.video_id[i], int(vectors.label[i])) for i in inside}
            ids = {video for video, _ in there}
            lacking, more = sorted(listed - ids), sorted(ids - listed)
            parts = [f"{len(lacking)} of {len(listed)} have no features, such as {lacking[0]}"] if lacking else []
            parts += [f"{len(more)} videos are not in the csv, such as {more[0]}"] if more else []
            if parts:
                lacking_places.setdefault("; ".join(parts), []).append(modality)
            other = sorted(pair for pair in there - labelled if pair[0] in listed)
            if other:
                shown = [f"{video} in {survey.name(label)}" for video, label in other]
                text = f"{len(other)} videos are in the class file of another class than in the csv"
                class_places.setdefault(f"{text}: {some(shown, 3)}", []).append(modality)
        for check, places in (("csv-and-features", lacking_places), ("class-and-csv", class_places)):
            for text, modalities in places.items():
                yield finding(check, f"{item.partition}, {' and '.join(modalities)}", text)
