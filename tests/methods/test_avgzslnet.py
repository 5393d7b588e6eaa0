"""AVGZSLNet against numbers obtained with the published program, to their printed digits."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
import torch
from built_methods import assert_same_statistics, build, passes, values
from paired_cases import (
    FIXTURE,
    FIXTURE_TEXT,
    fill_branches,
    fixture_batch,
    official_branches,
    random_batch,
    rounded,
    scoring_example,
    scoring_task,
    validated,
)
from reference_values import doubles, fill
from released import fc_shapes, random_state, through_fc
from torch.nn import functional as F

from avgzsl_baselines.avgzslnet import AVGZSLNet, Embedded, avgzslnet_losses, reconstruction_loss
from avgzsl_baselines.families.triplet import triplet_loss
from avgzsl_bench import Batch, Classes, FeatureDims, TorchMethod, Videos
from avgzsl_bench.method.registry import method_spec
from avgzsl_bench.records.released_weights import load_official

SPEC = method_spec("avgzslnet")
make = partial(build, AVGZSLNet)


def fixture_method(**settings: Any) -> AVGZSLNet:
    method = make(
        FIXTURE, FIXTURE_TEXT, hidden_width=8, decoder_hidden_width=7, dropout=0.0, decoder_dropout=0.0, **settings
    )
    net = method.module.double()
    fill_branches(net)
    fill(net.decoder.hidden, net.decoder.output, first=7)
    return method


# --- the losses on fixed tensors ---


TARGET = doubles((0.6, 0.8), (1, 0))
TEXT_DECODED = doubles((0.6, 0.8), (0.96, 0.28))
POSITIVE = Embedded(
    audio=doubles((0.5, 1), (1.5, -0.5)),
    visual=doubles((0.2, 0.1), (0.4, 0.3)),
    text=doubles((0.4, 0.6), (0.9, -0.1)),
    audio_decoded=doubles((0.8, 0.6), (0.6, -0.8)),
    visual_decoded=doubles((0, 1), (0.8, 0.6)),
)
NEGATIVE = Embedded(
    audio=doubles((0.6, 0.5), (-1, 0.2)),
    visual=doubles((1, 1), (0.5, 0)),
    text=doubles((-0.2, 0.3), (0.1, 0.1)),
    audio_decoded=doubles((1, 0), (0, 1)),
    visual_decoded=doubles((0.6, 0.8), (-1, 0)),
)


def test_losses_of_fixed_tensors() -> None:
    losses = values(avgzslnet_losses(POSITIVE, NEGATIVE, TEXT_DECODED, TARGET, 1.0))
    expected = {
        "triplet": 0.5943514997 + 0.3101581267 + 1.0227051010 + 1.1855284457,
        "reconstruction": 1.3625118400,
        "decoded_triplet": 0.6634180484 + 0.8162273751,
    }
    assert losses == pytest.approx(expected, abs=2e-10)
    assert sum(losses.values()) == pytest.approx(5.9549004366, abs=5.1e-11)


def test_triplets_of_fixed_tensors() -> None:
    p, n = POSITIVE, NEGATIVE
    triplets = [
        triplet_loss(TEXT_DECODED, p.audio_decoded, n.audio_decoded),
        triplet_loss(TEXT_DECODED, p.visual_decoded, n.visual_decoded),
        triplet_loss(p.text, p.audio, n.audio),
        triplet_loss(p.audio, p.text, n.text),
        triplet_loss(p.text, p.visual, n.visual),
        triplet_loss(p.visual, p.text, n.text),
    ]
    expected = [0.6634180484, 0.8162273751, 0.5943514997, 0.3101581267, 1.0227051010, 1.1855284457]
    assert [triplet.item() for triplet in triplets] == pytest.approx(expected, abs=5.1e-11)


def test_a_perfect_reconstruction_has_a_gradient() -> None:
    decoded = doubles((0.6, 0.8), (1, 0)).requires_grad_()
    loss = reconstruction_loss(decoded, TARGET)
    (gradient,) = torch.autograd.grad(loss, decoded)
    assert loss == 0
    assert torch.equal(gradient, torch.zeros_like(gradient))


# --- the network ---


def test_fixture_in_evaluation_mode() -> None:
    method, batch = fixture_method(), fixture_batch()
    assert method.parameter_count() == 114_321
    net = method.module.eval()
    positive, negative, text_decoded, target = net(batch, method.train_text)
    audio = positive.audio
    assert audio[0, :4].tolist() == pytest.approx([0.17555210, 0.00345688, 0.05137920, 0.06074196], abs=5.1e-9)
    sums = [x.sum().item() for x in (audio, positive.visual, positive.text)]
    assert sums == pytest.approx([0.12761199, 2.57691024, 1.17260246], abs=5.1e-9)
    decoded = (
        positive.audio_decoded,
        positive.visual_decoded,
        text_decoded,
        negative.audio_decoded,
        negative.visual_decoded,
    )
    expected = [-0.24268236, -0.06370794, -0.05275962, -0.21703981, -0.04290900]
    assert [x.sum().item() for x in decoded] == pytest.approx(expected, abs=5.1e-9)
    assert all(torch.allclose(x.norm(dim=1), torch.ones(4, dtype=torch.float64)) for x in decoded)
    assert torch.equal(target, FIXTURE_TEXT[:4])
    scores = method.score(Videos(batch.audio, batch.visual), method.classes.take(torch.arange(4)))
    expected = [2.59641997, 2.50548498, 2.58029126, 2.59955716]
    assert scores[0].neg().tolist() == pytest.approx(expected, abs=5.1e-9)


def test_fixture_in_training_mode() -> None:
    method = fixture_method()
    p, n, text_decoded, _ = method.module(fixture_batch(), method.train_text)
    decoded = [
        triplet_loss(text_decoded, p.audio_decoded, n.audio_decoded).item(),
        triplet_loss(text_decoded, p.visual_decoded, n.visual_decoded).item(),
    ]
    assert decoded == pytest.approx([1.0870462792, 1.0847739191], abs=5.1e-11)
    triplets = [
        triplet_loss(p.text, p.audio, n.audio),
        triplet_loss(p.audio, p.text, n.text),
        triplet_loss(p.text, p.visual, n.visual),
        triplet_loss(p.visual, p.text, n.text),
    ]
    expected = [1.2325300065, 1.2862717379, 0.9692096854, 1.1452399769]
    assert [x.item() for x in triplets] == pytest.approx(expected, abs=5.1e-11)


def test_fixture_losses_under_adam() -> None:
    method, batch = fixture_method(), fixture_batch()
    trace = [values(method.train_step(batch)) for _ in range(6)]
    assert trace[0]["reconstruction"] == pytest.approx(4.2225091507, abs=5.1e-11)
    assert trace[0]["total"] == pytest.approx(11.0275807558, abs=5.1e-11)
    expected = [11.02758076, 7.75928057, 6.71168687, 6.28152096, 5.90005707, 5.75051865]
    assert [step["total"] for step in trace] == pytest.approx(expected, abs=5.1e-9)


def test_fixture_after_one_iteration() -> None:
    method, batch = fixture_method(), fixture_batch()
    method.train_step(batch)
    net = method.module
    parts = (net.audio, net.visual, net.text, net.decoder)
    assert [passes(part.hidden.norm) for part in parts] == [2, 2, 2, 5]
    net.eval()
    embedded = [net.audio(batch.audio), net.visual(batch.visual), net.embed_texts(FIXTURE_TEXT[:4])]
    # After an update the last printed digit depends on how products are summed.
    assert [x.sum().item() for x in embedded] == pytest.approx([0.06316822, 2.39167244, 1.11472579], abs=1e-8)
    decoded = [net.decode(x, [4]).sum().item() for x in embedded]
    assert decoded == pytest.approx([-0.35430281, -0.13940866, -0.20390167], abs=1e-8)


@pytest.mark.parametrize("text", [{"word2vec": 12}, {"clip": 5, "clap": 7}])
def test_order_of_passes(text: dict[str, int]) -> None:
    torch.manual_seed(0)
    shape = FeatureDims(6, 5, text)
    method = make(shape, torch.randn(5, 12), dropout=0.0, decoder_dropout=0.0, text_adapter_dropout=0.0)
    net, plain = method.module, deepcopy(method.module)
    batch = random_batch(shape, 5)
    net(batch, method.train_text)
    (audio, visual, words), (other_audio, other_visual, _) = (
        (plain.audio(part.audio), plain.visual(part.visual), plain.embed_texts(method.train_text[part.label]))
        for part in (batch, batch.negative)
    )
    for embedded in (audio, visual, words, other_audio, other_visual):
        plain.decoder(embedded)
    assert_same_statistics(net, plain)


def test_negatives_equal_to_positives_cost_six_margins() -> None:
    method, batch = fixture_method(), fixture_batch()
    losses = values(method.losses(replace(batch, negative=replace(batch))))
    assert losses["total"] == pytest.approx(6 + losses["reconstruction"], abs=1e-12)
    assert 0 <= losses["reconstruction"] <= 6


def test_swapped_modalities_give_the_same_loss() -> None:
    torch.manual_seed(0)
    shape, text = FeatureDims(6, 5, {"word2vec": 12}), torch.randn(5, 12)
    settings = {"dropout": 0.0, "decoder_dropout": 0.0}
    method, other = make(shape, text, **settings), make(FeatureDims(5, 6, {"word2vec": 12}), text, **settings)
    names = {"audio": "visual", "visual": "audio"}
    other.load_state_dict(
        {
            ".".join((names.get(part, part), *rest)): value
            for (part, *rest), value in ((name.split("."), value) for name, value in method.state_dict().items())
        }
    )
    batch = random_batch(shape, 5)

    def swapped(part: Batch, negative: Batch | None = None) -> Batch:
        return Batch(part.visual, part.audio, part.label, negative)

    expected = values(method.losses(batch))
    assert values(other.losses(swapped(batch, swapped(batch.negative)))) == pytest.approx(expected, abs=1e-5)


def test_with_several_text_encoders_reconstructions_aim_at_the_adapter() -> None:
    torch.manual_seed(0)
    shape = FeatureDims(6, 5, {"clip": 5, "clap": 7})
    method = make(shape, torch.randn(5, 12), text_adapter_dropout=0.0)
    batch = random_batch(shape, 5)
    _, _, decoded, target = method.module(batch, method.train_text)
    expected = method.module.text_adapter(method.train_text[batch.label])
    torch.testing.assert_close(target, F.normalize(expected, dim=1))
    assert decoded.shape == target.shape == (8, 300)
    reconstruction_loss(decoded, target).backward()
    assert method.module.text_adapter.encoder.linear.weight.grad.abs().sum() > 0


def test_a_single_text_encoder_of_another_width_is_read_as_it_is() -> None:
    shape = FeatureDims(6, 5, {"clip": 17})
    method = make(shape, torch.randn(5, 17))
    *_, target = method.module(random_batch(shape, 5), method.train_text)
    assert torch.equal(target, method.train_text[random_batch(shape, 5).label])


# --- scoring and the bias ---


def example(**settings: Any) -> TorchMethod:
    return scoring_example(
        AVGZSLNet, lambda videos: torch.cat((videos.audio[:, :2], videos.visual), dim=1), **settings
    )


def test_scoring_example() -> None:
    figures, bias = validated(example())
    assert rounded(figures) == (1.0, 0.666667, 0.8, 1.0)
    assert bias == 0


def test_official_bias_is_the_mean_of_three() -> None:
    figures, bias = validated(example(bias="mean_of_three"))
    assert figures.hm == pytest.approx(0.8)
    assert bias == pytest.approx(0.2 / 3)
    assert rounded(validated(example(), bias)[0]) == (1.0, 0.666667, 0.8, 1.0)
    task = scoring_task()
    audio, visual, both = example(bias="mean_of_three").calibration_scorer(task.classes)(task.videos)
    assert torch.equal(both, audio + visual)


# --- settings and released weights ---


DECODER = "decoder_net.embedding_net"


def test_released_weights() -> None:
    state = random_state(official_branches() | fc_shapes(DECODER, 64, 32, 300, last_normalised=False))
    method = load_official(SPEC, state)
    assert isinstance(method, AVGZSLNet)
    assert method.shape == FeatureDims(96, 128, {"word2vec": 300})
    assert method.config.decoder_hidden_width == 32
    audio, visual, text = torch.randn(3, 96), torch.randn(3, 128), torch.randn(4, 300)

    a, v, w = (
        through_fc(state, x, f"triplet_net.embedding_net{i}") for i, x in ((1, audio), (2, visual), (3, text))
    )
    classes = Classes(tuple("abcd"), {"word2vec": text}, torch.ones(4, dtype=torch.bool))
    scores = method.score(Videos(audio, visual), classes)
    expected = -(a[:, None] - w).norm(dim=2) - (v[:, None] - w).norm(dim=2)
    torch.testing.assert_close(scores, expected, rtol=1e-4, atol=1e-4)
    rebuilt = through_fc(state, w, DECODER)
    torch.testing.assert_close(
        method.module.decode(w, [4]), rebuilt / rebuilt.norm(dim=1, keepdim=True), rtol=1e-4, atol=1e-5
    )
