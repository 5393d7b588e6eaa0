"""The audit: every check, on the data of a folder or on a store."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path

import numpy as np

from avgzsl_bench.data.audit import caches, trees
from avgzsl_bench.data.audit.csvs import check_csvs
from avgzsl_bench.data.audit.finding import Audit, finding
from avgzsl_bench.data.audit.lists import check_lists
from avgzsl_bench.data.audit.near import check_near
from avgzsl_bench.data.audit.partitions import check_partitions
from avgzsl_bench.data.audit.recordings import check_recordings
from avgzsl_bench.data.audit.stores import survey_store
from avgzsl_bench.data.audit.survey import Survey
from avgzsl_bench.data.audit.text_rows import check_text
from avgzsl_bench.data.audit.values import check_values
from avgzsl_bench.data.datasets.facts import Dataset
from avgzsl_bench.data.datasets.feature_sets import SIMULATED
from avgzsl_bench.data.store.store import StoreHeader
from avgzsl_bench.errors import DataError
from avgzsl_bench.system.files import os_reason

_CHECKS = (check_text, check_partitions, check_lists, check_csvs, check_recordings, check_values, check_near)


def audit_path(
    path: Path, datasets: Sequence[Dataset], report: Callable[[str], None] = lambda step: None
) -> list[Audit]:
    """Audit every published feature set and cache at or below a folder, or one cache file.

    Memory stays in proportion to the largest class file (a cache is one file) and to the number of videos.

    Args:
        path: the folder or file.
        datasets: those that may be recognised.
        report: called with each step before it begins, for display.

    Raises:
        DataError: nothing is recognised, or the folder cannot be listed.
    """
    report(f"looking through {path}")
    try:
        surveys: Iterator[Survey | Audit] = caches.find_surveys(path, datasets, report)
        if path.is_dir():
            surveys = chain(trees.find_surveys(path, datasets, report), surveys)
        with np.errstate(all="ignore"):  # what overflows is reported as not finite
            audits = [item if isinstance(item, Audit) else _audit(item) for item in surveys]
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {os_reason(error)} ({error.filename})") from error
    if not audits:
        raise DataError(
            f"{path}: {'nothing recognised' if path.exists() else 'no such file or folder'}; looked for "
            "[DATASET/][features/]SET/{audio,video}/stage_1_train/CLASS.h5 or .pkl, and for caches such as "
            "_features_processed/SET/trainingmain_split.pkl"
        )
    return audits


def audit_store(header: StoreHeader, dataset: Dataset) -> Audit:
    """Audit an installed store.

    Raises:
        DataError: it cannot be read.
    """
    return replace(_audit(survey_store(header, dataset)), features=header.features)


def unreadable_store(path: Path, reason: str, dataset: str, features: str = "unknown") -> Audit:
    """Make the audit of a store, or of a dataset's folder, that cannot be read for a reason."""
    findings = (finding("unreadable", str(path), reason.removeprefix(f"{path}: ")),)
    return Audit(f"{dataset} {features}", "store", findings, dataset, features, features == SIMULATED)


def _audit(survey: Survey) -> Audit:
    found = [*survey.findings, *chain.from_iterable(check(survey) for check in _CHECKS)]
    return Audit(
        target=survey.target,
        kind=survey.kind,
        dataset=survey.dataset.name,
        features=survey.features.name if survey.features else "unknown",
        simulated=survey.simulated,
        videos=len(set(chain.from_iterable(v.video_id for v in survey.vectors.values()))),
        findings=tuple(sorted(found, key=lambda f: f.severity.rank)),
    )
