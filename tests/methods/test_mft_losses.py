"""The two losses that MFT adds."""

from __future__ import annotations

import pytest
import torch
from built_methods import build, values
from joint_space import fixed_embedded, fixture_batch
from mft_cases import SMALL, SMALL_SHAPE, fixture_method
from reference_values import PRINTED_8, T
from torch.nn import functional as F

from avgzsl_baselines.clipclap import base_losses
from avgzsl_bench import Batch
from avgzsl_mft.losses import (
    kl_loss,
    pairwise_cosine_loss,
    semantic_neighbours,
    smoothed_one_hot,
    text_cosine_loss,
)
from avgzsl_mft.method import MFT


def test_kl_of_embeddings() -> None:
    embedded, _ = fixed_embedded()
    log_q, log_p = F.log_softmax(embedded.text, 1), F.log_softmax(embedded.video, 1)
    each = [kl_loss(log_q[i : i + 1], log_p[i : i + 1], "forward").item() for i in range(2)]
    assert each == pytest.approx([0.02223369, 0.04897370], abs=PRINTED_8)
    assert kl_loss(log_q, log_p, "forward").item() == pytest.approx(0.03560370, abs=PRINTED_8)
    assert kl_loss(log_q, log_p, "reverse").item() == pytest.approx(0.03179617, abs=PRINTED_8)


def test_cosine_with_the_text() -> None:
    embedded, _ = fixed_embedded()
    each = [1 - text_cosine_loss(embedded.video[i : i + 1], embedded.text[i : i + 1]).item() for i in range(2)]
    assert each == pytest.approx([0.99792889, 0.95194259], abs=PRINTED_8)
    assert text_cosine_loss(embedded.video, embedded.text).item() == pytest.approx(0.02506426, abs=PRINTED_8)


def test_total_of_fixed_tensors(monkeypatch: pytest.MonkeyPatch) -> None:
    embedded, label = fixed_embedded()
    method = build(MFT, SMALL_SHAPE, T(3, 0), **SMALL)
    monkeypatch.setattr(method.module, "forward", lambda batch, text: embedded)
    losses = values(method.losses(Batch(embedded.video, embedded.video, label)))
    assert losses["total"] == pytest.approx(0.58681521, abs=PRINTED_8)
    assert list(losses) == ["total", "ce", "reg", "rec", "kl", "cos"]


@pytest.mark.parametrize(("tau", "expected"), [(0.1, 0.29901622), (0.2, 0.09944038)])
def test_kl_with_semantic_neighbours(tau: float, expected: float) -> None:
    embedded, label = fixed_embedded()
    text = torch.tensor([[1, 0, 1], [0, 1, 1], [1, 1, 0]], dtype=torch.float64)
    log_p = F.log_softmax(embedded.logits(), 1)
    loss = kl_loss(semantic_neighbours(text, tau)[label], log_p, "forward")
    assert loss.item() == pytest.approx(expected, abs=PRINTED_8)


def test_kl_with_smoothed_classes() -> None:
    embedded, label = fixed_embedded()
    log_p = F.log_softmax(embedded.logits(), 1)
    smooth = kl_loss(smoothed_one_hot(3, 0.1, embedded.video)[label], log_p, "forward")
    assert smooth.item() == pytest.approx(0.18181038, abs=PRINTED_8)
    hard = kl_loss(smoothed_one_hot(3, 0.0, embedded.video)[label], log_p, "forward")
    assert hard.item() == pytest.approx(base_losses(embedded, label)["ce"].item(), abs=1e-15)
    single = kl_loss(smoothed_one_hot(3, 0.0, torch.zeros(1))[label], log_p.float(), "forward")
    assert single.item() == pytest.approx(hard.item(), rel=1e-6)


def test_cosine_of_pairs() -> None:
    rows = torch.tensor([[1, 0, 2], [0.5, 1.5, 0], [0, 1, 1]], dtype=torch.float64)
    loss = pairwise_cosine_loss(rows, torch.tensor([0, 0, 1]))
    assert loss.item() == pytest.approx(0.85857864, abs=PRINTED_8)
    assert pairwise_cosine_loss(rows, torch.tensor([0, 1, 2])).item() == 0


def test_bounds_of_the_losses() -> None:
    generator = torch.Generator().manual_seed(0)
    for _ in range(20):
        video, text = (torch.rand(6, 8, generator=generator, dtype=torch.float64) * 5 for _ in range(2))
        log_p, log_q = F.log_softmax(video, 1), F.log_softmax(text, 1)
        assert kl_loss(log_q, log_p, "forward") > 0
        assert 0 <= text_cosine_loss(video, text) <= 1
        assert 0 <= pairwise_cosine_loss(video, torch.arange(6) % 3) <= 1
        shifted = F.log_softmax(text + torch.arange(6).unsqueeze(1), 1)
        assert kl_loss(log_q, shifted, "forward").item() == pytest.approx(0, abs=1e-14)
        assert text_cosine_loss(text, text).item() == pytest.approx(0, abs=1e-14)


def test_zero_rows_count_one_and_have_finite_gradients() -> None:
    video = torch.zeros(2, 4, requires_grad=True)
    text = torch.rand(2, 4)
    loss = text_cosine_loss(F.relu(video), text) + pairwise_cosine_loss(F.relu(video), torch.tensor([0, 0]))
    assert loss.item() == 2
    loss.backward()
    assert video.grad is not None
    assert (video.grad == 0).all()


@pytest.mark.parametrize("direction", ["forward", "reverse"])
@pytest.mark.parametrize("mode", ["embedding", "class_smooth", "class_semantic"])
def test_kl_settings(mode: str, direction: str) -> None:
    batch = fixture_batch()
    method = fixture_method(**SMALL, kl_mode=mode, kl_direction=direction, kl_eps=0.2, kl_tau=0.3)
    out = method.module(batch, method.train_text)
    if mode == "embedding":
        q, p = out.text.softmax(1), out.video.softmax(1)
    else:
        p = out.logits().softmax(1)
        text = method.train_text
        cosine = F.cosine_similarity(text.unsqueeze(0), text.unsqueeze(1), dim=2)
        smooth = 0.8 * torch.eye(5, dtype=torch.float64) + 0.2 / 5
        q = (smooth if mode == "class_smooth" else (cosine / 0.3).softmax(1))[batch.label]
    if direction == "reverse":
        q, p = p, q
    expected = (q * (q / p).log()).sum(1).mean()
    torch.testing.assert_close(method.losses(batch)["kl"], expected)


def test_cos_settings() -> None:
    batch = fixture_batch()
    batch = Batch(batch.audio, batch.visual, torch.tensor([0, 0, 4, 0]))
    cos = {
        mode: fixture_method(**SMALL, cos_mode=mode).losses(batch)["cos"].item()
        for mode in ("text", "pairwise", "both")
    }
    out = fixture_method(**SMALL)
    video = out.module(batch, out.train_text).video
    pairs = [1 - F.cosine_similarity(video[i], video[j], dim=0).item() for i, j in ((0, 1), (0, 3), (1, 3))]
    assert cos["pairwise"] == pytest.approx(sum(pairs) / 3, abs=1e-12)
    assert cos["both"] == pytest.approx(cos["text"] + cos["pairwise"], abs=1e-12)
