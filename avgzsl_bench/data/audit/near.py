"""Check for near duplicates: videos of different ids and partitions, almost the same in both modalities."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from avgzsl_bench.data.audit.finding import Finding, finding, some
from avgzsl_bench.data.audit.survey import Survey
from avgzsl_bench.data.datasets.facts import PARTITIONS, STAGES

_CLOSE = 0.02
"""Near: a distance below this share of the usual distance between two videos."""
_PAIRS = 4096
"""Pairs of videos that the usual distance, a median, is taken of: a few outliers do not move it."""


def check_near(survey: Survey) -> Iterator[Finding]:
    """Check for scored videos that are almost the same as one of another partition of their stage."""
    if len(survey.vectors) < 2:
        return
    sketch, mask, ids = _joint(survey)
    for training, of_seen, of_unseen in STAGES:
        scored = mask[of_seen] | mask[of_unseen]
        pairs = _near(sketch, scored & ~mask[training], mask[training])
        if pairs:
            text = f"{len(pairs)} scored videos are almost equal to a training video: {_shown(pairs, ids)}"
            yield finding("near-duplicate/trained", f"{training} and scored partitions", text)
        pairs = _near(sketch, mask[of_unseen] & ~mask[of_seen], mask[of_seen])
        if pairs:
            text = f"{len(pairs)} videos are almost equal to one of the other: {_shown(pairs, ids)}"
            yield finding("near-duplicate/scored", f"{of_seen} and {of_unseen}", text)


def _shown(pairs: list[tuple[int, int]], ids: list[str]) -> str:
    return some([f"{ids[i]} and {ids[k]}" for i, k in pairs], 3)


def _near(
    sketch: NDArray[np.float64], queries: NDArray[np.bool_], others: NDArray[np.bool_]
) -> list[tuple[int, int]]:
    """Pair each row of the first mask with the nearest row of the second one, where one is close."""
    from scipy.spatial import cKDTree

    rows, places = np.flatnonzero(queries), np.flatnonzero(others)
    if not len(rows) or not len(places):
        return []
    unique, first = np.unique(sketch[places], axis=0, return_index=True)
    distance, nearest = cKDTree(unique).query(sketch[rows], distance_upper_bound=_CLOSE)
    return [(int(rows[i]), int(places[first[nearest[i]]])) for i in np.flatnonzero(np.isfinite(distance))]


def _joint(survey: Survey) -> tuple[NDArray[np.float64], dict[str, NDArray[np.bool_]], list[str]]:
    """Join the sketches of both modalities, in units of their usual distances, each video once."""
    first: list[dict[str, int]] = []
    for vectors in survey.vectors.values():
        sound = np.flatnonzero(vectors.finite & (vectors.norm > 0))
        places: dict[str, int] = {}
        for i in sound:
            places.setdefault(vectors.video_id[i], int(i))
        first.append(places)
    ids = sorted(first[0].keys() & first[1].keys())
    parts = []
    for places, vectors in zip(first, survey.vectors.values(), strict=True):
        rows = vectors.sketch[[places[i] for i in ids]]
        parts.append(rows / _usual_distance(rows))
    audio = next(iter(survey.vectors.values()))
    mask = {}
    for partition in PARTITIONS:
        inside = set(audio.ids(partition))
        mask[partition] = np.array([video in inside for video in ids], bool)
    mask["stage2_train"] |= np.any([mask[p] for p in STAGES[0]], axis=0)
    return np.concatenate(parts, axis=1), mask, ids


def _usual_distance(rows: NDArray[np.float64]) -> float:
    """Compute the median distance of random pairs of different rows; 1 if there are none."""
    if len(rows) < 2:
        return 1.0
    random = np.random.RandomState(len(rows))
    one = random.randint(0, len(rows), _PAIRS)
    other = (one + random.randint(1, len(rows), _PAIRS)) % len(rows)
    distance = np.linalg.norm(rows[one] - rows[other], axis=1)
    return float(np.median(distance)) or 1.0
