from __future__ import annotations

import pytest
import torch

from avgzsl_bench.errors import RunError
from avgzsl_bench.method.sampling import ClassBalancedSampler

LABEL = torch.tensor([3, 0, 0, 0, 0, 0, 0, 0, 3, 4])  # classes 1 and 2 have no videos


def test_classes_are_drawn_evenly_and_videos_evenly_within_them():
    drawn = ClassBalancedSampler(LABEL, seed=0).draw(300, 100).flatten()
    share = torch.bincount(drawn, minlength=len(LABEL)) / len(drawn)
    assert torch.allclose(share[LABEL == 0], torch.tensor(1 / 21), atol=0.01)
    assert torch.allclose(share[LABEL == 3], torch.tensor(1 / 6), atol=0.01)
    assert torch.allclose(share[LABEL == 4], torch.tensor(1 / 3), atol=0.01)


def test_draws_depend_on_the_seed_and_on_nothing_else():
    first = ClassBalancedSampler(LABEL, seed=1).draw(4, 5)
    torch.rand(10)
    assert torch.equal(ClassBalancedSampler(LABEL, seed=1).draw(4, 5), first)
    assert not torch.equal(ClassBalancedSampler(LABEL, seed=2).draw(4, 5), first)


def test_epochs_differ():
    sampler = ClassBalancedSampler(LABEL, seed=1)
    assert not torch.equal(sampler.draw(4, 5), sampler.draw(4, 5))


def test_a_class_with_one_video_is_no_trouble():
    assert ClassBalancedSampler(torch.tensor([0]), seed=0).draw(2, 3).tolist() == [[0, 0, 0], [0, 0, 0]]


def test_negatives_are_of_another_class_evenly():
    sampler = ClassBalancedSampler(LABEL, seed=0)
    positives = sampler.draw(200, 100)
    negatives = sampler.draw_negatives(positives)
    assert negatives.shape == positives.shape
    assert not (LABEL[negatives] == LABEL[positives]).any()
    for own, others in ((0, (3, 4)), (3, (0, 4)), (4, (0, 3))):
        of_own = LABEL[negatives[LABEL[positives] == own]]
        for other in others:
            assert abs(float((of_own == other).float().mean()) - 0.5) < 0.03
    of_zero = negatives[(LABEL[positives] == 4) & (LABEL[negatives] == 0)]
    assert torch.allclose(torch.bincount(of_zero)[1:8] / len(of_zero), torch.tensor(1 / 7), atol=0.03)


def test_negatives_need_two_classes():
    sampler = ClassBalancedSampler(torch.tensor([0, 0]), seed=0)
    with pytest.raises(RunError, match="at least two classes"):
        sampler.draw_negatives(sampler.draw(1, 2))
