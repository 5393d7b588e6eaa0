"""Provenance of a row: versions, configuration, data, devices and durations of its runs."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import TYPE_CHECKING

from avgzsl_bench.data.datasets.standard import differences_text
from avgzsl_bench.records.data_facts import DataFacts
from avgzsl_bench.report.text import one_line

if TYPE_CHECKING:
    from collections.abc import Iterable

    from avgzsl_bench.records.collect import BoardKey
    from avgzsl_bench.records.record import Record
    from avgzsl_bench.report.stats.rows import ResultRow

_TOGETHER = "seeds_together"
_REVISION = "revision"
_PROCESSOR = ("cpu", "vectors")
"""What the environment says of the processor: its model, and the vector instructions that torch uses."""
NOT_RECORDED = "not recorded"
"""In place of the code and the numerics of a row."""
_DIRTY = {True: "yes", False: "no", None: None}


def training_seconds(row: ResultRow) -> float | None:
    """Average over seeds the seconds that both stages took on the devices named; None if not recorded.

    Left out are seeds that trained together with others: a share of their time is not that of a single run.
    """
    single = [run.record for run in row.runs if _TOGETHER not in run.record.timing]
    seconds = [found for record in single if (found := record.training_seconds) is not None]
    return sum(seconds) / len(seconds) if seconds else None


def provenance_of(row: ResultRow, key: BoardKey) -> dict[str, str]:
    """Describe the provenance of a row, by name; a value that differs between its runs is given once for each.

    Returns:
        `configuration` as JSON, `seeds`, `run_ids`, `fingerprint`, `split_hash`, `calibration`, `text_order`,
        `origin` of the vectors, `other_videos` than the standard in each partition, `precision`, `distribution`,
        `code`, `numerics`, `commit`, `dirty`, `versions`, `revision`, `device`, `processor`, `started`, and
        `seconds` of training of each seed.
    """
    records = [run.record for run in row.runs]
    facts = DataFacts.of(records)
    return {
        "configuration": json.dumps(row.method.config, ensure_ascii=False, sort_keys=True),
        "seeds": " ".join(map(str, row.seeds)),
        "run_ids": " ".join(record.run_id for record in records),
        "fingerprint": key.data.fingerprint,
        "split_hash": key.data.split_hash,
        "calibration": key.calibration,
        "text_order": key.data.text_order,
        "origin": one_line(" / ".join(facts.origins)),
        "other_videos": differences_text(facts.differences) or "none",
        "precision": row.options.get("precision", "full"),
        "distribution": one_line(f"{row.method.distribution} {row.method.version}"),
        "code": row.method.code or NOT_RECORDED,
        "numerics": NOT_RECORDED if row.numerics is None else str(row.numerics),
        "commit": _distinct(record.method.commit for record in records),
        "dirty": _distinct(_DIRTY[record.method.dirty] for record in records),
        "versions": one_line(_versions(records)),
        "revision": one_line(_distinct(record.environment.get(_REVISION) for record in records)),
        "device": one_line(_distinct(record.device for record in records)),
        "processor": one_line(_distinct(map(_processor, records))),
        "started": one_line(" ".join(str(record.timing.get("started", "unknown")) for record in records)),
        "seconds": " ".join(map(_seconds_text, records)),
    }


def _seconds_text(record: Record) -> str:
    seconds, together = record.training_seconds, record.timing.get(_TOGETHER)
    text = "unknown" if seconds is None else f"{seconds:.3f}"
    return text if together is None else f"{text} (a share: {together} seeds together)"


def _processor(record: Record) -> str:
    return ", ".join(found for name in _PROCESSOR if (found := record.environment.get(name)))


def _versions(records: Iterable[Record]) -> str:
    found: dict[str, list[str | None]] = defaultdict(list)
    for record in records:
        for name, version in record.environment.items():
            found[name].append(version)
    elsewhere = (_REVISION, *_PROCESSOR)
    return "; ".join(f"{name} {_distinct(found[name])}" for name in sorted(found) if name not in elsewhere)


def _distinct(values: Iterable[str | None]) -> str:
    return " / ".join(dict.fromkeys(value or "unknown" for value in values))
