"""Checks of the class lists beside a feature tree."""

from __future__ import annotations

from collections.abc import Iterator

from avgzsl_bench.data.audit.finding import Finding, finding, some
from avgzsl_bench.data.audit.survey import ClassList, Survey

_ALL = "class-split/all_class.txt"


def check_lists(survey: Survey) -> Iterator[Finding]:
    """Check the lists of classes and their names."""
    yield from _check_names(survey)
    for split, lists in survey.lists.items():
        for item in lists:
            yield from _check_txt(survey, split, item)


def _check_names(survey: Survey) -> Iterator[Finding]:
    dataset = survey.dataset
    listed = [c.listed for c in dataset.classes]
    names = survey.class_names
    if names is not None:
        if sorted(names) != listed:
            other = sorted(set(names) ^ set(listed)) or sorted({n for n in names if names.count(n) > 1})
            yield finding("class-list", _ALL, f"{len(names)} names, not those of {dataset.name}: {some(other)}")
        elif names != listed:
            moved = sum(a != b for a, b in zip(names, listed, strict=True))
            yield finding("class-order", _ALL, f"{moved} of {len(names)} lines are not in sorted order")
    yield from _check_tables(survey)
    spelt = {n for lists in survey.lists.values() for item in lists for n in item.listed or ()}
    variants = sorted(c.name for c in dataset.classes if c.name != c.listed and c.name in spelt)
    if names is not None:
        variants = [n for n in variants if n not in names]
        if variants:
            count = sum(n in (item.listed or ()) for ls in survey.lists.values() for item in ls for n in variants)
            other = [c.listed for c in dataset.classes if c.name in variants]
            text = f"{some(variants)} in {count} lists is {some(other)} in all_class.txt"
            yield finding("class-spelling", "class-split", text)


def _check_tables(survey: Survey) -> Iterator[Finding]:
    """Check the csvs that name the classes: one row per class, with the published name."""
    for file, rows in survey.names.items():
        columns = len(rows[0]) if rows else 2
        ours = {c.listed: (c.listed, c.readable, c.clip)[:columns] for c in survey.dataset.classes}
        theirs = dict(zip((row[0] for row in rows), rows, strict=True))
        parts = []
        wrong = sorted(name for name in ours.keys() & theirs.keys() if theirs[name] != ours[name])
        if wrong:
            shown = [
                f"{n!r} is called {' / '.join(theirs[n][1:])!r}, not {' / '.join(ours[n][1:])!r}" for n in wrong
            ]
            parts.append(f"{len(wrong)} names: {some(shown, 2)}")
        for names, verb in ((ours.keys() - theirs.keys(), "lacks"), (theirs.keys() - ours.keys(), "adds")):
            if names:
                parts.append(f"{verb} {len(names)} classes: {some(sorted(names))}")
        if len(theirs) < len(rows):
            parts.append(f"{len(rows) - len(theirs)} names twice")
        if parts:
            yield finding("readable-names/list", f"class-split/{file}", "; ".join(parts))


def _check_txt(survey: Survey, split: str, item: ClassList) -> Iterator[Finding]:
    if item.listed is None:
        return
    where = f"{item.where}.txt"
    if not item.ends:
        yield finding("no-final-line-feed", where, f"{len(item.listed)} names, {len(item.listed) - 1} line feeds")
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
        yield finding("class-list", where, "; ".join(parts))
