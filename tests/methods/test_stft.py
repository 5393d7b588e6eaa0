"""STFT against worked examples and an independent implementation of the same reconstruction."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import pytest
import torch
from avca_family import NO_DROPOUT, fill_avca, fill_token_layer
from built_methods import MAIN, passes, rates, values
from paired_cases import FIXTURE, FIXTURE_TEXT, fixture_batch, random_batch
from reference_values import PRINTED_8, bias, doubles, fill, weight
from stft_cases import PRINTED_7, SINGLE, make, small
from torch.nn import functional as F

from avgzsl_baselines.families.stft_fusion import KnowledgeCombiner, TripleLayer, TuckerFusion
from avgzsl_baselines.families.stft_network import Embedded
from avgzsl_baselines.families.stft_recurrence import next_threshold, run
from avgzsl_baselines.stft import STFT, stft_losses
from avgzsl_bench import FeatureDims, Sequences, Videos


def fixture_method(**settings: Any) -> STFT:
    method = make(FIXTURE, FIXTURE_TEXT, **NO_DROPOUT | settings)
    net = method.module.double()
    spiking, combiner = net.spiking, net.combiner
    fill_avca(net, net.joint_layer)
    fill_token_layer(combiner.layer, first=17)
    fill(spiking.audio_input, first=21)
    fill(spiking.visual_input, first=24)
    fill(combiner.audio_map, combiner.visual_map, first=27)
    for fusion, tag in ((net.audio_fusion, 34), (net.visual_fusion, 38)):
        fill(fusion.semantic, fusion.temporal, None, fusion.output, first=tag)
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
        steps = list(run(*net.spiking.recurrence(inputs.audio_steps, inputs.visual_steps)))
        last = steps[-1]
        return {
            "encoded": encoded.sum(dim=(1, 2)).tolist(),
            "knowledge": [knowledge[0].sum().item(), shared.sum().item()],
            "semantic": net.combiner(encoded)[0, 0, :4].tolist(),
            "spikes": [
                sum(spikes).sum(dim=(1, 2)).tolist()
                for spikes in zip(*((s.spikes, s.second.spikes, s.third.spikes) for s in steps), strict=True)
            ],
            "temporal": temporal[0, 0, :2].tolist(),
            "thresholds": next_threshold(last.threshold, last.third.spikes, last.third.gate)[0].flatten().tolist(),
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
    assert fixture_figures()[figure] == pytest.approx(expected, abs=PRINTED_8)


def test_fixture_spikes() -> None:
    assert fixture_figures()["spikes"] == [[3650, 3966], [3339, 2932], [3302, 2883]]


def test_fixture_losses_under_adam() -> None:
    method, batch = fixture_method(learning_rate=1e-3, weight_decay=1e-5), fixture_batch()
    trace = [method.train_step(batch)["total"].item() for _ in range(4)]
    assert trace == pytest.approx([2.80354464, 2.37924547, 1.82390172, 1.70881137], abs=PRINTED_8)


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


def test_dropout_rates_and_momentum_are_in_their_places() -> None:
    net = small(encoder_dropout=0.1, projection_dropout=0.2, decoder_dropout=0.3, momentum=0.7).module
    assert rates(net.audio_encoder, net.visual_encoder, net.combiner, net.joint_layer) == {0.1}
    assert rates(net.audio_fusion, net.visual_fusion) == {0.1}
    assert rates(net.audio_projection, net.visual_projection) == {0.2}
    assert rates(net.text_projection, net.decoder, net.audio_reconstruction, net.visual_reconstruction) == {0.3}
    assert rates(net.spiking) == set()
    for part in (net.audio_encoder, net.visual_encoder, net.audio_projection, net.visual_projection):
        assert [block.norm.momentum for block in part] == [0.1, 0.7]
    for block in (net.text_projection, net.decoder, net.audio_reconstruction, net.visual_reconstruction):
        assert block.norm.momentum == 0.1


# --- sequences and scores ---


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
        vectors, audio_steps=Sequences.of_vectors(videos.audio), visual_steps=Sequences.of_vectors(videos.visual)
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
