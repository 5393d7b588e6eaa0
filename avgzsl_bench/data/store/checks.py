"""Checks of a feature table before it is stored, and after it is read back."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from avgzsl_bench.data.datasets.facts import PARTITIONS
from avgzsl_bench.data.store.blocks import all_finite
from avgzsl_bench.data.store.table import LONGEST_ID, Feature, FeatureTable, Ragged
from avgzsl_bench.errors import DataError


def check_table(table: FeatureTable, where: str) -> None:
    """Check shapes, types, ranges, order and finiteness of a table; `where` names its place, such as a file.

    Raises:
        DataError: a check fails.
    """
    if problem := _problem(table):
        raise DataError(f"{where}: {problem}")


def check_rows(table: FeatureTable, where: str) -> None:
    """Check class ids, partitions and video ids of a table as `check_table` does, without a look at the features.

    Raises:
        DataError: a check fails.
    """
    if problem := _shape_problem(table) or _row_problem(table):
        raise DataError(f"{where}: {problem}")


def _problem(table: FeatureTable) -> str | None:
    videos = len(table.video_id)
    return (
        _shape_problem(table)
        or _feature_problem("audio", table.audio, videos)
        or _feature_problem("visual", table.visual, videos)
        or _text_problem(table)
        or _row_problem(table)
    )


def _shape_problem(table: FeatureTable) -> str | None:
    videos = len(table.video_id)
    if videos == 0:
        return "holds no videos"
    for name, values, dtype in (("labels", table.label, np.int64), ("partitions", table.partition, np.uint8)):
        if values.shape != (videos,) or values.dtype != dtype:
            return f"{name} have shape {values.shape} and type {values.dtype} for {videos} videos"
    if not 0 < table.partition.min() <= table.partition.max() < 1 << len(PARTITIONS):
        return "a video is in no partition, or in one that does not exist"
    return None


def _feature_problem(name: str, feature: Feature, videos: int) -> str | None:
    values = feature.values if isinstance(feature, Ragged) else feature
    if values.ndim != 2 or values.dtype != np.float32 or values.shape[1] == 0:
        return f"{name} has shape {values.shape} and type {values.dtype}, expected float32 in two dimensions"
    if isinstance(feature, Ragged):
        offsets = feature.offsets
        if not 0 < feature.seconds < float("inf"):
            return f"{name} steps are {feature.seconds} seconds apart"
        if offsets.shape != (videos + 1,) or offsets.dtype != np.int64:
            return f"{name} offsets have shape {offsets.shape} and type {offsets.dtype} for {videos} videos"
        if offsets[0] != 0 or offsets[-1] != len(values) or np.any(offsets[1:] <= offsets[:-1]):
            return f"{name} offsets are not ascending from 0 to {len(values)}"
    elif len(values) != videos:
        return f"{name} has {len(values)} rows for {videos} videos"
    return None if all_finite(values) else f"{name} holds a value that is not finite"


def _text_problem(table: FeatureTable) -> str | None:
    rows = {len(vectors) for vectors in table.text.values()}
    if len(rows) > 1:
        return f"text encoders disagree on the number of classes: {sorted(rows)}"
    for encoder, vectors in table.text.items():
        if vectors.ndim != 2 or vectors.dtype != np.float32 or 0 in vectors.shape:
            return f"text {encoder!r} has shape {vectors.shape} and type {vectors.dtype}"
        absent = np.isnan(vectors).all(axis=1)
        if not np.isfinite(vectors[~absent]).all():
            return f"text {encoder!r} holds a value that is not finite"
    if rows and table.label.max() >= min(rows):
        return f"label {table.label.max()} is beyond the {min(rows)} classes of the text embeddings"
    return None


def _row_problem(table: FeatureTable) -> str | None:
    if table.label.min() < 0:
        return f"label {table.label.min()} is negative"
    if len(set(table.video_id)) != len(table.video_id):
        return "a video id occurs twice"
    bad = next((i for i in table.video_id if not i or not i.isprintable()), None)
    if bad is not None:
        return f"video id {bad!r} is empty or holds control characters"
    long = next((i for i in table.video_id if len(i) > LONGEST_ID), None)
    if long is not None:
        return f"video id {long[:60]!r}... is longer than {LONGEST_ID} characters"
    rows = zip(table.label.tolist(), table.video_id, strict=True)
    if any(a > b for a, b in pairwise(rows)):
        return "videos are not in the order of class id and video id"
    return None
