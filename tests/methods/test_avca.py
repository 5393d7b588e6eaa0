"""AVCA against numbers obtained with the published program, to their printed digits, and its network."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
import torch
from avca_family import NO_DROPOUT, SMALL, fixture_of
from built_methods import assert_same_statistics, build, parameters, passes, values
from paired_cases import (
    FIXTURE,
    FIXTURE_TEXT,
    fixture_batch,
    random_batch,
    rounded,
    scoring_example,
    scoring_task,
    validated,
)
from torch import Tensor
from torch.nn import functional as F

from avgzsl_baselines.avca import AVCA
from avgzsl_baselines.families.avca_losses import Embedded, avca_losses, cross_triplets
from avgzsl_baselines.families.layers import LinearBlock
from avgzsl_baselines.families.triplet import triplet_loss
from avgzsl_bench import FeatureDims, Videos

make = partial(build, AVCA)


def fixture_method(**settings: Any) -> AVCA:
    return fixture_of(AVCA, FIXTURE, **settings)


def test_losses_are_the_seventeen_terms() -> None:
    generator = torch.Generator().manual_seed(0)

    def draw(*size: int) -> Tensor:
        return torch.rand(size, generator=generator, dtype=torch.float64)

    e = Embedded(
        encoded=draw(2, 6, 8),
        other_encoded=draw(2, 6, 8),
        video=draw(2, 6, 5),
        other_video=draw(2, 6, 5),
        text=draw(6, 5),
        other_text=draw(6, 5),
        decoded=draw(3, 6, 9),
        other_decoded=draw(3, 6, 9),
        reconstructed=draw(2, 6, 8),
        target=draw(6, 9),
    )
    tri, mse = F.triplet_margin_loss, F.mse_loss
    w, w_, both = e.text, e.other_text, range(2)
    expected = {
        "base": sum(tri(w, e.video[m], e.other_video[m]) + tri(e.video[m], w, w_) for m in both),
        "contrast": sum(tri(e.decoded[0], e.decoded[m], e.other_decoded[m]) for m in (1, 2)),
        "reconstruction": sum(mse(x, e.target) for x in e.decoded),
        "additional": sum(0.3 * tri(e.video[m], w, e.other_video[m]) + 0.7 * tri(w, e.video[m], w_) for m in both),
        "regularization": sum(mse(e.reconstructed[m], e.encoded[m]) + mse(e.video[m], w) for m in both),
    }
    losses = avca_losses(e, margin=1.0, k1=0.3, k2=0.7, regularization=True)
    assert values(losses) == pytest.approx(values(expected), abs=1e-13)
    without = avca_losses(e, margin=1.0, k1=0.3, k2=0.7, regularization=False)
    del expected["regularization"]
    assert values(without) == pytest.approx(values(expected), abs=1e-13)


def test_negatives_equal_to_positives() -> None:
    method, batch = fixture_method(), fixture_batch()
    losses = values(method.losses(replace(batch, negative=replace(batch))))
    e = fixture_method().module(batch, method.train_text)
    near = [F.pairwise_distance(e.video[m], e.text).mean().item() for m in range(2)]
    triplets = losses["base"] + losses["contrast"] + losses["additional"]
    assert losses["base"] + losses["contrast"] == pytest.approx(6, abs=1e-12)
    assert triplets == pytest.approx(10 + 2 * sum(near), abs=1e-4)


def test_fixture_in_evaluation_mode() -> None:
    method, batch = fixture_method(), fixture_batch()
    assert parameters(method.module) == 492_814
    net = method.module.eval()
    encoded, video = net.embed_videos(batch.audio, batch.visual, [4])
    text = net.embed_texts(FIXTURE_TEXT[:4])
    first = [0.17555122, 0.00345687, 0.05137895, 0.06074166]
    assert encoded[0, 0, :4].tolist() == pytest.approx(first, abs=5.1e-9)
    assert encoded.sum(dim=(1, 2)).tolist() == pytest.approx([57.32888989, 66.93292261], abs=5.1e-9)
    exchanged = net.transformer(encoded + net.positions.unsqueeze(1))
    audio_token = [-0.07941300, 0.02779888, 1.43467699, 0.63419052]
    assert exchanged[0, 0, :4].tolist() == pytest.approx(audio_token, abs=5.1e-9)
    visual_token = [0.12125849, 0.65415726, 0.61180143, 0.38332605]
    assert exchanged[1, 0, :4].tolist() == pytest.approx(visual_token, abs=5.1e-9)
    assert exchanged.sum().item() == pytest.approx(259.57111792, abs=5.1e-9)
    for embedded, expected in (
        (video[0], [0, 0.20782518, 0, 0.13446922, 0, 0]),
        (video[1], [0, 0.00838170, 0, 0.04428154, 0.09207628, 0]),
        (text, [0.03626094, 0, 0, 0.11422014, 0.00545833, 0]),
    ):
        assert embedded[0, :6].tolist() == pytest.approx(expected, abs=5.1e-9)
    sums = [x.sum().item() for x in (*video, text)]
    assert sums == pytest.approx([37.95542678, 20.78861345, 7.99437741], abs=5.1e-9)
    scores = method.score(Videos(batch.audio, batch.visual), method.classes.take(torch.arange(4)))
    expected = [0.59933735, 0.56675054, 0.57230855, 0.59508604]
    assert scores[0].neg().tolist() == pytest.approx(expected, abs=5.1e-9)


def test_fixture_in_training_mode() -> None:
    method = fixture_method()
    e = method.module(fixture_batch(), method.train_text)
    rho_w, *rho = e.decoded
    tensors = (*e.encoded, *e.video, e.text, *rho, rho_w, *e.reconstructed)
    expected = [517.86214039, 518.81407119, 110.41505540, 110.33612781, 103.13554704]
    expected += [518.75621180, 519.80507337, 507.81181714, 524.92164407, 520.62767011]
    assert [x.sum().item() for x in tensors] == pytest.approx(expected, abs=5.1e-9)
    assert all((x >= 0).all() for x in tensors)
    triplets = cross_triplets(e, 1.0)
    both = range(2)
    contrast = [triplet_loss(rho_w, rho[m], e.other_decoded[m + 1]).item() for m in both]
    for term, printed in (
        (triplets.text_video_video.tolist(), [1.3417887842, 1.3167463561]),
        (triplets.video_text_text.tolist(), [1.0627267069, 1.1719086324]),
        (contrast, [1.2396522071, 1.4792981497]),
        (triplets.video_text_video.tolist(), [1.0707411204, 1.3040390527]),
        (triplets.text_video_text.tolist(), [0.5529207172, 0.3442463077]),
        ([F.mse_loss(x, e.target).item() for x in rho], [0.5092024206, 0.5067216532]),
        ([F.mse_loss(e.reconstructed[m], e.encoded[m]).item() for m in both], [0.6248437385, 0.6076275220]),
        ([F.mse_loss(e.video[m], e.text).item() for m in both], [0.6383655369, 0.6138177968]),
        ([F.mse_loss(rho_w, e.target).item()], [0.5106148365]),
    ):
        assert term == pytest.approx(printed, abs=5.1e-11)


@pytest.mark.parametrize("momentum", [0.1, 0.99])
def test_fixture_losses_under_adam(momentum: float) -> None:
    method, batch = fixture_method(momentum=momentum), fixture_batch()
    trace = [method.train_step(batch)["total"].item() for _ in range(6)]
    assert trace[0] == pytest.approx(14.8952615390, abs=5.1e-11)
    expected = [14.89526154, 10.26518684, 7.25651291, 6.01354541, 4.83043293, 4.17210919]
    assert trace == pytest.approx(expected, abs=5.1e-9)


def embedded_sums(method: AVCA) -> list[float]:
    batch, net = fixture_batch(), method.module.eval()
    _, video = net.embed_videos(batch.audio, batch.visual, [4])
    return [x.sum().item() for x in (*video, net.embed_texts(FIXTURE_TEXT[:4]))]


# After an update the last printed digits depend on how products are summed.
AFTER_UPDATES = 2e-8


@pytest.mark.parametrize(
    ("momentum", "bn_refresh", "expected"),
    [
        (0.1, "official", [67.91587691, 15.98483289, 7.12044072]),
        (0.1, "none", [63.09731693, 16.34831407, 7.38192183]),
        (0.99, "official", [159.73737833, 74.45449392, 7.12044072]),
        (0.99, "none", [284.95721492, 64.39789129, 7.38192183]),
    ],
)
def test_fixture_after_one_iteration(momentum: float, bn_refresh: str, expected: list[float]) -> None:
    method = fixture_method(momentum=momentum, bn_refresh=bn_refresh)
    method.train_step(fixture_batch())
    assert embedded_sums(method) == pytest.approx(expected, abs=AFTER_UPDATES)


@pytest.mark.parametrize(
    ("momentum", "expected"),
    [(0.1, [53.42314691, 41.39215299, 9.44152169]), (0.99, [95.22509220, 65.32222723, 9.44152169])],
)
def test_fixture_after_six_iterations(momentum: float, expected: list[float]) -> None:
    method = fixture_method(momentum=momentum)
    for block in method.module.modules():
        if isinstance(block, LinearBlock):  # before batch normalisation, where Adam would amplify rounding
            block.linear.bias.register_hook(torch.zeros_like)
    for _ in range(6):
        method.train_step(fixture_batch())
    assert embedded_sums(method) == pytest.approx(expected, abs=AFTER_UPDATES)


def test_scoring_example() -> None:
    task, method = scoring_task(), scoring_example(AVCA, lambda videos: videos.visual)
    figures, bias = validated(method)
    assert rounded(figures) == (0.75, 0.75, 0.75, 0.75)
    assert bias == pytest.approx(0.2)
    for bias, expected in (
        (0.0, (0.75, 0.25, 0.375)),
        (0.6, (0.75, 0.75, 0.75)),
        (0.8, (0.5, 0.75, 0.6)),
        (1.6, (0.5, 0.75, 0.6)),
        (1.8, (0.0, 0.75, 0.0)),
    ):
        assert rounded(validated(method, bias)[0])[:3] == expected
    assert method.calibration_scorer(task.classes) is None


# --- the network: passes of batch normalisation, attention, what depends on what ---


def small(text: dict[str, int] | None = None, **settings: Any) -> AVCA:
    """A small network with random weights and without dropout, five classes."""
    torch.manual_seed(0)
    shape = FeatureDims(6, 6, text or {"word2vec": 12})
    return make(shape, torch.randn(5, 12), **NO_DROPOUT | SMALL | settings)


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
    assert embedded.decoded.shape == (3, 8, 300)
