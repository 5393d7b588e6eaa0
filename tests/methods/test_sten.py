"""STEN against numbers obtained with the published program, and its attentions against arithmetic."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
import torch
from avca_family import NO_DROPOUT, SMALL, fixture_of
from avmst_cases import FIXTURE, FORMS, batch_of_fixture, traced
from built_methods import CLS, assert_same_statistics, build, parameters
from paired_cases import FIXTURE_TEXT, random_batch
from reference_values import PRINTED_8, doubles, fill
from torch.nn import functional as F

from avgzsl_baselines.families.layers import BlockStack, LinearBlock
from avgzsl_baselines.families.sten_attention import RectifiedAttention, TemporalChannelAttention
from avgzsl_baselines.sten import STEN, STENConfig
from avgzsl_bench import ConfigError, FeatureDims

ROUNDED = 5e-8
"""What embeddings after updates may be off by: biases in front of batch normalisation drift by rounding."""


def filled(**settings: Any) -> STEN:
    method = fixture_of(STEN, FIXTURE, spiking_hidden_width=8, **settings)
    net = method.module
    fill(*net.audio_spiking, *net.visual_spiking, first=21)
    (layer,) = net.joint_attention
    attention, feed_forward = layer.attention, layer.feed_forward
    fill(attention.query_key_value, attention.channels, attention.output, first=41)
    fill(feed_forward.hidden, feed_forward.output, first=44)
    fill(net.temporal_attention.over_steps, net.temporal_attention.over_channels, first=46)
    return method


def small(fidelity: str, **settings: Any) -> STEN:
    torch.manual_seed(0)
    widths = SMALL | NO_DROPOUT | {"spiking_hidden_width": 11, "heads": 2, "head_width": 3}
    shape = FeatureDims(6, 5, {"word2vec": 12})
    return build(STEN, shape, torch.randn(5, 12), fidelity=fidelity, **widths | settings)


# --- the attentions ---


def test_attention_over_time_and_channels_by_hand() -> None:
    attention = TemporalChannelAttention(2, 2).double()
    with torch.no_grad():
        attention.over_steps.weight.copy_(doubles([0.5, 0.25], [-1, 0.5]))
        attention.over_channels.weight.copy_(doubles([1, 0], [0.5, -1]))
    assert attention(doubles([1, 2]))[0].tolist() == pytest.approx([0.5284, 0.9129], abs=5.1e-5)


def test_attention_over_time_and_channels_step_by_step() -> None:
    torch.manual_seed(0)
    attention = TemporalChannelAttention(4, 7).double()
    h = torch.rand(2, 5, 7, dtype=torch.float64)
    steps = h.expand(4, *h.shape)
    over_steps = torch.einsum("ts,s...->t...", attention.over_steps.weight, steps)
    gates = torch.sigmoid(over_steps * (steps @ attention.over_channels.weight.T))
    torch.testing.assert_close(attention(h), (steps * gates).mean(dim=0))


def test_attention_without_softmax() -> None:
    """Two passes; queries, keys and values of each are normalised in turn."""
    torch.manual_seed(0)
    attention = RectifiedAttention(12, heads=3, head_width=4, dropout=0.0).double()
    plain, x = deepcopy(attention), torch.randn(2, 7, 12, dtype=torch.float64)
    expected = []
    for part in x.split([4, 3], dim=1):
        query, key, value = (
            F.relu(plain.norm(plain.channels(mapped).flatten(0, 1))).view(2, -1, 3, 4).movedim(0, 2)
            for mapped in plain.query_key_value(F.relu(part)).split(12, dim=-1)
        )  # [N, heads, 2, head width]
        attended = F.relu(0.5 * query @ (key.transpose(-1, -2) @ value))
        expected.append(plain.output(attended.movedim(2, 0).flatten(2)))
    torch.testing.assert_close(attention(x, [4, 3]), torch.cat(expected, dim=1))
    assert_same_statistics(attention, plain)


# --- the network ---


@pytest.mark.parametrize(("form", "trained"), [("released", 498_966), ("repaired", 1_079_834)])
def test_fixture_in_evaluation_mode(form: str, trained: int) -> None:
    """Both forms score alike at equal weights."""
    method, batch = filled(fidelity=form), batch_of_fixture()
    net = method.module
    assert (parameters(net), method.parameter_count()) == (1_080_434, trained)
    net.eval()
    active = net.activity(batch.audio, batch.visual, [4])
    encoded, joint = net.gated_and_joint(batch.audio, batch.visual, [4])
    video = net.embed_videos(batch.audio, batch.visual, [4])[1]
    text = net.embed_texts(FIXTURE_TEXT[:4])
    for found, printed in (
        (active.sum(dim=(1, 2)), [29.59688904, 34.59058324]),
        (joint.sum(), 214.93093706),
        (joint[0, 0, :4], [0.49261463, -0.06330430, 0.36390899, -0.33075659]),
        (encoded.sum(dim=(1, 2)), [138.44822303, -3.09831460]),
        (video.sum(dim=(1, 2)), [103.50793991, 67.69886380]),
        (text.sum(), 7.99437741),
        (video[1, 0, :6], [0.24699522, 0, 0, 0.89595942, 0, 0.44703373]),
    ):
        assert found.tolist() == pytest.approx(printed, abs=PRINTED_8)


@pytest.mark.parametrize(
    ("form", "losses", "trace", "after"),
    [
        (
            "released",
            [4.58425171, 3.81757743, 1.53955621, 1.64739098, 3.51465774],
            [15.10343407, 9.49308186, 6.79154698, 6.42863452],
            [54.97120948, 53.63960189, 6.93758141],
        ),
        (
            "repaired",
            [4.75853470, 4.74218558, 1.56413145, 1.79615197, 3.49487039],
            [16.35587409, 13.86944994, 10.28245335, 8.13908745],
            [100.74860856, 87.54476220, 7.04952258],
        ),
    ],
)
def test_fixture_in_training(form: str, losses: Any, trace: Any, after: Any) -> None:
    terms, totals, embedded = traced(filled(fidelity=form))
    assert terms == pytest.approx(losses, abs=PRINTED_8)
    assert totals == pytest.approx(trace, abs=PRINTED_8)
    assert embedded == pytest.approx(after, abs=ROUNDED)


def test_with_repeated_updates_of_the_statistics_the_repaired_form_would_score_otherwise() -> None:
    method = filled(fidelity="repaired")
    for block in (*method.module.audio_spiking, *method.module.visual_spiking):
        block.norm.momentum = 1 - 0.9**2
    assert traced(method)[2] == pytest.approx([105.80622302, 86.61660584, 7.04952258], abs=ROUNDED)


@pytest.mark.parametrize("momentum", [0.15, 1.05])
def test_statistics_of_the_released_form_move_once_a_step(momentum: float) -> None:
    net = small("released", steps=4, momentum=momentum).module
    batch = random_batch(FeatureDims(6, 5, {"word2vec": 12}), 5)
    plain = BlockStack(LinearBlock(6, 11, 0.0), LinearBlock(11, 8, 0.0, momentum))
    plain.load_state_dict(net.audio_spiking.state_dict())
    hidden = net.audio_spiking.passes(batch.audio, [8])
    for _ in range(4):
        torch.testing.assert_close(plain(batch.audio), hidden)
    for ours, theirs in zip(net.audio_spiking, plain, strict=True):
        torch.testing.assert_close(ours.norm.running_mean, theirs.norm.running_mean)
        torch.testing.assert_close(ours.norm.running_var, theirs.norm.running_var)


@pytest.mark.parametrize("form", FORMS)
def test_four_tokens_of_training_and_scoring(form: str) -> None:
    net = small(form).module
    batch = random_batch(FeatureDims(6, 5, {"word2vec": 12}), 5)
    for training in (True, False):
        net.train(training)
        plain = deepcopy(net)
        encoded, fused = net.fuse(batch.audio, batch.visual, [5, 3])
        phi, joint = plain.gated_and_joint(batch.audio, batch.visual, [5, 3])
        torch.testing.assert_close(encoded, phi)
        pos = plain.positions
        if training and form == "released":
            gates = torch.cat([torch.softmax(part, dim=1) for part in joint.split([5, 3], dim=1)], dim=1)
            tokens = [phi[m] + 2 * pos[m] for m in range(2)]
            tokens += [(phi[m] + pos[m]) * gates[m] + pos[m] for m in range(2)]
        else:
            tokens = [phi[m] + pos[m] for m in range(2)]
            tokens += [phi[m] * torch.softmax(joint[m], dim=1) + pos[m] for m in range(2)]
        torch.testing.assert_close(fused, phi + plain.transformer(torch.stack(tokens))[:2])


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("train_positions", [False, True])
def test_what_is_trained(form: str, train_positions: bool) -> None:
    method = small(form, train_positions=train_positions)
    net = method.module
    before = {name: p.clone() for name, p in net.named_parameters()}
    for _ in range(3):
        method.train_step(random_batch(method.shape, 5))
    same = {name for name, p in net.named_parameters() if torch.equal(p, before[name])}
    attentions = {name for name in before if name.startswith(("temporal_attention.", "joint_attention."))}
    expected = attentions if form == "released" else set()
    assert same == (expected if train_positions else expected | {"positions"})
    norm = net.joint_attention[0].attention.norm
    assert norm.num_batches_tracked == 3 * 3 * 3  # steps, passes, and queries, keys and values
    assert norm.running_mean.abs().max() > 0


def test_the_further_pass_moves_statistics_as_embedding_does() -> None:
    net = small("repaired").module
    batch, plain = random_batch(FeatureDims(6, 5, {"word2vec": 12}), 5), deepcopy(net)
    net.update_statistics(batch.audio, batch.visual)
    plain.embed_videos(batch.audio, batch.visual, [8])
    assert_same_statistics(net, plain)


# --- settings ---


def test_a_momentum_above_one_is_for_the_released_form() -> None:
    with pytest.raises(ConfigError, match=r"momentum=1.05.*at most 1.*fidelity=released"):
        STEN.check(STENConfig(momentum=1.05), CLS)
    STEN.check(STENConfig(momentum=1.05, fidelity="released"), CLS)
    STEN.check(STENConfig(momentum=1.0), CLS)
    with pytest.raises(ValueError, match="momentum"):
        STENConfig(momentum=1.11, fidelity="released")
