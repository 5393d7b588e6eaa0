"""The exact seen-unseen curve against a loop over the 76 biases of a published grid."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from avgzsl_bench.gzsl.curve import curve_of
from avgzsl_bench.gzsl.decisions import GroundTruth, decide

VIDEOS, SEEN, UNSEEN = 20_000, 207, 69
BIASES = np.linspace(0, 5, 76)


@pytest.fixture(scope="module")
def problem():
    generator = torch.Generator().manual_seed(0)
    scores = torch.randn(VIDEOS, SEEN + UNSEEN, generator=generator)
    label = torch.randint(SEEN + UNSEEN, (VIDEOS,), generator=generator)
    scores[torch.arange(VIDEOS), label] += 2
    return scores, label.numpy(), np.arange(SEEN), np.arange(SEEN, SEEN + UNSEEN)


def exact(scores, label, seen, unseen):
    curve = curve_of(decide(scores, seen, unseen), GroundTruth(label, seen, unseen))
    return float(curve.hm_at(BIASES).max())


def loop(scores, label, seen, unseen):
    """Subtract each bias from the seen scores, take the arg max, average per class; vectorised within a bias."""
    count = np.bincount(label, minlength=scores.shape[1])
    penalty = torch.zeros(scores.shape[1])
    penalty[torch.from_numpy(seen)] = 1
    best = 0.0
    for bias in BIASES:
        predicted = (scores - bias * penalty).argmax(dim=1).numpy()
        accuracy = np.bincount(label[predicted == label], minlength=scores.shape[1]) / count
        s, u = accuracy[seen].mean(), accuracy[unseen].mean()
        best = max(best, 2 * s * u / (s + u) if s + u else 0.0)
    return best


@pytest.mark.benchmark(group="curve")
def test_exact_curve(benchmark, problem):
    benchmark(exact, *problem)


@pytest.mark.benchmark(group="curve")
def test_loop_over_76_biases(benchmark, problem):
    benchmark.pedantic(loop, args=problem, rounds=3)


def test_ratio(paired, problem):
    assert exact(*problem) == pytest.approx(loop(*problem), abs=1e-6)
    paired(
        lambda: loop(*problem),
        lambda: exact(*problem),
        repeats=7,
        meaning="loop over 76 biases / exact curve, 20,000 videos x 276 classes",
    )
