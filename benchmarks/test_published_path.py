"""Both ways of an epoch of ClipClap-GZSL come to the same; how long they take is measured, never asserted."""

from __future__ import annotations

import naive_clipclap as naive
import pytest
import torch
from published_path import both_ways


@pytest.fixture(autouse=True)
def data(tmp_path, monkeypatch):
    monkeypatch.setenv("AVBENCH_DATA", str(tmp_path))


@pytest.fixture
def ways():
    return both_ways(naive.listed, batches_per_epoch=20)


def test_both_evaluations_find_the_same_bias(ways):
    (_, theirs), (train, ours) = ways
    train()
    figures, bias = ours()
    assert theirs() == (pytest.approx(figures.hm, abs=1e-6), pytest.approx(bias))


def test_both_trainings_learn(ways):
    for train, _ in ways:
        first = train()["total"]
        assert train()["total"] < first


def test_both_collations_make_the_same_batch(ways):
    (train, _), _ = ways
    method, samples, _ = train.args
    videos = naive.ContrastedVideos(samples.videos, samples.label.numpy(), method.train_text)
    some = [videos[i] for i in range(5)]
    one, other = naive.listed(some), naive.stacked(some)
    assert torch.equal(one["negative"]["audio"], other["negative"]["audio"])
    assert torch.equal(naive.batch_of(one, videos).label, samples.label[:5])
    assert all(s["positive"]["label"] != s["negative"]["label"] for s in some)


@pytest.mark.parametrize("widths", ["clip_clap", "simulated"])
def test_ratio(paired, widths):
    theirs, ours = both_ways(naive.listed, widths=widths, batches_per_epoch=20)
    paired(
        lambda: [part() for part in theirs],
        lambda: [part() for part in ours],
        repeats=3,
        meaning=f"ClipClap epoch of 20 batches and an evaluation, {widths} widths, as published / as here",
    )
