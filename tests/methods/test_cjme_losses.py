"""The losses of CJME on fixed tensors."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from cjme_cases import fixture_embedded, losses_of
from reference_values import doubles
from torch.nn import functional as F

from avgzsl_baselines.cjme import Embedded, attention_targets, cjme_losses, entropies, weighted_triplets


def fixed_embedded() -> Embedded:
    return Embedded(
        audio=doubles((3, 0, 0), (1, 1, 1), (0, 2, 0.5)),
        visual=doubles((0.5, 0.5, 0.5), (0, 0, 4), (0.2, 1.9, 0.5)),
        text=doubles((1, 0, 0), (0, 0, 1), (0, 1, 0)),
        negative_audio=doubles((0, 2, 0), (2, 0, 0), (0.5, 0.5, 0)),
        negative_visual=doubles((0, 1, 1), (1, 0, 2), (0, 0, 1)),
        gate=torch.tensor([0.3, 0.9, 0.6], dtype=torch.float64),
        classes=torch.eye(3, dtype=torch.float64),
    )


def test_losses_of_fixed_tensors() -> None:
    embedded = fixed_embedded()
    of_audio = [0.36659396, 1.09861229, 0.75198045]
    assert entropies(embedded.audio, embedded.classes).tolist() == pytest.approx(of_audio, abs=5.1e-9)
    of_visual = [1.09861229, 0.17732368, 0.81600184]
    assert entropies(embedded.visual, embedded.classes).tolist() == pytest.approx(of_visual, abs=5.1e-9)
    assert attention_targets(embedded, 0.1).tolist() == [0, 1, 0.5]
    losses = losses_of(embedded)
    expected = {"triplet": 0.9846046355, "joint": 1.9777777778, "attention": 0.0366666667}
    assert losses == pytest.approx(expected, abs=5.1e-11)
    assert sum(losses.values()) == pytest.approx(2.9990490799, abs=1e-10)
    assert losses_of(embedded, "per_sample")["triplet"] == pytest.approx(1.2883645462, abs=5.1e-11)


def test_triplets_of_fixed_tensors() -> None:
    embedded = fixed_embedded()
    of_audio = replace(embedded, gate=torch.zeros(3, dtype=torch.float64))
    of_visual = replace(embedded, gate=torch.ones(3, dtype=torch.float64))
    text_audio, text_visual = [0.76393147, 0.17814462, 1.41092587], [0.13397460, 2.58578685, 0.63459376]
    for weighting in ("batch_mean", "per_sample"):
        assert weighted_triplets(of_audio, weighting, 1.0).item() == pytest.approx(sum(text_audio) / 3, abs=1e-8)
        assert weighted_triplets(of_visual, weighting, 1.0).item() == pytest.approx(sum(text_visual) / 3, abs=1e-8)


def test_batch_mean_is_the_broadcast_of_the_published_program() -> None:
    embedded = fixed_embedded()
    text_audio, text_visual = (
        F.triplet_margin_loss(embedded.text, positive, negative, reduction="none")
        for positive, negative in (
            (embedded.audio, embedded.negative_audio),
            (embedded.visual, embedded.negative_visual),
        )
    )
    gate = embedded.gate.unsqueeze(1)
    expected = ((1 - gate) * text_audio + gate * text_visual).mean()
    torch.testing.assert_close(weighted_triplets(embedded, "batch_mean", 1.0), expected)


def test_weightings_agree_where_attention_is_equal() -> None:
    embedded = replace(fixed_embedded(), gate=torch.full((3,), 0.37, dtype=torch.float64))
    assert losses_of(embedded) == pytest.approx(losses_of(embedded, "per_sample"), abs=1e-14)


def test_negatives_equal_to_positives_cost_the_margin() -> None:
    embedded = fixed_embedded()
    same = replace(embedded, negative_audio=embedded.audio, negative_visual=embedded.visual)
    for weighting in ("batch_mean", "per_sample"):
        assert losses_of(same, weighting)["triplet"] == pytest.approx(1, abs=1e-14)


def test_equal_modalities_leave_attention_open() -> None:
    same = replace(fixed_embedded(), visual=fixed_embedded().audio)
    assert attention_targets(same, 0.1).tolist() == [0.5] * 3
    assert losses_of(same)["joint"] == 0


def test_swapped_modalities_give_the_same_losses() -> None:
    one = fixture_embedded()
    swapped = replace(
        one,
        audio=one.visual,
        visual=one.audio,
        negative_audio=one.negative_visual,
        negative_visual=one.negative_audio,
        gate=1 - one.gate,
    )
    for weighting in ("batch_mean", "per_sample"):
        assert losses_of(swapped, weighting) == pytest.approx(losses_of(one, weighting), abs=1e-13)


def test_gradients_go_where_they_should() -> None:
    embedded = fixed_embedded()
    leaves = replace(
        embedded,
        **{name: getattr(embedded, name).requires_grad_() for name in ("audio", "visual", "text", "gate")},
    )
    losses = cjme_losses(leaves, weighting="batch_mean", margin=1.0, threshold=0.1)
    moved = {
        name: [
            leaf
            for leaf in ("audio", "visual", "text", "gate")
            if torch.autograd.grad(loss, getattr(leaves, leaf), retain_graph=True, allow_unused=True)[0]
            is not None
        ]
        for name, loss in losses.items()
    }
    assert moved == {
        "triplet": ["audio", "visual", "text", "gate"],
        "joint": ["audio", "visual"],
        "attention": ["gate"],
    }
