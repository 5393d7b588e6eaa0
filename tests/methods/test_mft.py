"""MFT's module, losses and switches against worked numbers, and ClipClap-GZSL as its special case."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from built_methods import CLIP_CLAP, build, values
from joint_space import fixed_embedded, fixture_batch
from mft_cases import SMALL, SMALL_SHAPE, fixture_method
from pydantic import ValidationError
from reference_values import PRINTED_8, PRINTED_10, T, doubles
from torch import Tensor, nn
from torch.nn import functional as F

from avgzsl_baselines.clipclap import ClipClap, base_losses
from avgzsl_bench import Batch, Videos
from avgzsl_mft.attention import attend
from avgzsl_mft.losses import (
    kl_loss,
    pairwise_cosine_loss,
    semantic_neighbours,
    smoothed_one_hot,
    text_cosine_loss,
)
from avgzsl_mft.method import MFT, MFTConfig
from avgzsl_mft.model import FeedForward, SelfAttention

CLIPCLAP_SETTINGS: dict[str, Any] = {"attention": "off", "lambda_kl": 0, "lambda_cos": 0}


def test_parameters_by_part() -> None:
    encoder = build(MFT, CLIP_CLAP).module.video_encoder
    counts = [sum(p.numel() for p in e.parameters()) for e in encoder.encoders]
    assert [e.modality for e in encoder.encoders] == ["both", "visual", "audio"]
    assert counts == [787_968, 263_680, 525_824]
    assert encoder.modality.numel() == 1536
    assert sum(p.numel() for p in encoder.layers.parameters()) == 6 * 1_576_448


def test_modality_embeddings_start_small() -> None:
    assert build(MFT, CLIP_CLAP).module.video_encoder.modality.std().item() == pytest.approx(0.02, rel=0.1)


def identity_layer() -> tuple[SelfAttention, FeedForward]:
    attention = SelfAttention(width=2, heads=1, head_width=2, dropout=0.0).double()
    feed_forward = FeedForward(width=2, hidden=2, dropout=0.0).double()
    eye = torch.eye(2, dtype=torch.float64)
    with torch.no_grad():
        attention.qkv.weight.copy_(torch.cat([eye, eye, eye]))
        for linear in (attention.out, feed_forward.map[1], feed_forward.map[4]):
            linear.weight.copy_(eye)
            linear.bias.zero_()
    return attention, feed_forward


def test_one_layer_by_hand() -> None:
    attention, feed_forward = identity_layer()
    tokens = doubles([[1, 0], [0, 2], [3, 1]])
    normed = attention.norm(tokens)
    heads = normed.unsqueeze(2)  # one
    weights = attend(heads, heads, heads)[1].squeeze().T
    first = attention(tokens)
    second = feed_forward(first)
    expected = {
        "normed": [[0.9999800, -0.9999800], [-0.9999950, 0.9999950], [0.9999950, -0.9999950]],
        "weights": [
            [0.4856414, 0.0287068, 0.4856517],
            [0.0528598, 0.8942815, 0.0528587],
            [0.4856420, 0.0287057, 0.4856523],
        ],
        "first": [[1.9425743, -0.9425743], [-0.7885599, 2.7885599], [3.9425767, 0.0574233]],
        "second": [[2.7839165, -1.1012298], [-0.9472153, 3.6299030], [4.7839200, -0.1012321]],
    }
    actual = {"normed": normed[0], "weights": weights, "first": first[0], "second": second[0]}
    for name, rows in expected.items():
        printed = doubles(*rows)
        torch.testing.assert_close(actual[name], printed, atol=5.1e-8, rtol=0, msg=name)
    assert weights.sum(1).tolist() == pytest.approx([1, 1, 1], abs=1e-15)


@pytest.mark.parametrize("queries", [None, 1, 2])
def test_attention_is_the_standard_one(queries: int | None) -> None:
    """Against PyTorch's scaled dot product attention, gradients included."""
    torch.manual_seed(0)
    layer = SelfAttention(width=8, heads=2, head_width=3, dropout=0.0, queries=queries).double()
    tokens = torch.randn(4, 3, 8, dtype=torch.float64, requires_grad=True)
    q, k, v = (part.unflatten(-1, (2, 3)).transpose(1, 2) for part in layer.qkv(layer.norm(tokens)).chunk(3, -1))
    attended = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)
    expected = (tokens + layer.out(attended))[:, :queries]
    actual = layer(tokens)
    torch.testing.assert_close(actual, expected)
    seed = torch.randn_like(actual)
    wanted = [tokens, *layer.parameters()]
    for one, other in zip(
        torch.autograd.grad(actual, wanted, seed), torch.autograd.grad(expected, wanted, seed), strict=True
    ):
        torch.testing.assert_close(one, other)


def attended(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    return attend(query, key, value)[0]


@pytest.mark.parametrize(("queries", "tokens"), [(3, 3), (1, 3), (2, 2), (2, 1)])
def test_attend_against_its_formula(queries: int, tokens: int) -> None:
    """Values, gradients, and seeds side by side."""
    torch.manual_seed(0)
    query = torch.randn(2, 4, queries, 2, 3, dtype=torch.float64, requires_grad=True)
    key, value = (torch.randn(2, 4, tokens, 2, 3, dtype=torch.float64, requires_grad=True) for _ in range(2))
    scores = torch.einsum("sbqhw,sbthw->sbtqh", query, key) / 3**0.5
    weights = scores.softmax(dim=2)
    actual, actual_weights = attend(query, key, value)
    torch.testing.assert_close(actual_weights.squeeze(-1), weights)
    torch.testing.assert_close(actual, torch.einsum("sbtqh,sbthw->sbqhw", weights, value))
    assert torch.autograd.gradcheck(attended, (query, key, value))
    assert torch.equal(torch.vmap(attended)(query, key, value), actual)


def test_order_of_the_unpooled_tokens_does_not_matter() -> None:
    method, batch = fixture_method(**SMALL), fixture_batch()
    encoder = method.module.video_encoder
    before = encoder(batch.audio, batch.visual)
    encoder.encoders = nn.ModuleList([encoder.encoders[i] for i in (0, 2, 1)])
    with torch.no_grad():
        encoder.modality.copy_(encoder.modality[[0, 2, 1]].clone())
    torch.testing.assert_close(encoder(batch.audio, batch.visual), before)


def test_queries_and_keys_of_a_single_token_do_not_matter() -> None:
    layer = SelfAttention(width=8, heads=2, head_width=3, dropout=0.0).double()
    token = torch.randn(4, 1, 8, dtype=torch.float64)
    # A token beside its copy attends to two equal values: the general path, for the short one to agree with.
    torch.testing.assert_close(layer(token.repeat(1, 2, 1))[:, :1], layer(token))
    method, batch = fixture_method(tokens="f", **SMALL), fixture_batch()
    before = method.module.embed_videos(batch.audio, batch.visual)
    for part in method.module.video_encoder.layers:
        if isinstance(part, SelfAttention):
            nn.init.normal_(part.qkv.weight[: 2 * part.inner])
    assert torch.equal(method.module.embed_videos(batch.audio, batch.visual), before)


FIXTURE = """
variant   parameters  ce            reg           rec           kl            cos           total
fva       3662        1.2075611794  0.3088197288  1.3624753504  0.1023957343  0.5739076660  3.2682058258
va        3542        1.7038497022  0.5118332917  1.1077856364  0.2362456034  0.4687439009  3.7940861842
f         3510        1.2884461943  0.4037874129  1.1897432839  0.1336653676  0.6146288803  3.3229566988
ff_only   3078        1.6140236508  0.4565643104  1.1838428739  0.1793826969  0.4788538882  3.6732404761
off       2852        1.7576139945  0.5155567905  1.1454850954  0.2199607931  0.7184512944  3.9978423207
audio     2670        1.3956491195  0.5146986608  0.7776173203  0.1750766776  0.5839562587  3.1550199075
visual    1862        1.9439596329  0.5402162773  0.9697144334  0.2568472291  0.7184260269  4.0699505861
"""
SETTING = {"fva": "tokens", "va": "tokens", "f": "tokens", "ff_only": "attention", "off": "attention"}
COLUMNS, *VARIANTS = [line.split() for line in FIXTURE.strip().splitlines()]


@pytest.mark.parametrize("row", VARIANTS, ids=lambda row: row[0])
def test_fixture_losses(row: list[str]) -> None:
    variant, parameters, *numbers = row
    method = fixture_method(**SMALL, **{SETTING.get(variant, "modality"): variant})
    assert method.parameter_count() == int(parameters)
    expected = dict(zip(COLUMNS[2:], map(float, numbers), strict=True))
    assert values(method.losses(fixture_batch())) == pytest.approx(expected, abs=PRINTED_10)


def test_fixture_pooled_token() -> None:
    method, batch = fixture_method(**SMALL), fixture_batch()
    pooled = method.module.video_encoder(batch.audio, batch.visual)
    assert pooled.sum().item() == pytest.approx(13.0007735747, abs=PRINTED_10)
    first = [-0.5916304831, 1.1776585026, 0.9320771808, -0.0037085301]
    assert pooled[0, :4].tolist() == pytest.approx(first, abs=PRINTED_10)


def test_fixture_in_evaluation_mode() -> None:
    method, batch = fixture_method(**SMALL), fixture_batch()
    method.module.eval()
    pooled = method.module.video_encoder(batch.audio, batch.visual)
    assert pooled.sum().item() == pytest.approx(6.1654447162, abs=PRINTED_10)
    embedded = method.embed_videos(Videos(batch.audio, batch.visual))
    assert embedded.sum().item() == pytest.approx(0.3351995031, abs=PRINTED_10)


@pytest.mark.parametrize("bn_refresh", ["none", "official"])
@pytest.mark.parametrize(
    ("attention", "expected"),
    [("on", [3.2682058258, 2.5945404495, 2.4814085232]), ("off", [3.9978423207, 3.4264709776, 3.0529539553])],
)
def test_fixture_over_three_updates(attention: str, expected: list[float], bn_refresh: str) -> None:
    method, batch = fixture_method(**SMALL, attention=attention, bn_refresh=bn_refresh), fixture_batch()
    totals = [method.train_step(batch)["total"].item() for _ in range(3)]
    assert totals == pytest.approx(expected, abs=PRINTED_10)


def test_official_refresh_passes_every_video_encoder() -> None:
    method = fixture_method(**SMALL, bn_refresh="official")
    method.train_step(fixture_batch())
    net = method.module
    blocks = [*(e.block for e in net.video_encoder.encoders), *net.video_projection]
    assert [int(block.norm.num_batches_tracked) for block in blocks] == [2] * 5
    texts = [int(block.norm.num_batches_tracked) for block in (net.text_encoder, net.text_projection)]
    assert texts == [3, 3]
    assert int(net.text_decoder.norm.num_batches_tracked) == 1


def test_without_its_parts_it_is_clipclap() -> None:
    batch = fixture_batch()
    narrow = {k: v for k, v in SMALL.items() if k in ClipClap.Config.model_fields}
    mft, clipclap = fixture_method(**SMALL, **CLIPCLAP_SETTINGS), fixture_method(ClipClap, **narrow)
    assert list(mft.state_dict()) == list(clipclap.state_dict())
    for _ in range(2):
        ours, theirs = mft.train_step(batch), clipclap.train_step(batch)
        assert values(ours) == values(theirs)
        for one, other in zip(mft.module.parameters(), clipclap.module.parameters(), strict=True):
            assert torch.equal(one.grad, other.grad)
            assert torch.equal(one, other)


@pytest.mark.parametrize(
    ("settings", "logged"),
    [
        ({"lambda_kl": 0}, ["total", "ce", "reg", "rec", "cos"]),
        ({"lambda_cos": 0}, ["total", "ce", "reg", "rec", "kl"]),
        ({"lambda_kl": 0, "lambda_cos": 0}, ["total", "ce", "reg", "rec"]),
    ],
)
def test_a_loss_that_is_off_is_not_logged(settings: dict[str, Any], logged: list[str]) -> None:
    assert list(fixture_method(**SMALL, **settings).losses(fixture_batch())) == logged


def test_every_parameter_learns() -> None:
    for settings in ({}, {"tokens": "va"}, {"attention": "ff_only"}, {"attention": "ff_only", "tokens": "va"}):
        method = fixture_method(**SMALL, **settings)
        method.train_step(fixture_batch())
        still = [n for n, p in method.module.named_parameters() if p.grad is None or not p.grad.any()]
        # A bias before batch normalisation has no effect, and a head may be dead on four samples.
        assert not [n for n in still if "layers" in n or "modality" in n or ("encoders" in n and "weight" in n)]


def test_one_modality_has_one_token_whatever_the_setting() -> None:
    for tokens in ("fva", "va", "f"):
        encoder = fixture_method(**SMALL, modality="visual", tokens=tokens).module.video_encoder
        assert [e.modality for e in encoder.encoders] == ["visual"]
        assert encoder.modality.shape == (1, 8)


def test_an_infinite_divergence_is_refused() -> None:
    with pytest.raises(ValidationError, match="kl_eps > 0"):
        MFTConfig(kl_mode="class_smooth", kl_direction="reverse", kl_eps=0)


# --- the two losses that MFT adds ---


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
    text = doubles([1, 0, 1], [0, 1, 1], [1, 1, 0])
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
    rows = doubles([1, 0, 2], [0.5, 1.5, 0], [0, 1, 1])
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
