"""STFT against worked examples and an independent implementation of the same reconstruction."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
import torch
from joint_space import build
from paired_cases import (
    CLIP_CLAP,
    CLS,
    DATASETS,
    FIXTURE,
    FIXTURE_TEXT,
    MAIN,
    by_part,
    fixture_batch,
    parameters,
    passes,
    random_batch,
    values,
)
from reference_values import bias, fill, weight
from torch.nn import functional as F

from avgzsl_baselines.families.stft_fusion import KnowledgeCombiner, TripleAttention, TripleLayer, TuckerFusion
from avgzsl_baselines.families.stft_network import Embedded, STFTConfig
from avgzsl_baselines.families.stft_spiking import (
    GatedNorm,
    PairLinear,
    SpikingBranches,
    fire,
    next_threshold,
    pooled_gate,
    time_step_weights,
)
from avgzsl_baselines.stft import STFT, stft_losses
from avgzsl_bench import FeatureDims, Sequences, Videos
from avgzsl_bench.method.registry import method_spec
from avgzsl_bench.method.settings import build_config

if TYPE_CHECKING:
    from torch import Tensor

SPEC = method_spec("stft")
NO_DROPOUT = {
    "encoder_dropout": 0.0,
    "projection_dropout": 0.0,
    "decoder_dropout": 0.0,
    "text_adapter_dropout": 0.0,
}
PRINTED = 5.1e-9
PRINTED_7 = 5.1e-8
SINGLE = 2.5e-7
"""For the few worked examples that were computed, hence printed, in single precision."""


def make(shape: FeatureDims, vectors: Tensor | None = None, **settings: Any) -> STFT:
    return build(STFT, shape, vectors, **settings)


def fixture_method(**settings: Any) -> STFT:
    method = make(FIXTURE, FIXTURE_TEXT, **NO_DROPOUT | settings)
    net = method.module.double()
    joint, combining, spiking = net.joint_layer, net.combiner.layer, net.spiking
    fill(
        {
            1: net.audio_encoder[0].linear,
            2: net.audio_encoder[1].linear,
            3: net.visual_encoder[0].linear,
            4: net.visual_encoder[1].linear,
            5: net.text_projection.linear,
            6: net.decoder.linear,
            7: net.audio_projection[0].linear,
            8: net.audio_projection[1].linear,
            9: net.visual_projection[0].linear,
            10: net.visual_projection[1].linear,
            11: net.audio_reconstruction.linear,
            12: net.visual_reconstruction.linear,
            13: joint.attention.query_key_value,
            14: joint.attention.output,
            15: joint.feed_forward.hidden,
            16: joint.feed_forward.output,
            17: combining.attention.query_key_value,
            18: combining.attention.output,
            19: combining.feed_forward.hidden,
            20: combining.feed_forward.output,
            21: spiking.audio_input,
            24: spiking.visual_input,
            27: net.combiner.audio_map,
            28: net.combiner.visual_map,
            34: net.audio_fusion.semantic,
            35: net.audio_fusion.temporal,
            37: net.audio_fusion.output,
            38: net.visual_fusion.semantic,
            39: net.visual_fusion.temporal,
            41: net.visual_fusion.output,
        }
    )
    with torch.no_grad():
        for block, first_tag in enumerate((22, 23)):
            for modality in range(2):
                tag = first_tag + 3 * modality
                spiking.maps[block].weight[modality] = weight(512, 512, tag)
                spiking.maps[block].bias[modality] = bias(512, tag)
        for slot in range(4):
            net.combiner.slots[slot] = weight(512, 512, 29 + slot)
        net.combiner.prior.copy_(bias(512, 33))
        for fusion, tag in ((net.audio_fusion, 36), (net.visual_fusion, 40)):
            fusion.core.copy_(weight(3600, 60, tag).view(60, 60, 60))
        for modality in range(2):
            net.modalities[modality] = (((5 * torch.arange(512) + 3 * modality) % 11) - 5).double() / 50
    return method


SMALL = {
    "model_width": 16,
    "hidden_width": 12,
    "embedding_width": 5,
    "slots": 2,
    "heads": 2,
    "head_width": 3,
    "feed_forward_width": 7,
    "tucker_rank": 4,
}


def small(shape: FeatureDims | None = None, **settings: Any) -> STFT:
    """A small network with random weights and without dropout, five classes."""
    torch.manual_seed(0)
    return make(shape or FeatureDims(6, 7, {"word2vec": 12}), torch.randn(5, 12), **NO_DROPOUT | SMALL | settings)


def doubles(*rows: Any) -> Tensor:
    return torch.tensor(rows, dtype=torch.float64)


# --- neurons ---


def run_neuron(current: float, steps: int) -> tuple[list[int], list[float]]:
    potential, fired, trace = doubles(0.0), [], []
    for step in range(1, steps + 1):
        spikes, potential = fire(potential, doubles(current), 1.0, 0.5)
        fired += [step] * int(spikes.item())
        trace.append(potential.item())
    return fired, trace


@pytest.mark.parametrize(
    ("current", "fired", "potentials"),
    [
        (0.9, [], [0.45, 0.675, 0.7875, 0.84375, 0.871875, 0.8859375]),
        (1.5, [2, 4, 6], [0.75, 0, 0.75, 0, 0.75, 0]),
        (2.5, [1, 2, 3, 4, 5, 6], [0] * 6),
        (4.0, [1, 2, 3, 4, 5, 6], [0] * 6),
        (2.0, [1, 2, 3, 4, 5, 6], [0] * 6),
    ],
)
def test_leaky_neurons(current: float, fired: list[int], potentials: list[float]) -> None:
    spikes, trace = run_neuron(current, 6)
    assert spikes == fired
    assert trace == pytest.approx(potentials, abs=1e-15)


def test_neurons_below_the_threshold_never_fire() -> None:
    assert run_neuron(0.999, 200)[0] == []


def test_other_time_constants() -> None:
    _, potential = fire(doubles(0.4), doubles(1.0), 1.0, decay=0.25)
    assert potential.item() == pytest.approx(0.4 + (1 - 0.4) / 4, abs=1e-15)


def test_gradients_pass_the_surrogate_and_the_reset() -> None:
    """s and v = u (1 - s) with respect to I, at u = V_th + x: ds/du = 4 sigma(4x) (1 - sigma(4x))."""
    for x, slope in ((-0.5, 0.4199743), (0.0, 1.0), (0.25, 0.7864477)):
        current = doubles(2 * (1 + x)).requires_grad_()
        spikes, potential = fire(doubles(0.0), current, 1.0, 0.5)
        (of_spikes,) = torch.autograd.grad(spikes, current, retain_graph=True)
        assert of_spikes.item() == pytest.approx(slope / 2, abs=PRINTED_7)
        (of_potential,) = torch.autograd.grad(potential, current)
        expected = ((1 - spikes.item()) - (1 + x) * slope) / 2
        assert of_potential.item() == pytest.approx(expected, abs=1e-7)


# --- pooling, threshold, time steps ---


@pytest.mark.parametrize(
    ("current", "pooled", "gated"),
    [
        ([0.5, -1, 2, 0.5], 2.5, [0.9620709, -1.9241419, 3.8482838, 0.9620709]),
        ([1, 1, -1, -1], 1.0, [1.7310586, 1.7310586, -1.7310586, -1.7310586]),
    ],
)
def test_global_local_pooling(current: list[float], pooled: float, gated: list[float]) -> None:
    out, value = pooled_gate(doubles(*current).unsqueeze(0), torch.sigmoid(doubles(0.0)))
    assert value.item() == pytest.approx(pooled, abs=1e-12)
    assert out[0].tolist() == pytest.approx(gated, abs=SINGLE)


def test_pooling_weighs_the_maximum_by_beta() -> None:
    """P = (max + mean) / 2 + beta max + (1 - beta) mean."""
    _, pooled = pooled_gate(doubles(3.0, 1.0, 0.0, 0.0), doubles(0.8))
    assert pooled.item() == pytest.approx((3 + 1) / 2 + 0.8 * 3 + 0.2 * 1, abs=1e-12)


def test_norms_are_those_of_layer_norm_for_each_modality() -> None:
    torch.manual_seed(0)
    norm = GatedNorm(9)
    with torch.no_grad():
        for parameter in (norm.weight, norm.bias, norm.balance):
            parameter.normal_()
    mapped = torch.randn(2, 4, 9)
    current, pooled = norm(mapped)
    for m in range(2):
        normed = F.layer_norm(mapped[m], (9,), norm.weight[m, 0], norm.bias[m, 0])
        expected, value = pooled_gate(normed, torch.sigmoid(norm.balance[m]))
        torch.testing.assert_close(current[m], expected)
        torch.testing.assert_close(pooled[m], value)


def test_maps_are_two_linear_layers() -> None:
    torch.manual_seed(0)
    pair, inputs = PairLinear(400, 300), torch.randn(2, 5, 400)
    for m in range(2):
        expected = F.linear(inputs[m], pair.weight[m], pair.bias[m, 0])
        torch.testing.assert_close(pair(inputs)[m], expected, rtol=1e-4, atol=1e-5)
    linear = torch.nn.Linear(400, 300)
    for ours, theirs in ((pair.weight, linear.weight), (pair.bias, linear.bias)):
        assert ours.abs().max() <= 1 / 20
        assert ours.std().item() == pytest.approx(theirs.std().item(), rel=0.1)


@pytest.mark.parametrize(
    ("firing", "pooled", "expected"),
    [(1, 2.5, 1.1366745), (3, 1.0, 1.0884037), (0, 0.0, 0.6250107)],
)
def test_dynamic_threshold(firing: int, pooled: float, expected: float) -> None:
    spikes = doubles([1.0] * firing + [0.0] * (4 - firing)).requires_grad_()
    threshold = next_threshold(doubles([1.0]), spikes, doubles([pooled]))
    assert threshold.item() == pytest.approx(expected, abs=PRINTED_7)
    assert not threshold.requires_grad


def test_dynamic_threshold_stays_in_its_range() -> None:
    torch.manual_seed(0)
    threshold = torch.ones(50, 1)
    rate = torch.rand(50, 1).round(decimals=1)
    for pooled in (-100.0, 0.0, 100.0):
        for _ in range(30):
            spikes = (torch.rand(50, 16) < rate).float()
            threshold = next_threshold(threshold, spikes, torch.full((50, 1), pooled))
            assert threshold.min() >= 0.25
            assert threshold.max() <= 1.5


TRAIN = ([1.0, 0, 1, 0], [0.0, 0, 0, 0], [1.0, 1, 1, 0])


def test_time_step_factor() -> None:
    spikes = doubles(*TRAIN)
    weights = time_step_weights(spikes, doubles(0, 0, 0))
    assert weights.tolist() == pytest.approx([0.3314990, 0.1219517, 0.5465494], abs=PRINTED_7)
    summed = (weights.unsqueeze(1) * spikes).sum(dim=0)
    assert summed.tolist() == pytest.approx([0.8780483, 0.5465494, 0.8780483, 0], abs=PRINTED_7)
    normed = F.layer_norm(summed, (4,))
    assert normed.tolist() == pytest.approx([0.8426092, -0.0811219, 0.8426092, -1.6040970], abs=SINGLE)


def test_time_step_factor_invariants() -> None:
    spikes, offset = doubles(*TRAIN), doubles(0.3, -1.0, 0.5)
    weights = time_step_weights(spikes, offset)
    assert (weights > 0).all()
    assert weights.sum().item() == pytest.approx(1)
    torch.testing.assert_close(time_step_weights(spikes[:, [2, 0, 3, 1]], offset), weights)
    even = time_step_weights(doubles([1, 0], [0, 1], [1, 0]), doubles(0, 0, 0))
    assert even.tolist() == pytest.approx([1 / 3] * 3)
    assert (weights - time_step_weights(spikes, doubles(0, 0, 0))).abs().max() > 0.05


# --- the branches ---


def branches(steps: int = 7, **settings: Any) -> SpikingBranches:
    torch.manual_seed(0)
    given = {"time_constant": 2.0, "threshold": 1.0} | settings
    return SpikingBranches(6, 5, 12, 16, steps=steps, **given).double()


def branch_by_hand(net: SpikingBranches, m: int, frames: Tensor) -> Tensor:
    """S of one modality, one video, step by step, with one threshold for the three blocks."""
    first = (net.audio_input, net.visual_input)[m]
    maps = [(first.weight, first.bias)] + [(linear.weight[m], linear.bias[m, 0]) for linear in net.maps]
    norms = (net.input_norm, *net.norms)
    potentials, threshold, out = [torch.zeros(w.shape[0], dtype=w.dtype) for w, _ in maps], 1.0, []
    for frame in frames:
        x = frame
        for block, ((w, b), norm) in enumerate(zip(maps, norms, strict=True)):
            current = F.layer_norm(w @ x + b, (len(b),), norm.weight[m, 0], norm.bias[m, 0])
            p_max, p_avg, beta = current.max(), current.mean(), torch.sigmoid(norm.balance[m].squeeze())
            pooled = (p_max + p_avg) / 2 + beta * p_max + (1 - beta) * p_avg
            current = (1 + torch.sigmoid(pooled)) * current
            u = potentials[block] + (current - potentials[block]) / 2
            x = (u >= threshold).double()
            potentials[block] = u * (1 - x)
        out.append(x)
        q = x.mean().clamp(1e-6, 1 - 1e-6)
        entropy = -q * q.log2() - (1 - q) * (1 - q).log2()
        threshold = threshold / 2 + (torch.sigmoid(pooled) / 2 + entropy).clamp(0.25, 2) / 2
    spikes = torch.stack(out)
    scores = spikes.sum(dim=1) / spikes.shape[1] ** 0.5 + net.step_offset[:, m, 0]
    return F.layer_norm((torch.softmax(scores, 0).unsqueeze(1) * spikes).sum(dim=0), (spikes.shape[1],))


def test_branches_are_what_each_is_alone() -> None:
    net = branches()
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    audio, visual = torch.randn(4, 7, 6).double(), torch.randn(4, 7, 5).double()
    summary = net(audio, visual)
    for m, frames in enumerate((audio, visual)):
        for video in range(4):
            torch.testing.assert_close(summary[m, video], branch_by_hand(net, m, frames[video]))


def test_a_constant_input_is_one_that_is_repeated() -> None:
    net = branches()
    audio, visual = torch.randn(4, 1, 6).double(), torch.randn(4, 1, 5).double()
    repeated = net(audio.expand(-1, 7, -1), visual.expand(-1, 7, -1))
    torch.testing.assert_close(net(audio, visual), repeated)


def test_what_steps_keep_to() -> None:
    net = branches(steps=20)
    audio, visual = 3 * torch.randn(9, 20, 6).double(), 3 * torch.randn(9, 20, 5).double()
    threshold = torch.ones(2, 9, 1).double()
    total = [0.0] * 3
    for step in net.run(audio, visual):
        for block, (spikes, potential) in enumerate(zip(step.spikes, step.potentials, strict=True)):
            assert set(spikes.unique().tolist()) <= {0.0, 1.0}
            assert (potential < threshold).all()
            total[block] += spikes.mean().item() / 20
        threshold = step.threshold
        assert 0.25 <= threshold.min() <= threshold.max() <= 1.5
    assert all(0.02 < rate < 0.6 for rate in total)


def test_no_state_is_left() -> None:
    net = branches()
    audio, visual = torch.randn(4, 1, 6).double(), torch.randn(4, 1, 5).double()
    before = net(audio, visual)
    net(torch.randn(9, 7, 6).double(), torch.randn(9, 7, 5).double())
    assert torch.equal(net(audio, visual), before)


# --- knowledge and fusion ---


def test_recalled_knowledge() -> None:
    combiner = KnowledgeCombiner(2, 2, TripleLayer(2, 1, 2, 2, 0.0)).double()
    with torch.no_grad():
        combiner.slots.copy_(doubles([[1, 0], [0, 1]], [[0, 1], [-1, 0]]))
        combiner.audio_map.weight.copy_(doubles([1, 1], [0, -1]))
        combiner.visual_map.weight.copy_(doubles([0.5, 0], [1, 1]))
        combiner.audio_map.bias.zero_()
        combiner.visual_map.bias.zero_()
        combiner.prior.copy_(doubles(0.3, -0.3))
        knowledge, projected, shared = combiner.recall(doubles([[1, -0.5]], [[0.2, 0.4]]))
    assert knowledge.flatten().tolist() == pytest.approx([1.1085993, -0.3232411, 0.2297043, 0.4195415], abs=SINGLE)
    assert projected.flatten().tolist() == pytest.approx([0.7853583, 0.3232411, 0.1148522, 0.6492458], abs=SINGLE)
    assert shared[0].tolist() == pytest.approx([0.5985148, -0.0660496], abs=SINGLE)
    with torch.no_grad():
        combiner.share.copy_(doubles(50).squeeze())
        _, _, shared = combiner.recall(doubles([[1, -0.5]], [[0.2, 0.4]]))
    torch.testing.assert_close(shared, (projected * knowledge).sum(dim=0))


def test_attention_of_triples() -> None:
    torch.manual_seed(0)
    attention = TripleAttention(12, heads=3, head_width=5, dropout=0.0).double()
    tokens = torch.randn(3, 7, 12, dtype=torch.float64)
    mapped = tokens.transpose(0, 1) @ attention.query_key_value.weight.T
    query, key, value = (x.unflatten(-1, (3, 5)).transpose(1, 2) for x in mapped.split(15, dim=-1))
    weights = torch.softmax(query @ key.transpose(-1, -2) / 5**0.5, dim=-1)
    attended = (weights @ value).transpose(1, 2).flatten(2)
    expected = attention.output(attended).transpose(0, 1)[:2]
    torch.testing.assert_close(attention(tokens), expected)


def test_tokens_of_the_combiner() -> None:
    net = fixture_method().module.combiner
    encoded = torch.rand(2, 3, 512).double()
    knowledge, projected, shared = net.recall(encoded)
    tokens = torch.stack((*(knowledge + projected + shared), shared))
    torch.testing.assert_close(net(encoded), F.layer_norm(net.layer(tokens), (512,)))


def tucker() -> TuckerFusion:
    """The worked example's fusion: inputs of 3 and of 2, rank 2, 3 outputs."""
    fusion = TuckerFusion(3, 2, 0.0)
    fusion.temporal = torch.nn.Linear(2, 2, bias=False)
    fusion.double()
    with torch.no_grad():
        fusion.semantic.weight.copy_(doubles([1, 0, 2], [0, 1, 1]))
        fusion.temporal.weight.copy_(doubles([1, 1], [2, 0]))
        fusion.core.copy_(doubles([[1, 0], [0, 2]], [[0.5, -1], [1, 0]]))
        fusion.output.weight.copy_(doubles([1, 0], [0, 1], [1, -1]))
        fusion.output.bias.copy_(doubles(0.1, 0, -0.1))
    return fusion


def test_tucker_fusion() -> None:
    fusion, r, s = tucker(), doubles([1, 2, -1]), doubles([0.5, -1])
    assert fusion.semantic(r)[0].tolist() == [-1, 1]
    assert fusion.temporal(s)[0].tolist() == [-0.5, 1]
    assert fusion(r, s)[0].tolist() == pytest.approx([1.35, -1.5, 2.65], abs=1e-12)
    product = fusion(r, s) - fusion.output.bias
    torch.testing.assert_close(fusion(2 * r, s) - fusion.output.bias, 2 * product)
    torch.testing.assert_close(fusion(r, -3 * s) - fusion.output.bias, -3 * product)
    with torch.no_grad():
        fusion.core.zero_()
    torch.testing.assert_close(fusion(r, s)[0], fusion.output.bias)


# --- losses ---


def test_losses_of_the_worked_example() -> None:
    video = doubles([[1, 0], [0, 2]], [[0, 1], [1, 1]])
    other = doubles([[0, 0], [2, 0]], [[1, -1], [0, 0]])
    zero = torch.zeros(2, 2, 3).double()
    losses = stft_losses(
        Embedded(
            encoded=zero,
            video=video,
            joint=video.mean(dim=0),
            other_joint=other.mean(dim=0),
            text=doubles([1, 1], [0, 0]),
            other_text=doubles([0, 1], [1, 1]),
            decoded=torch.zeros(3, 2, 4).double(),
            reconstructed=zero,
            target=torch.zeros(2, 4).double(),
        )
    )
    expected = {"triplet": 2.2905693, "projection": 2.0, "reconstruction": 0.0}
    assert values(losses) == pytest.approx(expected, abs=PRINTED_7)
    assert sum(values(losses).values()) / 2 == pytest.approx(2.1452847, abs=SINGLE)


def test_losses_are_their_terms() -> None:
    method = small()
    batch = random_batch(method.shape, 5)
    inputs = method._inputs(batch).above(method._inputs(batch.negative))
    e = method.module(inputs, method.train_text, (batch.label, batch.negative.label))
    tri, mse, w = F.triplet_margin_loss, F.mse_loss, e.target
    expected = {
        "triplet": tri(e.joint, e.text, e.other_text) + tri(e.text, e.joint, e.other_joint),
        "projection": mse(e.video[0], e.text) + mse(e.video[1], e.text),
        "reconstruction": sum(mse(rho, w) for rho in e.decoded)
        + sum(mse(e.reconstructed[m], e.encoded[m]) for m in range(2)),
    }
    assert values(stft_losses(e)) == pytest.approx(values(expected), abs=1e-5)
    losses = values(method.losses(batch))
    total = 0.5 * losses["triplet"] + 0.5 * (losses["projection"] + losses["reconstruction"])
    assert losses["total"] == pytest.approx(total, abs=1e-5)


# --- the network ---


@pytest.mark.parametrize(
    ("shape", "total"),
    [
        (MAIN, 7_765_471),
        (CLS, 11_042_271),
        (FeatureDims(1024, 512, {"word2vec": 300}), 8_289_759),
        (CLIP_CLAP, 8_751_459),
        (FIXTURE, 6_728_159),
    ],
)
def test_parameters(shape: FeatureDims, total: int) -> None:
    method = make(shape)
    assert parameters(method.module) == total
    assert method.parameter_count() == total
    assert sum(p.numel() for group in method.optimizer.param_groups for p in group["params"]) == total


def test_parameters_of_each_part() -> None:
    assert by_part(make(MAIN).module) == {
        "audio_encoder": 527_360,
        "visual_encoder": 527_360,
        "spiking": 2 * 791_053,
        "combiner": 2_691_649,
        "audio_fusion": 308_672,
        "visual_fusion": 308_672,
        "joint_layer": 1_117_248,
        "audio_projection": 296_640,
        "visual_projection": 296_640,
        "text_projection": 19_392,
        "decoder": 20_100,
        "audio_reconstruction": 34_304,
        "visual_reconstruction": 34_304,
    }


def test_initial_values() -> None:
    net = make(MAIN).module
    for zero in (net.combiner.share, net.combiner.prior, net.spiking.step_offset, net.spiking.norms[0].balance):
        assert not zero.any()
    assert net.modalities.std().item() == pytest.approx(0.02, rel=0.1)
    assert net.audio_fusion.core.std().item() == pytest.approx(1 / 60, rel=0.02)
    xavier = (6 / 1024) ** 0.5
    assert net.combiner.slots.abs().max().item() == pytest.approx(xavier, rel=1e-2)


@cache
def fixture_figures() -> dict[str, Any]:
    method, batch = fixture_method(), fixture_batch()
    net, inputs = method.module.eval(), method._inputs(batch)
    with torch.no_grad():
        encoded = net.encode(inputs, [4])
        knowledge, _, shared = net.combiner.recall(encoded)
        temporal = net.temporal(inputs)
        steps = list(net.spiking.run(inputs.audio_steps, inputs.visual_steps))
        return {
            "encoded": encoded.sum(dim=(1, 2)).tolist(),
            "knowledge": [knowledge[0].sum().item(), shared.sum().item()],
            "semantic": net.combiner(encoded)[0, 0, :4].tolist(),
            "spikes": [sum(step.spikes[block] for step in steps).sum(dim=(1, 2)).tolist() for block in range(3)],
            "temporal": temporal[0, 0, :2].tolist(),
            "thresholds": steps[-1].threshold[0].flatten().tolist(),
            "fused": net.fuse(encoded, temporal).sum(dim=(1, 2)).tolist(),
            "embedded": net.embed_videos(inputs, [4])[1].sum(dim=(1, 2)).tolist(),
            "text": [net.embed_texts(FIXTURE_TEXT[:4]).sum().item()],
        }


@pytest.mark.parametrize(
    ("figure", "expected"),
    [
        ("encoded", [163.24276285, 200.53679953]),
        ("knowledge", [326.48517541, 45.67476990]),
        ("semantic", [-0.36278593, -0.84797740, -2.74292392, -0.06993663]),
        ("temporal", [0.35143983, 0.78939860]),
        ("thresholds", [1.08179336, 1.08779783, 1.12537894, 1.09082166]),
        ("fused", [-4987.44095424, -12.87994489]),
        ("embedded", [852.72526125, 307.05685673]),
        ("text", [7.99437741]),
    ],
)
def test_fixture_in_evaluation_mode(figure: str, expected: list[float]) -> None:
    assert fixture_figures()[figure] == pytest.approx(expected, abs=PRINTED)


def test_fixture_spikes() -> None:
    assert fixture_figures()["spikes"] == [[3650, 3966], [3339, 2932], [3302, 2883]]


def test_fixture_losses_under_adam() -> None:
    method, batch = fixture_method(learning_rate=1e-3, weight_decay=1e-5), fixture_batch()
    trace = [method.train_step(batch)["total"].item() for _ in range(4)]
    assert trace == pytest.approx([2.80354464, 2.37924547, 1.82390172, 1.70881137], abs=PRINTED)


def test_every_parameter_feels_the_losses() -> None:
    method = small()
    method.losses(random_batch(method.shape, 5))["total"].backward()
    for name, parameter in method.module.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.any(), name


def test_the_negatives_are_a_pass_of_their_own() -> None:
    """As if the network were called twice; statistics: two passes of what both enter, one of the decoders."""
    method = small()
    batch = random_batch(method.shape, 5)
    pair = [method._inputs(part) for part in (batch, batch.negative)]
    together = method.module.embed_videos(pair[0].above(pair[1]), [8, 8])
    for k, inputs in enumerate(pair):
        encoded, video = method.module.embed_videos(inputs, [8])
        rows = slice(8 * k, 8 * k + 8)
        torch.testing.assert_close(together[0][:, rows], encoded)
        torch.testing.assert_close(together[1][:, rows], video)
    method = small()
    method.train_step(batch)
    net = method.module
    for block in (*net.audio_encoder, *net.visual_encoder, *net.audio_projection, net.text_projection):
        assert passes(block.norm) == 2
    assert passes(net.decoder.norm) == 3
    assert passes(net.audio_reconstruction.norm) == 1


def test_negatives_reach_the_triplets_alone() -> None:
    batch = random_batch(FeatureDims(6, 7, {"word2vec": 12}), 5)
    other = replace(batch, negative=replace(batch.negative, audio=batch.negative.audio + 1))
    first, second = (values(small().losses(b)) for b in (batch, other))
    assert first["triplet"] != pytest.approx(second["triplet"], abs=1e-4)
    for name in ("projection", "reconstruction"):
        assert first[name] == second[name]


# --- videos that are sequences ---


def sequences(lengths: list[int], width: int, seed: int) -> Sequences:
    generator = torch.Generator().manual_seed(seed)
    length = torch.tensor(lengths)
    steps = torch.randn(sum(lengths), width, generator=generator)
    return Sequences(steps, length.cumsum(0) - length, length, longest=max(lengths), seconds=1.0)


def sequence_videos() -> Videos:
    """Four videos whose vectors are the means of their steps."""
    audio, visual = sequences([1, 3, 7, 25], 6, 0), sequences([10, 4, 1, 3], 7, 1)
    means = [
        torch.stack([s.values[f : f + n].mean(dim=0) for f, n in zip(s.first, s.length, strict=True)])
        for s in (audio, visual)
    ]
    return Videos(*means, audio, visual)


def test_step_t_reads_frame_t_l_over_T() -> None:
    method, videos = small(), sequence_videos()
    inputs = method._inputs(videos)
    assert inputs.audio_steps.shape == (4, 10, 6)
    assert inputs.visual_steps.shape == (4, 10, 7)
    for video, length in enumerate((1, 3, 7, 25)):
        for t in range(10):
            row = videos.audio_steps.first[video] + (t * length) // 10
            assert torch.equal(inputs.audio_steps[video, t], videos.audio_steps.values[row])
    assert torch.equal(inputs.audio, videos.audio)


def test_steps_reach_the_spiking_branches_and_nothing_else() -> None:
    method, videos = small(), sequence_videos()
    net = method.module.eval()
    steps, vectors = (method._inputs(v) for v in (videos, Videos(videos.audio, videos.visual)))
    assert torch.equal(net.encode(steps, [4]), net.encode(vectors, [4]))
    assert (net.temporal(steps) - net.temporal(vectors)).abs().max() > 0.1
    assert (method.embed_videos(videos) - method.embed_videos(Videos(videos.audio, videos.visual))).any()


def test_a_sequence_of_one_step_is_a_vector() -> None:
    method, videos = small(), sequence_videos()
    vectors = Videos(videos.audio, videos.visual)
    single = replace(
        vectors,
        audio_steps=Sequences.of_vectors(videos.audio),
        visual_steps=Sequences.of_vectors(videos.visual),
    )
    torch.testing.assert_close(method.score(single, method.classes), method.score(vectors, method.classes))


def test_the_order_of_steps_matters() -> None:
    method, videos = small(), sequence_videos()
    values = videos.visual_steps.values.clone()
    values[:10] = values[:10].flip(0)
    turned = replace(videos, visual_steps=replace(videos.visual_steps, values=values))
    before, after = (method.score(v, method.classes) for v in (videos, turned))
    assert (before[0] - after[0]).abs().max() > 1e-4
    torch.testing.assert_close(before[1:], after[1:])


def test_training_on_sequences() -> None:
    method, videos = small(), sequence_videos()
    batch = random_batch(method.shape, 5, size=4)
    steps = {"audio_steps": videos.audio_steps, "visual_steps": videos.visual_steps}
    assert values(method.losses(replace(batch, **steps, negative=replace(batch.negative, **steps))))["total"] > 0
    method.losses(replace(batch, **steps, negative=replace(batch.negative, **steps)))["total"].backward()
    assert method.module.spiking.visual_input.weight.grad.any()


# --- scores ---


def test_scores_are_distances_of_the_chosen_embedding() -> None:
    embedded = {}
    for score_on in ("av", "visual", "audio"):
        method = small(score_on=score_on)
        batch = random_batch(method.shape, 5)
        method.module.eval()
        videos = Videos(batch.audio, batch.visual)
        embedded[score_on] = method.embed_videos(videos)
        distance = (embedded[score_on][2] - method.embed_classes(method.classes)[3]).norm()
        assert method.score(videos, method.classes)[2, 3].item() == pytest.approx(-distance.item(), abs=1e-6)
    torch.testing.assert_close(embedded["av"], (embedded["audio"] + embedded["visual"]) / 2)
    assert (embedded["audio"] - embedded["visual"]).abs().max() > 1e-3
    _, video = small().module.eval().embed_videos(method._inputs(videos), [8])
    torch.testing.assert_close(embedded["audio"], video[0])


def test_scores_do_not_depend_on_how_many_are_scored() -> None:
    torch.manual_seed(0)
    method = make(MAIN, torch.randn(3, 300), time_steps=4)
    videos = Videos(torch.randn(300, 512), torch.randn(300, 512))
    scores = method.score(videos, method.classes)
    assert torch.equal(method.score(videos, method.classes), scores)
    for rows in (slice(0, 1), slice(1, 4), slice(100, 233)):
        torch.testing.assert_close(
            method.score(videos.take(rows), method.classes), scores[rows], rtol=1e-5, atol=1e-6
        )


def test_scoring_fires_in_double_precision() -> None:
    """In single precision rounding made a neuron of one video in some 300 depend on the size of the product."""
    method = small()
    batch, seen = random_batch(method.shape, 5), []
    method.module.spiking.register_forward_hook(
        lambda module, inputs, output: seen.append((inputs[0].dtype, output.dtype))
    )
    method.losses(batch)
    method.score(Videos(batch.audio, batch.visual), method.classes)
    assert seen == [(torch.float32, torch.float32), (torch.float64, torch.float64)]
    assert method.module.spiking.audio_input.weight.dtype == torch.float32


# --- settings ---


def config(dataset: str, features: str) -> STFTConfig:
    settings = build_config(SPEC, STFTConfig, dataset, features, {})
    assert isinstance(settings, STFTConfig)
    return settings


@pytest.mark.parametrize(
    ("dataset", "features", "dropout", "momentum", "batch"),
    [
        ("ucf", "selavi", (0.2, 0.3, 0.5), 0.1, 256),
        ("ucf", "c3d_vggish", (0.2, 0.3, 0.5), 0.99, 256),
        ("vggsound", "selavi", (0.0, 0.0, 0.1), 0.1, 64),
        ("vggsound", "c3d_vggish", (0.0, 0.0, 0.0), 0.99, 256),
        ("activitynet", "selavi", (0.2, 0.2, 0.1), 0.99, 256),
        ("activitynet", "c3d_vggish", (0.2, 0.2, 0.1), 0.99, 256),
    ],
)
def test_settings(dataset: str, features: str, dropout: tuple[float, ...], momentum: float, batch: int) -> None:
    settings = config(dataset, features)
    assert (settings.encoder_dropout, settings.projection_dropout, settings.decoder_dropout) == dropout
    assert (settings.momentum, settings.batch_size) == (momentum, batch)
    assert (settings.epochs, settings.batches_per_epoch, settings.learning_rate) == (50, 500, 1e-3)
    assert (settings.weight_decay, settings.plateau_patience, settings.plateau_factor) == (1e-5, 3, 0.1)
    assert config(dataset, f"{features}_seq") == settings


@pytest.mark.parametrize("dataset", DATASETS)
def test_clip_clap_is_as_cls(dataset: str) -> None:
    assert config(dataset, "clip_clap") == config(dataset, "c3d_vggish")


def test_the_defaults_are_those_for_ucf_with_selavi() -> None:
    assert config("ucf", "selavi") == STFTConfig()


def test_dropout_rates_and_momentum_are_in_their_places() -> None:
    net = small(encoder_dropout=0.1, projection_dropout=0.2, decoder_dropout=0.3, momentum=0.7).module

    def rates(*parts: torch.nn.Module) -> set[float]:
        return {m.p for part in parts for m in part.modules() if isinstance(m, torch.nn.Dropout)}

    assert rates(net.audio_encoder, net.visual_encoder, net.combiner, net.joint_layer) == {0.1}
    assert rates(net.audio_fusion, net.visual_fusion) == {0.1}
    assert rates(net.audio_projection, net.visual_projection) == {0.2}
    assert rates(net.text_projection, net.decoder, net.audio_reconstruction, net.visual_reconstruction) == {0.3}
    assert rates(net.spiking) == set()
    for part in (net.audio_encoder, net.visual_encoder, net.audio_projection, net.visual_projection):
        assert [block.norm.momentum for block in part] == [0.1, 0.7]
    for block in (net.text_projection, net.decoder, net.audio_reconstruction, net.visual_reconstruction):
        assert block.norm.momentum == 0.1
