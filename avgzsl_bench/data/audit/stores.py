"""Survey of an installed store."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from avgzsl_bench.data.audit.survey import Collector, Survey, Text
from avgzsl_bench.data.datasets.facts import Dataset
from avgzsl_bench.data.datasets.feature_sets import SIMULATED
from avgzsl_bench.data.store.fingerprint import fingerprint
from avgzsl_bench.data.store.store import StoreHeader, read_table
from avgzsl_bench.data.store.table import Feature, FeatureTable, Ragged

_BLOCK = 256
"""Videos at a time."""


def survey_store(header: StoreHeader, dataset: Dataset) -> Survey:
    """Survey a store.

    Raises:
        DataError: it cannot be read.
    """
    table = read_table(header)
    survey = Survey(f"{header.dataset} {header.features}", "store", dataset, simulated=header.simulated)
    if fingerprint(table) != header.fingerprint:
        survey.findings.add("fingerprint", str(header.path), "the content does not match the fingerprint")
    if table.label.max() >= len(dataset.classes):
        text = f"class id {table.label.max()}, {dataset.name} has {len(dataset.classes)} classes"
        survey.findings.add("labels", str(header.path), text)
    collectors = {"audio": _collect(table, table.audio), "visual": _collect(table, table.visual)}
    survey.take(collectors, sequences=header.sequences)
    for encoder, vectors in table.text.items():
        present = np.flatnonzero(~np.isnan(vectors).any(axis=1))
        survey.text[encoder] = Text(f"text {encoder}", vectors[present], present, by_row=False)
    if header.features == SIMULATED:
        survey.features = None
    return survey


def _collect(table: FeatureTable, feature: Feature) -> Collector:
    values = feature.values if isinstance(feature, Ragged) else feature
    collector = Collector(values.shape[1])
    for start in range(0, len(table), _BLOCK):
        rows = slice(start, min(start + _BLOCK, len(table)))
        if isinstance(feature, Ragged):
            ends = feature.offsets[rows.start : rows.stop + 1]
            arrays = [values[a:b] for a, b in pairwise(ends)]
        else:
            arrays = list(values[rows])
        collector.add(table.label[rows], table.partition[rows], table.video_id[rows], arrays)
    return collector
