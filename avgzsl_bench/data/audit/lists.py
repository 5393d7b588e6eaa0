"""Class lists and csvs that lie beside a feature tree: what is wrong with them."""

from __future__ import annotations

from collections.abc import Iterator

from avgzsl_bench.data.audit.finding import Check, Finding, Severity, some
from avgzsl_bench.data.audit.survey import ClassList, Survey

_ALL = "class-split/all_class.txt"

_DROPPED = Check(
    "csv-beyond-list",
    Severity.NOTE,
    "none where the list decides, as here and in the published loaders; code that goes by the csv tests on more "
    "classes, and its figures do not compare",
    "let the txt decide; --split cls does, --split main keeps the classes",
)
_BEYOND = Check(
    "csv-beyond-list",
    Severity.WARNING,
    "the csv and the list describe different benchmarks",
    "take both files from one source",
)
_LIST = Check(
    "class-list",
    Severity.WARNING,
    "figures made with these lists are of another split than the standard one",
    "use the published lists; this program has them and does not read these",
)
_CODE = Check(
    "label-code",
    Severity.WARNING,
    "code that trusts the column gives videos another class",
    "take the class from the label column",
)
_CSV_IDS = Check(
    "csv-ids", Severity.WARNING, "a video counts twice, or for two classes", "keep one row for a video"
)
_ENDING = Check(
    "no-final-line-feed",
    Severity.NOTE,
    "none for code that counts names; code that counts line feeds misses the last class",
    "count names",
)
_UNSORTED = Check(
    "class-order",
    Severity.NOTE,
    "code that takes the line number for the class id gives classes another id",
    "sort by code point, upper case before lower case; avbench does",
)
_SPELLING = Check(
    "class-spelling",
    Severity.NOTE,
    "a look-up that minds upper and lower case loses the class",
    "compare class names without regard to case, after sorting them as they are; avbench does",
)
_READABLE = Check(
    "readable-names",
    Severity.WARNING,
    "text embeddings are looked up under other names, or not found",
    "use the published table of names",
)
_FILES = Check(
    "csv-and-features",
    Severity.WARNING,
    "fewer or other videos are trained and tested on than the csvs say",
    "download the feature archive again; a partial copy is for trying things out only",
)


def check_lists(survey: Survey) -> Iterator[Finding]:
    """Everything that is wrong with the lists, and where they disagree with the features."""
    yield from _check_names(survey)
    for split, lists in survey.lists.items():
        for item in lists:
            yield from _check_txt(survey, split, item)
            yield from _check_csv(survey, split, item)
    yield from _check_files(survey)


def _check_names(survey: Survey) -> Iterator[Finding]:
    dataset = survey.dataset
    listed = [c.listed for c in dataset.classes]
    names = survey.class_names
    if names is not None:
        if sorted(names) != listed:
            other = sorted(set(names) ^ set(listed)) or sorted({n for n in names if names.count(n) > 1})
            yield _LIST.found(_ALL, f"{len(names)} names, not those of {dataset.name}: {some(other)}")
        elif names != listed:
            moved = sum(a != b for a, b in zip(names, listed, strict=True))
            yield _UNSORTED.found(_ALL, f"{moved} of {len(names)} lines are not in sorted order")
    if survey.readable is not None:
        ours = {c.listed: c.readable for c in dataset.classes}
        other = sorted(n for n in ours if survey.readable.get(n) != ours[n])
        if other:
            shown = [f"{n!r} is called {survey.readable.get(n)!r}, not {ours[n]!r}" for n in other]
            where = f"class-split/{dataset.name}_w2v_class_names.csv"
            yield _READABLE.found(where, f"{len(other)} names: {some(shown, 2)}")
    spelt = {n for lists in survey.lists.values() for item in lists for n in item.listed or ()}
    variants = sorted(c.name for c in dataset.classes if c.name != c.listed and c.name in spelt)
    if names is not None:
        variants = [n for n in variants if n not in names]
        if variants:
            count = sum(n in (item.listed or ()) for ls in survey.lists.values() for item in ls for n in variants)
            other = [c.listed for c in dataset.classes if c.name in variants]
            text = f"{some(variants)} in {count} lists is {some(other)} in all_class.txt"
            yield _SPELLING.found("class-split", text)


def _check_txt(survey: Survey, split: str, item: ClassList) -> Iterator[Finding]:
    if item.listed is None:
        return
    where = f"{item.where}.txt"
    if not item.ends:
        yield _ENDING.found(where, f"{len(item.listed)} names, {len(item.listed) - 1} line feeds")
    dataset = survey.dataset
    ids = {name: dataset.class_id(name) for name in item.listed}
    unknown = sorted(name for name, label in ids.items() if label is None)
    standard = set(dataset.facts(split)[item.partition].classes)
    here = {label for label in ids.values() if label is not None}
    parts = [f"{len(unknown)} names of no class: {some(unknown)}"] if unknown else []
    parts += [f"{len(item.listed) - len(ids)} names twice"] if len(ids) < len(item.listed) else []
    for classes, verb in ((standard - here, "lacks"), (here - standard, "adds")):
        if classes:
            parts.append(f"{verb} {len(classes)} classes: {some([survey.name(c) for c in sorted(classes)])}")
    if parts:
        yield _LIST.found(where, "; ".join(parts))


def _check_csv(survey: Survey, split: str, item: ClassList) -> Iterator[Finding]:
    if item.rows is None:
        return
    dataset, where = survey.dataset, f"{item.where}.csv"
    labels = {label: dataset.class_id(label) for _, label, _ in item.rows}
    wrong = [f"{video} ({label} {code})" for video, label, code in item.rows if code != labels[label]]
    if wrong:
        yield _CODE.found(where, f"{len(wrong)} of {len(item.rows)} rows: {some(wrong, 3)}")
    owner: dict[str, str] = {}
    twice: list[str] = []
    two: list[str] = []
    for video, label, _ in item.rows:
        if video in owner:
            (twice if owner[video] == label else two).append(video)
        owner.setdefault(video, label)
    for videos, what in ((twice, "occur twice"), (two, "have two labels")):
        if videos:
            yield _CSV_IDS.found(where, f"{len(videos)} videos {what}: {some(videos, 3)}")
    if item.listed is not None:
        listed = {dataset.class_id(name) for name in item.listed}
        beyond = sorted(label for label, i in labels.items() if i not in listed)
        if beyond:
            count = sum(label in beyond for _, label, _ in item.rows)
            text = f"{len(beyond)} classes with {count} videos that the list leaves out: {some(beyond)}"
            union = {c for s in dataset.splits for c in dataset.facts(s)[item.partition].classes}
            dropped = union - set(dataset.facts(split)[item.partition].classes)
            known = all(labels[label] in dropped for label in beyond)
            yield (_DROPPED if known else _BEYOND).found(where, text)


def _check_files(survey: Survey) -> Iterator[Finding]:
    """Ids of the csvs against those of the features."""
    split = survey.split if survey.split in survey.lists else next(iter(survey.lists), None)
    for item in survey.lists.get(split or "", ()):
        if item.rows is None:
            continue
        listed = {video for video, _, _ in item.rows}
        places: dict[str, list[str]] = {}
        for modality, vectors in survey.vectors.items():
            there = set(vectors.ids(item.partition))
            lacking, more = sorted(listed - there), sorted(there - listed)
            parts = [f"{len(lacking)} of {len(listed)} have no features, such as {lacking[0]}"] if lacking else []
            parts += [f"{len(more)} videos are not in the csv, such as {more[0]}"] if more else []
            if parts:
                places.setdefault("; ".join(parts), []).append(modality)
        for text, modalities in places.items():
            yield _FILES.found(f"{item.partition}, {' and '.join(modalities)}", text)
