"""Checking a store against itself and against the facts of its dataset."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from functools import partial
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from avgzsl_bench.data.datasets.facts import PARTITIONS, Dataset, PartitionFacts, partition_bit
from avgzsl_bench.data.store.fingerprint import fingerprint
from avgzsl_bench.data.store.store import StoreHeader, read_table
from avgzsl_bench.data.store.table import FeatureTable

_NAMED = 5
"""Number of classes that a line names before it only counts the rest."""

_STAGE1 = tuple(p for p in PARTITIONS if p.startswith("stage1"))
_STAGE2 = tuple(p for p in PARTITIONS if p.startswith("stage2"))


class Severity(Enum):
    """`ERROR`: the data must not be used. `DIFFERENCE`: it is not the standard data, but consistent."""

    ERROR = "error"
    DIFFERENCE = "difference"


@dataclass(frozen=True)
class Finding:
    """One difference from what is expected; `name` is the checked part, e.g. `stage2_test_unseen (cls)`."""

    severity: Severity
    name: str
    text: str


_error, _difference = partial(Finding, Severity.ERROR), partial(Finding, Severity.DIFFERENCE)


@dataclass(frozen=True)
class StoreReport:
    """A store's header and what its check found."""

    header: StoreHeader
    findings: tuple[Finding, ...]

    @property
    def errors(self) -> list[Finding]:
        """The findings that forbid use of the data."""
        return [f for f in self.findings if f.severity is Severity.ERROR]

    @property
    def verdict(self) -> str:
        """The outcome in a few words."""
        if self.errors:
            return f"not to be used: {'; '.join(f'{f.name}: {f.text}' for f in self.errors)}"
        if self.findings:
            simulated = "simulated, " if self.header.simulated else ""
            return f"{simulated}unaltered; {len(self.findings)} differences from the standard data"
        return "simulated, unaltered" if self.header.simulated else "the standard data, unaltered"


def verify_store(header: StoreHeader, dataset: Dataset) -> StoreReport:
    """Check a store: fingerprint, counts and ids per partition and class under every split, overlaps.

    Raises:
        DataError: the store cannot be read at all.
    """
    table = read_table(header)
    findings = findings_of(table, dataset)
    if (measured := fingerprint(table)) != header.fingerprint:
        text = f"content has {measured[:12]}, the file says {header.fingerprint[:12]}: altered or damaged"
        findings = (_error("fingerprint", text), *findings)
    return StoreReport(header, findings)


def findings_of(table: FeatureTable, dataset: Dataset) -> tuple[Finding, ...]:
    """Check a table: counts and ids per partition and class under every split, overlaps, text embeddings."""
    return (*_integrity(table, dataset), *_partitions(table, dataset))


def _integrity(table: FeatureTable, dataset: Dataset) -> Iterator[Finding]:
    classes = f"{dataset.name} has {len(dataset.classes)} classes"
    if table.dataset != dataset.name:
        yield _error("dataset", f"holds {table.dataset}, expected {dataset.name}")
    if table.label.max() >= len(dataset.classes):
        yield _error("labels", f"holds class id {table.label.max()}, {classes}")
    used = sorted(set(table.label.tolist()))
    for encoder, vectors in table.text.items():
        if len(vectors) != len(dataset.classes):
            yield _error(f"text {encoder}", f"{len(vectors)} rows, {classes}")
        elif np.isnan(vectors[used]).any():
            without = [c for c in used if np.isnan(vectors[c]).any()]
            yield _error(f"text {encoder}", f"no vector for {_classes(dataset, without)}")
    for group in (_STAGE1, _STAGE2):
        for one, other in combinations(group, 2):
            both = np.flatnonzero(_in(table, one) & _in(table, other))
            if len(both):
                text = f"{len(both)} videos are in both, such as {table.video_id[both[0]]!r}"
                yield _error(f"{one} and {other}", text)
    stage1 = np.any([_in(table, p) for p in _STAGE1], axis=0)
    lacking, extra = stage1 & ~_in(table, "stage2_train"), _in(table, "stage2_train") & ~stage1
    if lacking.any():
        yield _error("stage2_train", f"lacks {lacking.sum()} videos of the stage-1 partitions")
    if extra.any():
        yield _difference("stage2_train", f"holds {extra.sum()} videos that are in no stage-1 partition")


def _partitions(table: FeatureTable, dataset: Dataset) -> Iterator[Finding]:
    for partition in PARTITIONS:
        # Splits share most partitions; each list of classes is compared once.
        variants: dict[PartitionFacts, list[str]] = {}
        for split in sorted(dataset.splits, reverse=True):
            variants.setdefault(dataset.facts(split)[partition], []).append(split)
        for facts, splits in variants.items():
            name = partition if len(variants) == 1 else f"{partition} ({', '.join(splits)})"
            for text in _differences(table, dataset, partition, facts):
                yield _difference(name, text)
        listed = {c for facts in variants for c in facts.classes}
        unlisted = sorted(set(table.label[_in(table, partition)].tolist()) - listed)
        if unlisted:
            yield _difference(partition, f"holds classes that no split lists there: {_classes(dataset, unlisted)}")


def _differences(table: FeatureTable, dataset: Dataset, partition: str, facts: PartitionFacts) -> Iterator[str]:
    there = _in(table, partition) & np.isin(table.label, facts.classes)
    count = dict(zip(*(a.tolist() for a in np.unique(table.label[there], return_counts=True)), strict=True))
    missing = [c for c in facts.classes if c not in count]
    if missing:
        yield f"no videos of {_classes(dataset, missing)}"
    if there.sum() != sum(facts.videos):
        yield f"{there.sum()} videos, standard {sum(facts.videos)}"
    standard = dict(zip(facts.classes, facts.videos, strict=True))
    other = [c for c in count if count[c] != standard[c]]
    if other:
        shown = [f"{dataset.class_names[c]} {count[c]} (standard {standard[c]})" for c in other]
        yield f"other counts in {_some(shown)}"
    # Other counts imply other ids, and simulated videos have ids of their own.
    if not (missing or other or table.simulated or facts.ids_sha256 is None):
        ids = sorted(table.video_id[i] for i in np.flatnonzero(there))
        if hashlib.sha256("\n".join(ids).encode()).hexdigest() != facts.ids_sha256:
            yield "as many videos as standard, but other ids"


def _in(table: FeatureTable, partition: str) -> NDArray[np.bool_]:
    return np.asarray((table.partition & partition_bit(partition)) != 0, np.bool_)


def _classes(dataset: Dataset, ids: list[int]) -> str:
    names = dataset.class_names
    return _some([names[c] if c < len(names) else f"id {c}" for c in ids])


def _some(names: list[str]) -> str:
    shown = ", ".join(names[:_NAMED])
    plural = "class" if len(names) == 1 else "classes"
    return f"{len(names)} {plural}: {shown}" + (", ..." if len(names) > _NAMED else "")
