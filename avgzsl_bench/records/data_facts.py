"""What records say of their data beyond its identity: videos that are not standard, and where vectors came from.

A record that an older version wrote says neither; its counts and test classes are compared with the standard.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from avgzsl_bench.data.datasets.facts import DISJOINT, PARTITIONS
from avgzsl_bench.data.datasets.feature_sets import PUBLISHED
from avgzsl_bench.data.datasets.recordings import SEEN_OF_TRAINING
from avgzsl_bench.data.datasets.registry import registered_datasets
from avgzsl_bench.data.datasets.standard import MOST_VIDEOS, PartitionDifference, differences_summary
from avgzsl_bench.data.store.origin import ADDED, origin_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from avgzsl_bench.data.datasets.facts import Dataset, PartitionFacts
    from avgzsl_bench.data.datasets.standard import Differences
    from avgzsl_bench.records.record import Record

_BY_HAND = ["vectors added by hand"]
_PUBLISHED = frozenset(f.name for f in PUBLISHED)


def differences_of(record: Record) -> Differences:
    """Find how the videos of a record differ from the standard, by what it says, else by its numbers of videos."""
    if record.data.differences is not None:
        return record.data.differences
    dataset = registered_datasets().get(record.data.dataset)
    if dataset is None or record.data.split not in dataset.split_names:
        return {}
    return _counted(record, dataset)


def _counted(record: Record, dataset: Dataset) -> Differences:
    """Compare the numbers of videos of a record with the standard, in each partition and test class.

    Left out are partitions that the record does not count, and those of which a source-disjoint view keeps a part.
    """
    split, counts = record.data.split, record.data.counts
    partial = SEEN_OF_TRAINING if split.endswith(DISJOINT) else ()
    found = {}
    for name, facts in dataset.facts(split).items():
        standard, present = sum(facts.videos), counts.get(name)
        if present is None or not standard or name in partial:
            continue
        if present != standard or _other_classes(record, dataset, name, facts):
            found[name] = PartitionDifference(present=min(max(present, 0), MOST_VIDEOS), standard=standard)
    return {name: found[name] for name in PARTITIONS if name in found}


def _other_classes(record: Record, dataset: Dataset, partition: str, facts: PartitionFacts) -> bool:
    """Check whether the test classes of a partition have other numbers of videos than the standard."""
    role = partition.removeprefix("stage2_test_")
    present = {c.name: c.videos for c in record.classes if c.role == role and c.videos}
    standard = {dataset.class_names[c]: n for c, n in zip(facts.classes, facts.videos, strict=True) if n}
    return role in ("seen", "unseen") and present != standard


def origin_of(record: Record) -> str:
    """Write where the vectors of a record came from; an old record says only whether they are simulated."""
    data = record.data
    return origin_text(data.origin or ("simulated" if data.simulated else None), data.layout)


@dataclass(frozen=True)
class DataFacts:
    """What several records of the same data say of it.

    Attributes:
        differences: how the videos differ from the standard.
        origins: where the vectors came from, each text once.
        added: vectors were added by hand.
        misnamed: they were, and have the name of a published feature set, as older versions let happen.
    """

    differences: Differences
    origins: tuple[str, ...]
    added: bool
    misnamed: bool

    @classmethod
    def of(cls, records: Iterable[Record]) -> DataFacts:
        """Gather the facts of records of the same data."""
        listed = list(records)
        differing = (found for record in listed if (found := differences_of(record)))
        origins = tuple(dict.fromkeys(map(origin_of, listed)))
        added = {record.data.features for record in listed if record.data.origin == ADDED}
        return cls(next(differing, {}), origins, bool(added), not added.isdisjoint(_PUBLISHED))

    @property
    def marks(self) -> list[str]:
        """Parts of names of files that distinguish these data from the published ones."""
        return [*(["other-videos"] if self.differences else []), *([ADDED] if self.misnamed else [])]

    @property
    def remarks(self) -> list[str]:
        """Words for headings that do the same, one for each of `marks`."""
        return [*self._videos, *(_BY_HAND if self.misnamed else [])]

    @property
    def obstacles(self) -> list[str]:
        """Reasons why figures on these data cannot be compared with published ones, a few words each."""
        return [*self._videos, *(_BY_HAND if self.added else [])]

    @property
    def _videos(self) -> list[str]:
        summary = differences_summary(self.differences)
        return [f"other videos than the standard: {summary}"] if summary else []
