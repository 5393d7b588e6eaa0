"""AVCA's network: passes of batch normalisation, attention, what depends on what."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
import torch
from avca_cases import fixture_method, make
from avca_family import NO_DROPOUT
from built_methods import assert_same_statistics, passes
from paired_cases import FIXTURE, fixture_batch, random_batch
from torch import Tensor

from avgzsl_baselines.avca import AVCA
from avgzsl_baselines.families.token_attention import PairAttention
from avgzsl_bench import FeatureDims


def small(text: dict[str, int] | None = None, **settings: Any) -> AVCA:
    """A small network with random weights and without dropout, five classes."""
    torch.manual_seed(0)
    shape = FeatureDims(6, 6, text or {"word2vec": 12})
    widths = {"model_width": 8, "embedding_width": 5, "encoder_hidden_width": 9, "projection_hidden_width": 7}
    return make(shape, torch.randn(5, 12), **NO_DROPOUT | widths | settings)


def test_attention_is_a_softmax_over_two_tokens() -> None:
    torch.manual_seed(0)
    attention = PairAttention(12, heads=3, head_width=5, dropout=0.0).double()
    tokens = torch.randn(2, 7, 12, dtype=torch.float64)
    mapped = tokens.transpose(0, 1) @ attention.query_key_value.weight.T
    query, key, value = (x.unflatten(-1, (3, 5)).transpose(1, 2) for x in mapped.split(15, dim=-1))
    weights = torch.softmax(query @ key.transpose(-1, -2) / 5**0.5, dim=-1)
    attended = (weights @ value).transpose(1, 2).flatten(2)
    expected = attention.output(attended).transpose(0, 1)
    torch.testing.assert_close(attention(tokens), expected)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, [3, 3, 3, 6, 4, 4, 1, 1]),
        ({"bn_refresh": "none"}, [2, 2, 2, 6, 3, 3, 1, 1]),
        ({"bn_refresh": "none", "reconstruction_passes": False}, [2, 2, 2, 6, 2, 2, 1, 1]),
    ],
)
def test_passes_an_iteration(settings: dict[str, Any], expected: list[int]) -> None:
    method = fixture_method(**settings)
    method.train_step(fixture_batch())
    net = method.module
    of_blocks = [
        [passes(norm) for norm in part.modules() if isinstance(norm, torch.nn.BatchNorm1d)]
        for part in (
            net.audio_encoder,
            net.visual_encoder,
            net.text_projection,
            net.decoder,
            net.audio_projection,
            net.visual_projection,
            net.audio_reconstruction,
            net.visual_reconstruction,
        )
    ]
    assert of_blocks == [[count] * len(norms) for count, norms in zip(expected, of_blocks, strict=True)]


@pytest.mark.parametrize("text", [{"word2vec": 12}, {"clip": 5, "clap": 7}])
@pytest.mark.parametrize("momentum", [0.1, 0.99])
def test_order_of_passes(text: dict[str, int], momentum: float) -> None:
    method = small(text, momentum=momentum)
    net, plain, batch = method.module, deepcopy(method.module), random_batch(method.shape, 5)
    method.train_step(batch)

    def embed(part: Any) -> tuple[Tensor, Tensor]:
        audio, visual = plain.audio_encoder(part.audio), plain.visual_encoder(part.visual)
        pair = torch.stack((audio, visual))
        exchanged = pair + plain.transformer(pair + plain.positions.unsqueeze(1))
        return plain.audio_projection(exchanged[0]), plain.visual_projection(exchanged[1])

    videos = [embed(part) for part in (batch, batch.negative)]
    texts = [plain.embed_texts(method.train_text[part.label]) for part in (batch, batch.negative)]
    for embedded in (*texts, videos[0][0], videos[1][0], videos[0][1], videos[1][1]):
        plain.decoder(embedded)
    plain.audio_projection(plain.audio_reconstruction(videos[0][0]))
    plain.visual_projection(plain.visual_reconstruction(videos[0][1]))
    plain.load_state_dict(plain.state_dict() | {name: p.detach() for name, p in net.named_parameters()})
    embed(batch)
    plain.embed_texts(method.train_text[batch.label])
    assert_same_statistics(net, plain)


def test_configured_momentum_reaches_four_normalisations() -> None:
    net = make(FIXTURE, momentum=0.99).module
    momenta = {name: part.momentum for name, part in net.named_modules() if isinstance(part, torch.nn.BatchNorm1d)}
    configured = {name for name, momentum in momenta.items() if momentum == 0.99}
    assert configured == {
        f"{part}.1.norm" for part in ("audio_encoder", "visual_encoder", "audio_projection", "visual_projection")
    }
    assert set(momenta.values()) == {0.1, 0.99}


def test_passes_without_a_loss_change_no_gradient() -> None:
    gradients = []
    for passes_too in (True, False):
        method = small(reconstruction_passes=passes_too)
        method.losses(random_batch(method.shape, 5))["total"].backward()
        gradients.append([p.grad for p in method.trained_parameters()])
    for one, other in zip(*gradients, strict=True):
        assert torch.equal(one, other)


def test_positions_stay_as_they_are_unless_trained() -> None:
    for train_positions in (False, True):
        method = small(train_positions=train_positions)
        before = method.module.positions.detach().clone()
        for _ in range(3):
            method.train_step(random_batch(method.shape, 5))
        assert torch.equal(method.module.positions, before) is not train_positions
        assert "positions" in method.state_dict()


def test_swapped_modalities_swap_the_embeddings() -> None:
    net = small().module
    state = net.state_dict()
    for name in list(state):
        if name.startswith("visual_"):
            state[name] = state["audio_" + name.removeprefix("visual_")]
    state["positions"] = state["positions"][:1].expand(2, -1)
    net.load_state_dict(state)
    audio, visual = torch.randn(2, 7, 6)
    net.eval()
    encoded, video = net.embed_videos(audio, visual, [7])
    other_encoded, other_video = net.embed_videos(visual, audio, [7])
    torch.testing.assert_close(other_encoded, encoded.flip(0))
    torch.testing.assert_close(other_video, video.flip(0))


def test_a_silent_transformer_passes_tokens_on() -> None:
    net = small().module.eval()
    layer = net.transformer[0]
    with torch.no_grad():
        for output in (layer.attention.output, layer.feed_forward.output):
            output.weight.zero_()
            output.bias.zero_()
    audio, visual = torch.randn(2, 7, 6)
    encoded, video = net.embed_videos(audio, visual, [7])
    torch.testing.assert_close(video[0], net.audio_projection(2 * encoded[0] + net.positions[0]))


def test_visual_embeddings_have_seen_the_audio() -> None:
    net = small().module.eval()
    audio, visual = torch.randn(2, 7, 6)
    _, video = net.embed_videos(audio, visual, [7])
    _, other = net.embed_videos(torch.randn(7, 6), visual, [7])
    assert not torch.allclose(video[1], other[1])


@pytest.mark.parametrize("hidden", [0, 9])
@pytest.mark.parametrize("depth", [1, 3])
def test_depth_and_hidden_layers(hidden: int, depth: int) -> None:
    method = small(encoder_hidden_width=hidden, projection_hidden_width=hidden, depth=depth)
    assert len(method.module.transformer) == depth
    assert len(method.module.audio_encoder) == len(method.module.visual_projection) == (2 if hidden else 1)
    assert torch.isfinite(method.train_step(random_batch(method.shape, 5))["total"])


def test_with_several_text_encoders_reconstructions_aim_at_the_adapter() -> None:
    method = small({"clip": 5, "clap": 7})
    batch = random_batch(method.shape, 5)
    embedded = method.module(batch, method.train_text)
    torch.testing.assert_close(embedded.target, method.module.text_adapter(method.train_text[batch.label]))
    assert embedded.target.requires_grad
    assert embedded.text_decoded.shape == (8, 300)
