"""The scores of a video have the same bits wherever it stands, so that a record does not depend on the order."""

from __future__ import annotations

import pytest
import torch

import avgzsl_bench as ab
from avgzsl_bench.testing.trial import Trial


@pytest.mark.parametrize("name", [spec.name for spec in ab.list_methods()])
def test_a_score_has_the_same_bits_in_any_order(name):
    """With one thread, as in all tests."""
    trial = Trial.of(name)
    scorer, videos = trial.trained().scorer(trial.task.classes), trial.task.videos
    scores = scorer(videos)
    for seed in range(3):
        order = torch.randperm(len(videos), generator=torch.Generator().manual_seed(seed))
        assert torch.equal(scorer(videos.take(order)), scores[order])
