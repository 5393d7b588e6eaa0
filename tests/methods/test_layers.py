"""Blocks, attention of tokens and fixture values that several methods share."""

from __future__ import annotations

import pytest
import torch
from built_methods import parameters
from reference_values import T, X, bias, fill, weight
from torch import nn
from torch.nn import functional as F

from avgzsl_baselines.families.layers import LinearBlock, TwoLayerBlock
from avgzsl_baselines.families.stft_fusion import TripleAttention
from avgzsl_baselines.families.token_attention import TokenAttention


@pytest.mark.parametrize(
    ("inputs", "outputs", "expected"),
    [(1536, 512, 787_968), (512, 64, 32_960), (64, 512, 34_304), (512, 512, 263_680), (1024, 512, 525_824)],
)
def test_block1_parameters(inputs: int, outputs: int, expected: int) -> None:
    assert parameters(LinearBlock(inputs, outputs, 0.1)) == expected == inputs * outputs + 3 * outputs


@pytest.mark.parametrize(
    ("inputs", "hidden", "outputs", "expected"), [(512, 512, 64, 296_640), (64, 512, 512, 297_984)]
)
def test_block2_parameters(inputs: int, hidden: int, outputs: int, expected: int) -> None:
    assert parameters(TwoLayerBlock(inputs, hidden, outputs, 0.1)) == expected


def test_block1_is_linear_normalisation_relu() -> None:
    block = LinearBlock(6, 3, 0.0).double()
    fill(block)
    x = X(4, 6, 0)
    z = x @ weight(3, 6, 1).T + bias(3, 1)
    normed = (z - z.mean(0)) / (z.var(0, unbiased=False) + 1e-5).sqrt()
    torch.testing.assert_close(block(x), normed.clamp(min=0))
    torch.testing.assert_close(block.norm.running_mean, 0.1 * z.mean(0))
    torch.testing.assert_close(block.norm.running_var, 0.9 + 0.1 * z.var(0))


def test_blocks_end_in_relu_and_dropout() -> None:
    torch.manual_seed(0)
    block = TwoLayerBlock(8, 16, 400, 0.25)
    out = block(torch.randn(64, 8))
    assert (out >= 0).all()
    kept = F.relu(block[1].norm(block[1].linear(block[0](torch.randn(64, 8))))) > 0
    dropped = 1 - (out > 0).double().mean() / kept.double().mean()
    assert dropped == pytest.approx(0.25, abs=0.02)


def test_fixture_values() -> None:
    expected_audio = [0, 0.548387, 0.096774, 0.645161, 0.193548, 0.741935]
    expected_visual = [0.161290, 0.709677, 0.258065, 0.806452, 0.354839]
    assert X(4, 6, 0)[0].tolist() == pytest.approx(expected_audio, abs=5e-7)
    assert X(4, 5, 5)[0].tolist() == pytest.approx(expected_visual, abs=5e-7)
    text = T(4, 0)
    expected_text = [-0.09731294, -0.05946902, -0.02162510, 0.01621882]
    assert text[0, :4].tolist() == pytest.approx(expected_text, abs=5e-9)
    assert text.sum().item() == pytest.approx(-0.0427374180, abs=5e-11)
    assert T(4, 23).sum().item() == pytest.approx(-0.4545695956, abs=5e-11)


@pytest.mark.parametrize(("layer", "tokens"), [(TokenAttention, 2), (TokenAttention, 4), (TripleAttention, 3)])
def test_attention_is_a_softmax_over_the_tokens(layer: type[nn.Module], tokens: int) -> None:
    """Of a triple only the first two tokens are returned."""
    torch.manual_seed(0)
    attention = layer(12, heads=3, head_width=5, dropout=0.0).double()
    x = torch.randn(tokens, 7, 12, dtype=torch.float64)
    mapped = x.transpose(0, 1) @ attention.query_key_value.weight.T
    query, key, value = (part.unflatten(-1, (3, 5)).transpose(1, 2) for part in mapped.split(15, dim=-1))
    weights = torch.softmax(query @ key.transpose(-1, -2) / 5**0.5, dim=-1)
    expected = attention.output((weights @ value).transpose(1, 2).flatten(2)).transpose(0, 1)
    torch.testing.assert_close(attention(x), expected[:2] if layer is TripleAttention else expected)
