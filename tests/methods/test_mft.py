"""MFT's module, losses and switches against worked numbers, and ClipClap-GZSL as its special case."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from built_methods import CLIP_CLAP, build, values
from joint_space import fixture_batch
from mft_cases import SMALL, fixture_method
from pydantic import ValidationError
from reference_values import PRINTED_10
from torch import nn
from torch.nn import functional as F

from avgzsl_baselines.clipclap import ClipClap
from avgzsl_bench import Videos
from avgzsl_mft.method import MFT, MFTConfig
from avgzsl_mft.model import FeedForward, SelfAttention, attention_weights

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
    tokens = torch.tensor([[[1, 0], [0, 2], [3, 1]]], dtype=torch.float64)
    normed = attention.norm(tokens)
    weights = attention_weights(normed.unsqueeze(2), normed.unsqueeze(2)).squeeze()
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
        printed = torch.tensor(rows, dtype=torch.float64)
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


FIXTURE = {
    "fva": ({}, 3662, (1.2075611794, 0.3088197288, 1.3624753504, 0.1023957343, 0.5739076660, 3.2682058258)),
    "va": (
        {"tokens": "va"},
        3542,
        (1.7038497022, 0.5118332917, 1.1077856364, 0.2362456034, 0.4687439009, 3.7940861842),
    ),
    "f": (
        {"tokens": "f"},
        3510,
        (1.2884461943, 0.4037874129, 1.1897432839, 0.1336653676, 0.6146288803, 3.3229566988),
    ),
    "ff_only": (
        {"attention": "ff_only"},
        3078,
        (1.6140236508, 0.4565643104, 1.1838428739, 0.1793826969, 0.4788538882, 3.6732404761),
    ),
    "off": (
        {"attention": "off"},
        2852,
        (1.7576139945, 0.5155567905, 1.1454850954, 0.2199607931, 0.7184512944, 3.9978423207),
    ),
    "audio": (
        {"modality": "audio"},
        2670,
        (1.3956491195, 0.5146986608, 0.7776173203, 0.1750766776, 0.5839562587, 3.1550199075),
    ),
    "visual": (
        {"modality": "visual"},
        1862,
        (1.9439596329, 0.5402162773, 0.9697144334, 0.2568472291, 0.7184260269, 4.0699505861),
    ),
}


@pytest.mark.parametrize("name", FIXTURE)
def test_fixture_losses(name: str) -> None:
    settings, parameters, numbers = FIXTURE[name]
    method = fixture_method(**SMALL, **settings)
    assert method.parameter_count() == parameters
    expected = dict(zip(("ce", "reg", "rec", "kl", "cos", "total"), numbers, strict=True))
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
