"""AVCA against numbers obtained with the published program, to their printed digits."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import torch
from avca_family import NO_DROPOUT, fixture_of
from joint_space import build
from paired_cases import (
    CLIP_CLAP,
    CLS,
    DATASETS,
    FIXTURE,
    FIXTURE_TEXT,
    MAIN,
    assert_same_statistics,
    by_part,
    fixture_batch,
    parameters,
    passes,
    random_batch,
    rounded,
    scoring_task,
    validated,
    values,
)
from released import random_state
from torch.nn import functional as F

from avgzsl_baselines.avca import AVCA
from avgzsl_baselines.families.avca_losses import Embedded, avca_losses, cross_triplets
from avgzsl_baselines.families.avca_network import AVCAConfig
from avgzsl_baselines.families.layers import LinearBlock
from avgzsl_baselines.families.token_attention import PairAttention
from avgzsl_baselines.families.triplet import triplet_loss
from avgzsl_bench import CheckpointError, Classes, FeatureDims, Videos
from avgzsl_bench.method.registry import method_spec
from avgzsl_bench.method.settings import default_settings
from avgzsl_bench.records.released_weights import load_official

if TYPE_CHECKING:
    from torch import Tensor

SPEC = method_spec("avca")


def make(shape: FeatureDims, vectors: Tensor | None = None, **settings: Any) -> AVCA:
    return build(AVCA, shape, vectors, **settings)


def fixture_method(**settings: Any) -> AVCA:
    return fixture_of(AVCA, FIXTURE, **settings)


def small(text: dict[str, int] | None = None, **settings: Any) -> AVCA:
    """A small network with random weights and without dropout, five classes."""
    torch.manual_seed(0)
    shape = FeatureDims(6, 6, text or {"word2vec": 12})
    widths = {"model_width": 8, "embedding_width": 5, "encoder_hidden_width": 9, "projection_hidden_width": 7}
    return make(shape, torch.randn(5, 12), **NO_DROPOUT | widths | settings)


# --- the losses ---


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
        decoded=(draw(6, 9), draw(6, 9)),
        other_decoded=(draw(6, 9), draw(6, 9)),
        text_decoded=draw(6, 9),
        reconstructed=draw(2, 6, 8),
        target=draw(6, 9),
    )
    tri, mse = F.triplet_margin_loss, F.mse_loss
    w, w_, both = e.text, e.other_text, range(2)
    expected = {
        "base": sum(tri(w, e.video[m], e.other_video[m]) + tri(e.video[m], w, w_) for m in both),
        "contrast": sum(tri(e.text_decoded, e.decoded[m], e.other_decoded[m]) for m in both),
        "reconstruction": sum(mse(x, e.target) for x in (*e.decoded, e.text_decoded)),
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


# --- the network ---

COMMON = {
    "transformer": 400_264,
    "audio_projection": 188_096,
    "visual_projection": 188_096,
    "text_projection": 19_392,
    "decoder": 20_100,
    "audio_reconstruction": 20_100,
    "visual_reconstruction": 20_100,
}


@pytest.mark.parametrize(
    ("shape", "audio", "visual", "total"),
    [(MAIN, 418_180, 418_180, 1_693_108), (CLS, 221_572, 2_253_188, 3_331_508)],
)
def test_parameters(shape: FeatureDims, audio: int, visual: int, total: int) -> None:
    method = make(shape)
    assert by_part(method.module) == {"audio_encoder": audio, "visual_encoder": visual, **COMMON}
    assert parameters(method.module) == total
    assert method.parameter_count() == total - 600
    assert sum(p.numel() for group in method.optimizer.param_groups for p in group["params"]) == total - 600


def test_parameters_with_several_text_encoders() -> None:
    assert parameters(make(CLIP_CLAP).module) == 2_416_952
    assert parameters(make(FeatureDims(1024, 512, {"word2vec": 300})).module) == 1_955_252


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
    tensors = (*e.encoded, *e.video, e.text, *e.decoded, e.text_decoded, *e.reconstructed)
    expected = [517.86214039, 518.81407119, 110.41505540, 110.33612781, 103.13554704]
    expected += [518.75621180, 519.80507337, 507.81181714, 524.92164407, 520.62767011]
    assert [x.sum().item() for x in tensors] == pytest.approx(expected, abs=5.1e-9)
    assert all((x >= 0).all() for x in tensors)
    triplets = cross_triplets(e, 1.0)
    both = range(2)
    contrast = [triplet_loss(e.text_decoded, e.decoded[m], e.other_decoded[m]).item() for m in both]
    for term, printed in (
        (triplets.text_video_video.tolist(), [1.3417887842, 1.3167463561]),
        (triplets.video_text_text.tolist(), [1.0627267069, 1.1719086324]),
        (contrast, [1.2396522071, 1.4792981497]),
        (triplets.video_text_video.tolist(), [1.0707411204, 1.3040390527]),
        (triplets.text_video_text.tolist(), [0.5529207172, 0.3442463077]),
        ([F.mse_loss(x, e.target).item() for x in e.decoded], [0.5092024206, 0.5067216532]),
        ([F.mse_loss(e.reconstructed[m], e.encoded[m]).item() for m in both], [0.6248437385, 0.6076275220]),
        ([F.mse_loss(e.video[m], e.text).item() for m in both], [0.6383655369, 0.6138177968]),
        ([F.mse_loss(e.text_decoded, e.target).item()], [0.5106148365]),
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


# --- scoring ---


class Embeddings(AVCA):
    """The scoring example, where features are embeddings already."""

    def embed_videos(self, videos: Videos) -> Tensor:
        return videos.visual

    def embed_classes(self, classes: Classes) -> Tensor:
        return classes.text["embedded"]


def test_scoring_example() -> None:
    task = scoring_task()
    shape = FeatureDims(3, 2, {"embedded": 2})
    method = Embeddings(AVCAConfig(), shape, task.classes, seed=0, device=torch.device("cpu"))
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


# --- settings and released weights ---

PUBLISHED = {
    "dropouts": {
        ("ucf", "selavi"): (0.2, 0.3, 0.5),
        ("ucf", "c3d_vggish"): (0.2, 0.3, 0.5),
        ("activitynet", "selavi"): (0.2, 0.2, 0.1),
        ("activitynet", "c3d_vggish"): (0.2, 0.2, 0.1),
        ("vggsound", "selavi"): (0.0, 0.0, 0.1),
        ("vggsound", "c3d_vggish"): (0.0, 0.0, 0.0),
    },
    "momentum": {("ucf", "selavi"): 0.1, ("vggsound", "selavi"): 0.1},
    "batch_size": {("vggsound", "selavi"): 64},
}


@pytest.mark.parametrize("dataset", DATASETS)
@pytest.mark.parametrize("features", ["selavi", "c3d_vggish", "clip_clap"])
def test_published_settings(dataset: str, features: str) -> None:
    config = AVCAConfig(**default_settings(SPEC, dataset, features))
    key = dataset, "c3d_vggish" if features == "clip_clap" else features
    dropouts = config.encoder_dropout, config.projection_dropout, config.decoder_dropout
    assert dropouts == PUBLISHED["dropouts"][key]
    assert config.momentum == PUBLISHED["momentum"].get(key, 0.99)
    assert config.batch_size == PUBLISHED["batch_size"].get(key, 256)
    assert (config.encoder_hidden_width, config.projection_hidden_width, config.embedding_width) == (512, 512, 64)
    attention = (config.depth, config.heads, config.head_width, config.feed_forward_width)
    assert attention == (1, 3, 100, 64)
    assert (config.k1, config.k2, config.regularization, config.margin) == (1, 1, True, 1)
    assert (config.learning_rate, config.weight_decay) == (1e-3, 1e-5)
    assert (config.epochs, config.batches_per_epoch) == (50, 500)
    assert (config.scheduler, config.plateau_factor, config.plateau_patience) == ("plateau", 0.1, 3)
    assert (config.train_positions, config.reconstruction_passes, config.bn_refresh) == (False, True, "official")


NORM = ("weight", "bias", "running_mean", "running_var")


def official_shapes(hidden: int = 64, projection_hidden: int = 48) -> dict[str, tuple[int, ...]]:
    shapes: dict[str, tuple[int, ...]] = {"pos_emb1D": (2, 300)}

    def add(net: str, first: int, inputs: int, outputs: int) -> None:
        shapes.update({f"{net}.fc.{first}.weight": (outputs, inputs), f"{net}.fc.{first}.bias": (outputs,)})
        shapes.update({f"{net}.fc.{first + 1}.{x}": (outputs,) for x in NORM})

    for net, inputs, width, outputs in (
        ("A_enc", 96, hidden, 300),
        ("V_enc", 128, hidden, 300),
        ("A_proj", 300, projection_hidden, 64),
        ("V_proj", 300, projection_hidden, 64),
    ):
        if width:
            add(net, 0, inputs, width)
            add(net, 4, width, outputs)
        else:
            add(net, 0, inputs, outputs)
    for net, inputs, outputs in (("W_proj", 300, 64), ("D", 64, 300), ("A_rec", 64, 300), ("V_rec", 64, 300)):
        add(net, 0, inputs, outputs)
    attention, feed_forward = (f"cross_attention.layers.0.{i}" for i in range(2))
    shapes |= {f"{line}.norm.{x}": (300,) for line in (attention, feed_forward) for x in ("weight", "bias")}
    shapes |= {f"{attention}.fn.to_qkv.weight": (900, 300)}
    shapes |= {f"{attention}.fn.to_out.0.weight": (300, 300), f"{attention}.fn.to_out.0.bias": (300,)}
    shapes |= {f"{feed_forward}.fn.net.0.weight": (64, 300), f"{feed_forward}.fn.net.0.bias": (64,)}
    return shapes | {f"{feed_forward}.fn.net.3.weight": (300, 64), f"{feed_forward}.fn.net.3.bias": (300,)}


@pytest.mark.parametrize(("hidden", "projection_hidden"), [(64, 48), (0, 0)])
def test_released_weights(hidden: int, projection_hidden: int) -> None:
    state = random_state(official_shapes(hidden, projection_hidden))
    for name in state:
        if name.endswith("weight") and state[name].ndim == 2:
            state[name] /= state[name].shape[1] ** 0.5
    method = load_official(SPEC, state)
    assert isinstance(method, AVCA)
    assert method.shape == FeatureDims(96, 128, {"word2vec": 300})
    assert (method.config.encoder_hidden_width, method.config.projection_hidden_width) == (
        hidden,
        projection_hidden,
    )
    audio, visual, text = torch.randn(3, 96), torch.randn(3, 128), torch.randn(4, 300)

    def linear(x: Tensor, name: str) -> Tensor:
        return x @ state[f"{name}.weight"].T + state.get(f"{name}.bias", torch.zeros(()))

    def block(x: Tensor, net: str) -> Tensor:
        for first in (0, 4):
            if f"{net}.fc.{first}.weight" in state:
                weight, bias, mean, variance = (state[f"{net}.fc.{first + 1}.{entry}"] for entry in NORM)
                x = (linear(x, f"{net}.fc.{first}") - mean) / (variance + 1e-5).sqrt() * weight + bias
                x = x.clamp(min=0)
        return x

    def layer_norm(x: Tensor, name: str) -> Tensor:
        return F.layer_norm(x, (300,), state[f"{name}.weight"], state[f"{name}.bias"])

    encoded = torch.stack((block(audio, "A_enc"), block(visual, "V_enc")), dim=1)
    x = encoded + state["pos_emb1D"]
    line = "cross_attention.layers.0.0"
    query, key, value = linear(layer_norm(x, f"{line}.norm"), f"{line}.fn.to_qkv").chunk(3, dim=-1)
    heads = []
    for h in range(3):
        q, k, v = (part[:, :, 100 * h : 100 * (h + 1)] for part in (query, key, value))
        heads.append(torch.softmax(q @ k.transpose(1, 2) / 10, dim=-1) @ v)
    x = x + linear(torch.cat(heads, dim=-1), f"{line}.fn.to_out.0")
    line = "cross_attention.layers.0.1"
    x = x + linear(F.gelu(linear(layer_norm(x, f"{line}.norm"), f"{line}.fn.net.0")), f"{line}.fn.net.3")
    embedded = block((encoded + x)[:, 1], "V_proj")
    words = block(text, "W_proj")
    classes = Classes(tuple("abcd"), {"word2vec": text}, torch.ones(4, dtype=torch.bool))
    scores = method.score(Videos(audio, visual), classes)
    torch.testing.assert_close(scores, -(embedded[:, None] - words).norm(dim=2), rtol=1e-4, atol=1e-4)


def test_released_weights_that_contradict_each_other() -> None:
    shapes = official_shapes()
    with pytest.raises(CheckpointError, match="different widths"):
        AVCA.official_shape(random_state(shapes | {"V_enc.fc.0.bias": (63,)}))
    with pytest.raises(CheckpointError, match="3 heads"):
        AVCA.official_shape(random_state(shapes | {"cross_attention.layers.0.0.fn.to_out.0.weight": (300, 256)}))
