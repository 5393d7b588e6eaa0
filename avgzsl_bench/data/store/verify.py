"""Checking a store against itself and against the facts of its dataset."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import partial
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from avgzsl_bench.data.datasets.facts import PARTITIONS, STAGE1_BITS, Dataset, PartitionFacts, partition_bit
from avgzsl_bench.data.datasets.standard import compare
from avgzsl_bench.data.store.extraction import FILE_NAME, extraction_facts
from avgzsl_bench.data.store.faults import row_faults
from avgzsl_bench.data.store.fingerprint import fingerprint
from avgzsl_bench.data.store.store import StoreHeader, read_table
from avgzsl_bench.data.store.table import FeatureTable
from avgzsl_bench.errors import DataError

_NAMED = 5
"""Number of classes that a line names before it only counts the rest."""


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


class Videos(Protocol):
    """What the lists of a dataset say of `N` videos: class id, mask of partitions and id, as in `FeatureTable`."""

    @property
    def label(self) -> NDArray[np.int64]:
        """Class id of each video: int64 `[N]`."""

    @property
    def partition(self) -> NDArray[np.uint8]:
        """Mask of partitions of each video: uint8 `[N]`."""

    @property
    def video_id(self) -> Sequence[str]:
        """`N` unique ids."""


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
    return StoreReport(header, (*_extraction(header), *findings))


def _extraction(header: StoreHeader) -> Iterator[Finding]:
    """Check that what is said of an extraction is said of this store."""
    try:
        facts = extraction_facts(header)
    except DataError as error:
        yield _error(FILE_NAME, str(error))
        return
    if facts is None:
        return
    if facts.fingerprint != header.fingerprint:
        yield _error(FILE_NAME, f"is of a store {facts.fingerprint[:12]}, this one is {header.fingerprint[:12]}")
    if facts.computed_sha256 != facts.recipe_sha256:
        yield _error(FILE_NAME, "the recipe has another hash than the file says: altered")


def findings_of(table: FeatureTable, dataset: Dataset) -> tuple[Finding, ...]:
    """Check a table: counts and ids per partition and class under every split, overlaps, text embeddings."""
    return (*_integrity(table, dataset), *list_findings(table, dataset, simulated=table.simulated))


def _integrity(table: FeatureTable, dataset: Dataset) -> Iterator[Finding]:
    if table.dataset != dataset.name:
        yield _error("dataset", f"holds {table.dataset}, expected {dataset.name}")
    used = sorted(set(table.label.tolist()))
    for encoder, vectors in table.text.items():
        if len(vectors) != len(dataset.classes):
            classes = f"{dataset.name} has {len(dataset.classes)} classes"
            yield _error(f"text {encoder}", f"{len(vectors)} rows, {classes}")
        elif np.isnan(vectors[used]).any():
            without = [c for c in used if np.isnan(vectors[c]).any()]
            yield _error(f"text {encoder}", f"no vector for {_classes(dataset, without)}")
    yield from (_error(*fault) for fault in row_faults(table.label, table.partition, table.video_id, dataset))
    extra = _in(table, "stage2_train") & ((table.partition & STAGE1_BITS) == 0)
    if extra.any():
        yield _difference("stage2_train", f"holds {extra.sum()} videos that are in no stage-1 partition")


def list_findings(videos: Videos, dataset: Dataset, *, simulated: bool = False) -> Iterator[Finding]:
    """Compare videos with the standard ones of each partition: counts and ids under every split.

    Args:
        videos: those of all partitions.
        dataset: its facts are the standard.
        simulated: the videos are simulated, and their ids are not compared.
    """
    for partition in PARTITIONS:
        # Splits share most partitions; each list of classes is compared once.
        variants: dict[PartitionFacts, list[str]] = {}
        for split in sorted(dataset.splits, reverse=True):
            variants.setdefault(dataset.facts(split)[partition], []).append(split)
        for facts, splits in variants.items():
            name = partition if len(variants) == 1 else f"{partition} ({', '.join(splits)})"
            for text in _differences(videos, dataset, partition, facts, simulated=simulated):
                yield _difference(name, text)
        listed = {c for facts in variants for c in facts.classes}
        unlisted = sorted(set(videos.label[_in(videos, partition)].tolist()) - listed)
        if unlisted:
            yield _difference(partition, f"holds classes that no split lists there: {_classes(dataset, unlisted)}")


def _differences(
    videos: Videos, dataset: Dataset, partition: str, facts: PartitionFacts, *, simulated: bool
) -> Iterator[str]:
    inside = np.flatnonzero(_in(videos, partition))

    def ids(rows: NDArray[np.int64]) -> list[str]:
        return [videos.video_id[i] for i in inside[rows]]

    found = compare(facts, videos.label[inside], None if simulated else ids)
    missing = [c for c in facts.classes if not found.count[c]]
    if missing:
        yield f"no videos of {_classes(dataset, missing)}"
    if found.present != sum(facts.videos):
        yield f"{found.present} videos, standard {sum(facts.videos)}"
    standard = dict(zip(facts.classes, facts.videos, strict=True))
    other = [c for c in found.other if found.count[c]]
    if other:
        shown = [f"{dataset.class_names[c]} {found.count[c]} (standard {standard[c]})" for c in other]
        yield f"other counts in {_some(shown)}"
    if found.other_ids:
        yield "as many videos as standard, but other ids"


def _in(videos: Videos, partition: str) -> NDArray[np.bool_]:
    return np.asarray((videos.partition & partition_bit(partition)) != 0, np.bool_)


def _classes(dataset: Dataset, ids: list[int]) -> str:
    names = dataset.class_names
    return _some([names[c] if c < len(names) else f"id {c}" for c in ids])


def _some(names: list[str]) -> str:
    shown = ", ".join(names[:_NAMED])
    plural = "class" if len(names) == 1 else "classes"
    return f"{len(names)} {plural}: {shown}" + (", ..." if len(names) > _NAMED else "")
