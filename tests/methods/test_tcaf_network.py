"""TCAF's attention, encodings of time, normalisations and parameters."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from built_methods import CLS, rates
from reference_values import T, doubles
from tcaf_cases import fixture_batch, fixture_method, make, pair_of
from torch import Tensor

from avgzsl_baselines.families.step_attention import Attention, permitted_keys, score_bias
from avgzsl_baselines.families.tcaf_network import PositionBlock, StepEncoder
from avgzsl_baselines.families.timed_sequences import AudioVisual
from avgzsl_bench import FeatureDims, Sequences

TOKENS = doubles([1, 0], [0, 1], [1, 1], [2, 0], [0, -1]).unsqueeze(0)
REAL_AUDIO, REAL_VISUAL = torch.tensor([[True, True]]), torch.tensor([[True, False]])
SINGLE_7 = 1.5e-7
"""For seven digits that were computed in single precision."""


def identity_attention() -> Attention:
    attention = Attention(2, heads=1, head_width=2, dropout=0.0).double()
    with torch.no_grad():
        for part in (attention.query, attention.key, attention.value, attention.output):
            part.weight.copy_(torch.eye(2))
        attention.output.bias.zero_()
    return attention


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (
            "cross",
            {
                0: [0.2211810, 0.1090574, 0.2211810, 0.4485805, 0],
                1: [0.5, 0, 0, 0.5, 0],
                2: [0.3302385, 0, 0, 0.6697615, 0],
                3: [0.4458083, 0.1083834, 0.4458083, 0, 0],
                4: [0.2] * 5,
            },
        ),
        ("self", {1: [0.1977758, 0.4011121, 0.4011121, 0, 0], 3: [0.1955703, 0, 0, 0.8044297, 0], 4: [0.2] * 5}),
    ],
)
def test_attention_weights(kind: Any, expected: dict[int, list[float]]) -> None:
    bias = score_bias(permitted_keys(REAL_AUDIO, REAL_VISUAL, kind), torch.float64)
    weights = torch.softmax(TOKENS @ TOKENS.mT / 2**0.5 + bias[:, 0], dim=-1)[0]
    attended = identity_attention()(TOKENS, TOKENS, bias)[0]
    for row, printed in expected.items():
        assert weights[row].tolist() == pytest.approx(printed, abs=SINGLE_7)
    torch.testing.assert_close(attended, weights @ TOKENS[0])


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("cross", [(1.3395231, 0.3302385), (1.5, 0), (1.6697615, 0), (0.8916165, 0.5541917), (0.8, 0.2)]),
        (
            "both",
            [(1.3395231, 0.3302385), (0.8302385, 0.6697615), (1.1697615, 0.5), (1.6088594, 0.1955703), (0.8, 0.2)],
        ),
    ],
)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_attention_outputs(kind: Any, expected: list[tuple[float, float]], dtype: torch.dtype) -> None:
    bias = score_bias(permitted_keys(REAL_AUDIO, REAL_VISUAL, kind), dtype)
    tokens = TOKENS.to(dtype)
    attended = identity_attention().to(dtype)(tokens, tokens, bias)[0]
    tolerance = SINGLE_7 if dtype == torch.float64 else 1e-6
    torch.testing.assert_close(attended, torch.tensor(expected, dtype=dtype), atol=tolerance, rtol=0)


def test_permitted_keys() -> None:
    def rows(kind: Any, audio: list[int], visual: list[int]) -> list[list[int]]:
        permitted = permitted_keys(torch.tensor([audio]).bool(), torch.tensor([visual]).bool(), kind)
        return [row.nonzero().flatten().tolist() for row in permitted[0]]

    assert rows("cross", [1, 1, 0], [1, 1]) == [[0, 1, 2, 4, 5], [0, 4, 5], [0, 4, 5], [], [0, 1, 2], [0, 1, 2]]
    assert rows("self", [1, 1, 0], [1, 1]) == [[0, 1, 2, 4, 5], [0, 1, 2], [0, 1, 2], [], [0, 4, 5], [0, 4, 5]]
    assert rows("both", [1, 0], [1]) == [[0, 1, 3], [0, 1, 3], [], [0, 1, 3]]
    assert rows("cross", [1, 1], [0]) == [[0, 1, 2], [0], [0], []]


def test_time_embedding() -> None:
    block = PositionBlock(width=3, position_width=4, dropout=0.0).double()
    with torch.no_grad():
        block.frequencies.copy_(torch.tensor([[0.1, 0.2], [0.3, -0.1]]))
        block.time.weight.copy_(torch.eye(4))
        block.time.bias.zero_()
    embedded = block.embed_times(doubles(0.64, 1.28, 1.0))
    expected = [
        [0.9992895, 0.3913737, -0.0376902, 0.9202318],
        [-0.0753268, 0.7203090, -0.9971589, 0.6936533],
        [0.5877852, 0.5877852, -0.8090170, 0.8090170],
    ]
    torch.testing.assert_close(embedded, doubles(*expected), atol=SINGLE_7, rtol=0)


def visual_input(visual: Sequences, **settings: Any) -> Tensor:
    """What the visual encoder is given."""
    width = visual.values.shape[1]
    method = make(FeatureDims(2, width, {"word2vec": 300}, sequences=True), **settings)
    method.module.double()
    given: list[Tensor] = []
    method.module.visual_encoder.register_forward_pre_hook(lambda _, inputs: given.append(inputs[0]))
    audio = Sequences.of_vectors(torch.rand(len(visual), 2, dtype=torch.float64))
    method.module.tokens(AudioVisual(audio, visual), "seconds")
    return given[0]


def test_visual_normalisation() -> None:
    steps = Sequences(
        doubles([3, 1], [4, 0], [5, 5]),
        torch.tensor([0, 0]),
        torch.tensor([2, 1]),
        2,
        1.0,
    )
    over_time = visual_input(steps)
    expected = doubles([[0.6, 1], [0.8, 0]], [[1, 1], [0, 0]])
    torch.testing.assert_close(over_time, expected)
    by_step = visual_input(steps, visual_norm="feature")
    first = [[0.9486833, 0.3162278], [1, 0]]
    torch.testing.assert_close(by_step[0], doubles(*first), atol=SINGLE_7, rtol=0)
    assert by_step[1].tolist() == [by_step[0, 0].tolist(), [0, 0]]
    single = Sequences.of_vectors(doubles([0.3, -0.2, 5], [1, 2, 3]))
    torch.testing.assert_close(visual_input(single)[0, 0], doubles(1.0, -1, 1))


def test_order_of_audio_tokens_does_not_matter() -> None:
    method, batch = fixture_method(), fixture_batch()
    net = method.module.eval()
    tokens, bias = net.tokens(pair_of(batch), "seconds")
    order = torch.tensor([0, 3, 1, 2, 4, 5, 6, 7])
    permuted, permuted_bias = tokens[:, order], bias[:, :, order][:, :, :, order]
    for layer in net.transformer:
        tokens, permuted = layer(tokens, bias), layer(permuted, permuted_bias)
    torch.testing.assert_close(permuted[:, 0], tokens[:, 0], rtol=0, atol=1e-12)
    torch.testing.assert_close(tokens[:, 0], net.class_tokens(pair_of(batch), "seconds"), rtol=0, atol=1e-12)


def test_gradients() -> None:
    torch.manual_seed(0)
    method = make(FeatureDims(6, 5, {"word2vec": 300}, sequences=True), T(5, 0), depth=2)
    method.module.double().eval()  # in training a bias before batch normalisation has no gradient
    method.losses(fixture_batch())["total"].backward()
    without = [name for name, p in method.module.named_parameters() if not p.grad.abs().sum() > 0]
    assert without == ["positions.padding.weight"]


def test_batch_statistics_of_real_steps() -> None:
    torch.manual_seed(0)
    steps = torch.randn(3, 4, 6, dtype=torch.float64)
    real = torch.tensor([[1, 1, 1, 1], [1, 1, 0, 0], [1, 0, 0, 0]]).bool()
    masked, plain = (StepEncoder(6, 9, 5, 0.0, real_only=only).double() for only in (True, False))
    plain.load_state_dict(masked.state_dict())
    torch.testing.assert_close(masked(steps, real)[real], plain.blocks(steps[real]))
    for (name, buffer), expected in zip(masked.named_buffers(), plain.buffers(), strict=True):
        torch.testing.assert_close(buffer, expected, msg=name)
    masked.eval()
    plain.eval()
    torch.testing.assert_close(masked(steps, real), plain(steps, real))
    plain.train()
    masked.train()
    assert not torch.allclose(masked(steps, real)[real], plain(steps, real)[real])


def test_padding_does_not_matter_in_training_with_statistics_of_real_steps() -> None:
    batch = fixture_batch()
    longer = replace(
        batch,
        audio_steps=replace(pair_of(batch).audio, longest=7),
        visual_steps=replace(pair_of(batch).visual, longest=9),
    )
    totals = {
        rows: [fixture_method(bn_padding=rows).losses(b)["total"].item() for b in (batch, longer)]
        for rows in ("all", "real")
    }
    assert totals["real"][0] == pytest.approx(totals["real"][1], abs=1e-12)
    assert abs(totals["all"][0] - totals["all"][1]) > 1e-3
    assert abs(totals["all"][0] - totals["real"][0]) > 1e-3


def test_dropout_rates_are_in_their_places() -> None:
    net = make(
        CLS,
        depth=2,
        encoder_dropout=0.1,
        decoder_dropout=0.2,
        text_dropout=0.3,
        position_dropout=0.4,
        transformer_dropout=0.5,
    ).module
    assert rates(net.audio_encoder) == rates(net.visual_encoder) == {0.1}
    assert rates(net.video_projection) == rates(net.video_decoder) == {0.2}
    assert rates(net.text_projection) == rates(net.text_decoder) == {0.3}
    assert rates(net.positions) == {0.4}
    assert rates(net.transformer) == {0.5}


def test_learnt_vectors_start_from_a_standard_normal() -> None:
    net = make(CLS, depth=1, position_width=2000, model_width=2000).module
    for vectors in (net.class_token, net.positions.modality.weight, net.positions.padding.weight):
        assert vectors.std().item() == pytest.approx(1, abs=0.1)
        assert vectors.mean().item() == pytest.approx(0, abs=0.1)


def test_what_is_heard_and_seen_behind_the_end_does_not_matter_to_the_network() -> None:
    method, batch = fixture_method(visual_norm="feature"), fixture_batch()
    net = method.module.eval()
    tokens, bias = net.tokens(pair_of(batch), "seconds")
    mask = torch.cat([torch.ones(4, 1, dtype=torch.bool), batch.audio_steps.padded().mask], dim=1)
    mask = torch.cat([mask, batch.visual_steps.padded().mask], dim=1)
    changed = torch.where(mask.unsqueeze(2), tokens, torch.randn_like(tokens))
    assert not torch.equal(changed, tokens)
    for layer in net.transformer:
        tokens, changed = layer(tokens, bias), layer(changed, bias)
    torch.testing.assert_close(changed[mask], tokens[mask], rtol=0, atol=1e-12)


def test_frequencies() -> None:
    torch.manual_seed(0)
    method = make(CLS, position_width=4000, depth=1)
    assert "positions.frequencies" in method.state_dict()
    frequencies = method.module.positions.frequencies
    assert frequencies.shape == (2, 2000)
    assert frequencies.std().item() == pytest.approx(10, rel=0.05)
