"""Comparison with the standard videos of each partition, for features and csvs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations

import numpy as np

from avgzsl_bench.data.audit.finding import Finding, finding, some
from avgzsl_bench.data.audit.survey import Survey
from avgzsl_bench.data.datasets import standard
from avgzsl_bench.data.datasets.facts import STAGES, PartitionFacts


def overlaps(ids: Mapping[str, set[str]]) -> Iterator[tuple[str, str, list[str]]]:
    """Find videos in two partitions of a stage: the two, and the ids in order.

    All of stage 1 is trained on in stage 2, whatever its training partition holds.
    """
    stage1, stage2 = STAGES
    trained = set().union(*(ids[p] for p in (*stage1, "stage2_train")))
    for one, other in (*combinations(stage1, 2), *combinations(stage2, 2)):
        both = sorted((trained if one == "stage2_train" else ids[one]) & ids[other])
        if both:
            yield one, other, both


def compare(survey: Survey, label: Mapping[str, int], facts: PartitionFacts, where: str) -> Iterator[Finding]:
    """Compare the videos of a partition with the standard: number per class, then ids.

    Args:
        survey: the survey that they belong to.
        label: class id by video id; classes that the standard lacks are left out.
        facts: the standard.
        where: place to name in findings.
    """
    videos = list(label)
    labels = np.fromiter(label.values(), np.int64, len(label))
    found = standard.compare(facts, labels, None if survey.simulated else lambda rows: [videos[i] for i in rows])
    if found.other:
        expected = dict(zip(facts.classes, facts.videos, strict=True))
        shown = [f"{survey.name(c)} {found.count[c]} of {expected[c]}" for c in found.other]
        text = f"{found.present} videos, standard {sum(facts.videos)}"
        yield finding("standard-counts", where, f"{text}; other counts in {len(shown)} classes: {some(shown, 3)}")
    elif found.other_ids:
        text = f"sha256 of the ids is {found.ids_sha256:.12}, of the standard ones {facts.ids_sha256:.12}"
        yield finding("standard-ids", where, text)
